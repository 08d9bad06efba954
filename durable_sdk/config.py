"""The options of operations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from math import isfinite
from typing import Any, Generic, TypeVar

from durable_sdk._backoff import JitterStrategy
from durable_sdk._duration import Duration
from durable_sdk.concurrency.models import BatchItemStatus
from durable_sdk.exceptions import ValidationError
from durable_sdk.retries import RetryStrategy
from durable_sdk.serdes import SerDes
from durable_sdk.types import SummaryGenerator

__all__ = [
    "BatchItemStatus",
    "ChildConfig",
    "CompletionConfig",
    "Duration",
    "JitterStrategy",
    "ParallelBranch",
    "ParallelConfig",
    "StepConfig",
    "StepSemantics",
]

T = TypeVar("T")

_SUB_TYPE = re.compile(r"[A-Za-z0-9_-]{1,32}")


class StepSemantics(Enum):
    """What happens to a step whose invocation died in the middle of an attempt."""

    AT_LEAST_ONCE_PER_RETRY = "AT_LEAST_ONCE_PER_RETRY"
    """The attempt is run again, so its body may run more than once."""

    AT_MOST_ONCE_PER_RETRY = "AT_MOST_ONCE_PER_RETRY"
    """The attempt has failed. Its start is recorded before the body runs, at the cost of a call."""


@dataclass(frozen=True, slots=True)
class StepConfig:
    """Options of a step.

    ``retry_strategy`` decides about failed attempts (`RetryPresets.default` if None), ``serdes``
    stores the result (the typed JSON of `ExtendedTypeSerDes` if None), ``sub_type`` replaces the
    label ``Step`` in the execution's history.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    retry_strategy: RetryStrategy | None = None
    step_semantics: StepSemantics = StepSemantics.AT_LEAST_ONCE_PER_RETRY
    serdes: SerDes[Any] | None = None
    _: KW_ONLY
    sub_type: str | None = None

    def __post_init__(self) -> None:
        if self.retry_strategy is not None and not callable(self.retry_strategy):
            raise ValidationError(
                f"StepConfig.retry_strategy was given {self.retry_strategy!r:.100}; it takes a "
                "function, such as create_retry_strategy(config) or RetryPresets.none()."
            )
        if not isinstance(self.step_semantics, StepSemantics):
            raise ValidationError(
                f"StepConfig.step_semantics was given {self.step_semantics!r:.100}; it takes a StepSemantics."
            )
        _check_serdes("StepConfig.serdes", self.serdes)
        _check_sub_type("StepConfig", self.sub_type)


@dataclass(frozen=True, slots=True)
class ChildConfig:
    """Options of a child context.

    ``serdes`` stores the result (the typed JSON of `ExtendedTypeSerDes` if None), ``sub_type``
    replaces the label ``RunInChildContext`` in the execution's history, ``summary_generator`` makes
    the text that is stored in place of a result of more than 256 KiB.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    serdes: SerDes[Any] | None = None
    sub_type: str | None = None
    summary_generator: SummaryGenerator[Any] | None = None

    def __post_init__(self) -> None:
        _check_serdes("ChildConfig.serdes", self.serdes)
        _check_sub_type("ChildConfig", self.sub_type)
        _check_callable("ChildConfig.summary_generator", self.summary_generator)


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """When a batch of branches ends before all of them have.

    ``min_successful`` successes are enough. More than ``tolerated_failure_count`` failures, or more
    than ``tolerated_failure_percentage`` percent of all branches (0 to 100), are too many. A
    minimum alone tolerates any failure; no criteria at all tolerate none.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    min_successful: int | None = None
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: int | float | None = None

    def __post_init__(self) -> None:
        _check_int("CompletionConfig.min_successful", self.min_successful, 1)
        _check_int("CompletionConfig.tolerated_failure_count", self.tolerated_failure_count, 0)
        percentage: object = self.tolerated_failure_percentage
        if percentage is None:
            return
        if (
            isinstance(percentage, bool)
            or not isinstance(percentage, int | float)
            or not isfinite(percentage)
            or not 0 <= percentage <= 100
        ):
            raise ValidationError(
                f"CompletionConfig.tolerated_failure_percentage was given {percentage!r}; "
                "it takes a number from 0 to 100."
            )

    @staticmethod
    def first_successful() -> CompletionConfig:
        """End with the first success; failures do not matter."""
        return CompletionConfig(min_successful=1)

    @staticmethod
    def all_completed() -> CompletionConfig:
        """Run every branch to its end, whatever becomes of the others."""
        return CompletionConfig(tolerated_failure_percentage=100)

    @staticmethod
    def all_successful() -> CompletionConfig:
        """End with the first failure."""
        return CompletionConfig(tolerated_failure_count=0, tolerated_failure_percentage=0)

    def check_total(self, total: int) -> None:
        """Check the criteria against the number of branches.

        Raises:
            ValidationError: more successes are asked for than there are branches.
        """
        if self.min_successful is not None and self.min_successful > total:
            raise ValidationError(
                f"CompletionConfig.min_successful is {self.min_successful}, "
                f"but the batch has {total} branches: it could never succeed."
            )


