"""The options of operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from math import isfinite
from typing import Any, Generic, TypeVar

from durable_sdk._backoff import JitterStrategy
from durable_sdk._checks import (
    check_bool,
    check_callable,
    check_int,
    check_retry_strategy,
    check_sub_type,
)
from durable_sdk._duration import Duration
from durable_sdk._retry_strategies import RetryStrategy
from durable_sdk._wording import shown
from durable_sdk.concurrency.completion import (
    BatchItemStatus,
    CompletionDecision,
    CompletionItemStatus,
    CompletionOutcome,
    CompletionStatus,
    ShouldComplete,
    complete_batch,
    continue_batch,
)
from durable_sdk.exceptions import ValidationError
from durable_sdk.serdes import SerDes, check_serdes
from durable_sdk.types import SummaryGenerator

__all__ = [
    "BatchItemStatus",
    "CallbackConfig",
    "ChildConfig",
    "CompletionConfig",
    "CompletionDecision",
    "CompletionItemStatus",
    "CompletionOutcome",
    "CompletionStatus",
    "Duration",
    "InvokeConfig",
    "JitterStrategy",
    "MapConfig",
    "NestingType",
    "ParallelBranch",
    "ParallelConfig",
    "StepConfig",
    "StepSemantics",
    "WaitForCallbackConfig",
    "complete_batch",
    "continue_batch",
]

T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")

LONGEST_CALLBACK_TIMEOUT_SECONDS = 99_999_999
"""The longest timeout and heartbeat timeout of a callback: the service's limit, some three years."""

_NO_TIMEOUT = Duration()


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
        check_retry_strategy("StepConfig.retry_strategy", self.retry_strategy)
        if not isinstance(self.step_semantics, StepSemantics):
            raise ValidationError(
                f"StepConfig.step_semantics was given {self.step_semantics!r:.100}; it takes a StepSemantics."
            )
        check_serdes("StepConfig.serdes", self.serdes)
        check_sub_type("StepConfig", self.sub_type)


@dataclass(frozen=True, slots=True)
class CallbackConfig:
    """Options of a callback.

    It times out ``timeout`` after it was created, or when ``heartbeat_timeout`` has passed without a
    heartbeat; a Duration of 0 is no limit, the longest is 99,999,999 seconds. ``serdes`` reads what the
    outside sends (a text as it is if None), ``sub_type`` replaces the label ``Callback`` in the execution's
    history.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    timeout: Duration = _NO_TIMEOUT
    heartbeat_timeout: Duration = _NO_TIMEOUT
    serdes: SerDes[Any] | None = None
    _: KW_ONLY
    sub_type: str | None = None

    def __post_init__(self) -> None:
        owner = type(self).__name__
        _check_callback_timeout(f"{owner}.timeout", self.timeout)
        _check_callback_timeout(f"{owner}.heartbeat_timeout", self.heartbeat_timeout)
        check_serdes(f"{owner}.serdes", self.serdes)
        check_sub_type(owner, self.sub_type)

    @property
    def timeout_seconds(self) -> int:
        """The timeout in seconds, 0 for none."""
        return self.timeout.seconds

    @property
    def heartbeat_timeout_seconds(self) -> int:
        """The heartbeat timeout in seconds, 0 for none."""
        return self.heartbeat_timeout.seconds


# Without slots: on Python 3.11 a derived dataclass with slots cannot call super().__post_init__().
@dataclass(frozen=True)
class WaitForCallbackConfig(CallbackConfig):
    """Options of wait_for_callback: those of the callback, and the ``retry_strategy`` of the step that
    hands out its id (`RetryPresets.default` if None). ``serdes`` and ``sub_type`` are the callback's;
    the step stores its result with ``serdes``, too, unless that is a TypedSerDes.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    retry_strategy: RetryStrategy | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_retry_strategy("WaitForCallbackConfig.retry_strategy", self.retry_strategy)


@dataclass(frozen=True)
class InvokeConfig(Generic[P, R]):
    """Options of invoke.

    ``serdes_payload`` writes the payload and ``serdes_result`` reads the result (plain JSON if None).
    ``tenant_id`` is the tenant for which a function with tenant isolation runs.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    serdes_payload: SerDes[P] | None = None
    serdes_result: SerDes[R] | None = None
    tenant_id: str | None = None

    def __post_init__(self) -> None:
        check_serdes("InvokeConfig.serdes_payload", self.serdes_payload)
        check_serdes("InvokeConfig.serdes_result", self.serdes_result)
        tenant_id: object = self.tenant_id
        if tenant_id is not None and not (isinstance(tenant_id, str) and tenant_id):
            raise ValidationError(
                f"InvokeConfig.tenant_id was given {shown(tenant_id)}; it takes a text, not an empty one."
            )


@dataclass(frozen=True)
class ChildConfig(Generic[T]):
    """Options of a child context.

    ``serdes`` stores the result (the typed JSON of `ExtendedTypeSerDes` if None), ``sub_type``
    replaces the label ``RunInChildContext`` in the execution's history, ``summary_generator`` makes
    the text that is stored in place of a result of more than 256 KiB. A context that ``is_virtual`` leaves
    no record of its own: it numbers its operations and wraps errors, but its body runs on every replay.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    serdes: SerDes[Any] | None = None
    sub_type: str | None = None
    summary_generator: SummaryGenerator[Any] | None = None
    is_virtual: bool = False

    def __post_init__(self) -> None:
        check_bool("ChildConfig.is_virtual", self.is_virtual)
        check_serdes("ChildConfig.serdes", self.serdes)
        check_sub_type("ChildConfig", self.sub_type)
        check_callable("ChildConfig.summary_generator", self.summary_generator)


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """When a batch of branches ends before all of them have.

    ``min_successful`` successes are enough. More than ``tolerated_failure_count`` failures, or more
    than ``tolerated_failure_percentage`` percent of all branches (0 to 100), are too many. A
    minimum alone tolerates any failure; no criteria at all tolerate none. ``should_complete`` decides in
    place of the numbers: it is called with a CompletionStatus before the first branch starts and after each
    change of a branch, and returns `complete_batch` or `continue_batch`.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    min_successful: int | None = None
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: int | float | None = None
    should_complete: ShouldComplete | None = None

    def __post_init__(self) -> None:
        self._check_should_complete()
        check_int("CompletionConfig.min_successful", self.min_successful, 1)
        check_int("CompletionConfig.tolerated_failure_count", self.tolerated_failure_count, 0)
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

    def _check_should_complete(self) -> None:
        if self.should_complete is None:
            return
        if not callable(self.should_complete):
            raise ValidationError(
                f"CompletionConfig: should_complete must be callable, got {shown(self.should_complete)}."
            )
        numbers = (self.min_successful, self.tolerated_failure_count, self.tolerated_failure_percentage)
        if any(number is not None for number in numbers):
            raise ValidationError(
                "CompletionConfig: should_complete cannot be combined with min_successful, "
                "tolerated_failure_count, or tolerated_failure_percentage."
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


class NestingType(Enum):
    """What a batch records of its branches."""

    NESTED = "NESTED"
    """A context for each branch: its result is recorded, and the branch does not run again."""

    FLAT = "FLAT"
    """Only the operations inside: fewer records, but every branch runs again on replay."""


@dataclass(frozen=True)
class ParallelConfig:
    """Options of a batch of branches.

    ``max_concurrency`` branches are unfinished at a time (all if None); one that waits counts.
    ``serdes`` stores the result of the batch, ``item_serdes`` those of its branches (``serdes`` if
    None, or else the typed JSON of `ExtendedTypeSerDes`). ``summary_generator`` makes the text that
    is stored in place of a result of more than 256 KiB. ``nesting_type`` says what is recorded of branches.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    max_concurrency: int | None = None
    completion_config: CompletionConfig = field(default_factory=CompletionConfig.all_successful)
    serdes: SerDes[Any] | None = None
    item_serdes: SerDes[Any] | None = None
    summary_generator: SummaryGenerator[Any] | None = None
    nesting_type: NestingType = NestingType.NESTED

    def __post_init__(self) -> None:
        _check_batch(self)


@dataclass(frozen=True)
class MapConfig(Generic[T]):
    """Options of map: those of a ParallelConfig, and ``item_namer``.

    ``item_namer(item, index)`` names the branch of an item (``map-item-<index>`` without it). It is called
    for all items before the first starts, and again on every replay. The default ``completion_config`` has
    no criteria: the batch ends with the first failure.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    max_concurrency: int | None = None
    completion_config: CompletionConfig = field(default_factory=CompletionConfig)
    serdes: SerDes[Any] | None = None
    item_serdes: SerDes[Any] | None = None
    summary_generator: SummaryGenerator[Any] | None = None
    nesting_type: NestingType = NestingType.NESTED
    item_namer: Callable[[T, int], str] | None = None

    def __post_init__(self) -> None:
        _check_batch(self)
        check_callable("MapConfig.item_namer", self.item_namer)


def _check_batch(config: ParallelConfig | MapConfig[Any]) -> None:
    owner = type(config).__name__
    check_int(f"{owner}.max_concurrency", config.max_concurrency, 1)
    if not isinstance(config.completion_config, CompletionConfig):
        raise ValidationError(
            f"{owner}.completion_config was given {config.completion_config!r:.100}; "
            "it takes a CompletionConfig, such as CompletionConfig.all_completed()."
        )
    check_serdes(f"{owner}.serdes", config.serdes)
    check_serdes(f"{owner}.item_serdes", config.item_serdes)
    check_callable(f"{owner}.summary_generator", config.summary_generator)
    if not isinstance(config.nesting_type, NestingType):
        raise ValidationError(
            f"{owner}.nesting_type was given {config.nesting_type!r:.100}; it takes a NestingType."
        )


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


def _check_callback_timeout(field_name: str, timeout: object) -> None:
    if not isinstance(timeout, Duration) or timeout.seconds > LONGEST_CALLBACK_TIMEOUT_SECONDS:
        raise ValidationError(
            f"{field_name} was given {timeout!r:.100}; it takes a Duration of at most "
            f"{LONGEST_CALLBACK_TIMEOUT_SECONDS:,} seconds, 0 for no limit."
        )