@dataclass(frozen=True, slots=True)
class ParallelConfig:
    """Options of a batch of branches.

    ``max_concurrency`` branches are unfinished at a time (all if None); one that waits counts.
    ``serdes`` stores the result of the batch, ``item_serdes`` those of its branches (``serdes`` if
    None, or else the typed JSON of `ExtendedTypeSerDes`). ``summary_generator`` makes the text that
    is stored in place of a result of more than 256 KiB.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    max_concurrency: int | None = None
    completion_config: CompletionConfig = field(default_factory=CompletionConfig.all_successful)
    serdes: SerDes[Any] | None = None
    item_serdes: SerDes[Any] | None = None
    summary_generator: SummaryGenerator[Any] | None = None

    def __post_init__(self) -> None:
        _check_int("ParallelConfig.max_concurrency", self.max_concurrency, 1)
        if not isinstance(self.completion_config, CompletionConfig):
            raise ValidationError(
                f"ParallelConfig.completion_config was given {self.completion_config!r:.100}; "
                "it takes a CompletionConfig, such as CompletionConfig.all_completed()."
            )
        _check_serdes("ParallelConfig.serdes", self.serdes)
        _check_serdes("ParallelConfig.item_serdes", self.item_serdes)
        _check_callable("ParallelConfig.summary_generator", self.summary_generator)


# Without slots, so that ParallelBranch[int](...) works on Python 3.11; see BatchItem.
@dataclass(frozen=True)
class ParallelBranch(Generic[T]):
    """A branch with a name of its own; without one it is called after its position.

    ``func`` is called with the DurableContext of the branch.
    """

    func: Callable[..., T]
    name: str | None = None

    def __call__(self, context: Any) -> T:
        """Run the function with the context of the branch."""
        return self.func(context)


def _check_sub_type(owner: str, sub_type: object) -> None:
    if sub_type is None or sub_type == "":
        return
    if not isinstance(sub_type, str) or _SUB_TYPE.fullmatch(sub_type) is None:
        raise ValidationError(
            f"{owner}.sub_type must be 1 to 32 characters from A-Z, a-z, 0-9, hyphen, and "
            f"underscore, got: {sub_type!r}"
        )


def _check_int(field_name: str, value: object, minimum: int) -> None:
    if value is not None and (type(value) is not int or value < minimum):
        raise ValidationError(f"{field_name} was given {value!r}; it takes an int of at least {minimum}.")


def _check_callable(field_name: str, value: object) -> None:
    if value is not None and not callable(value):
        raise ValidationError(f"{field_name} was given {value!r:.100}; it takes a function.")


def _check_serdes(field_name: str, serdes: object) -> None:
    if serdes is None or isinstance(serdes, SerDes):
        return
    what = "the class" if isinstance(serdes, type) else "an object without SerDes as its base"
    raise ValidationError(
        f"{field_name} was given {serdes!r:.100}, {what}; it takes an instance, such as JsonSerDes()."
    )
