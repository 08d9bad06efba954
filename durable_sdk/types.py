"""The shapes of what the SDK is handed by Lambda and hands to user code."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)


class LoggerInterface(Protocol):
    """What the SDK asks of a logger. Those of the standard library have it."""

    def debug(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def info(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def warning(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def error(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def exception(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...


class LambdaContext(Protocol):
    """The context object that Lambda passes to a handler."""

    aws_request_id: str
    log_group_name: str | None
    log_stream_name: str | None
    function_name: str | None
    memory_limit_in_mb: str | None
    function_version: str | None
    invoked_function_arn: str | None
    tenant_id: str | None
    client_context: Any
    identity: Any

    def get_remaining_time_in_millis(self) -> int:
        """Return how many milliseconds are left before Lambda ends the invocation."""
        ...

    def log(self, msg: Any) -> None:
        """Write ``msg`` to the function's log."""
        ...


@dataclass(frozen=True)
class OperationContext:
    """What user code inside an operation is handed: a ``logger`` that adds the operation to each line.

    The defaults of this and the classes below let a unit test call such code with ``StepContext()``.
    """

    logger: LoggerInterface = field(default_factory=logging.getLogger)


@dataclass(frozen=True)
class StepContext(OperationContext):
    """What the body of a step is called with; ``attempt`` is 1 for the first."""

    attempt: int = 1


@dataclass(frozen=True)
class WaitForConditionCheckContext(OperationContext):
    """What a check of wait_for_condition is called with; ``attempt`` is 1 for the first."""

    attempt: int = 1


@dataclass(frozen=True)
class WaitForCallbackContext(OperationContext):
    """What the submitter of wait_for_callback is called with, after the callback's id."""


class SummaryGenerator(Protocol[T_contra]):
    """Describes a result that is too large to store, in the record of its operation."""

    def __call__(self, result: T_contra, /) -> str:
        """Return the text to store."""
        ...


class Callback(Protocol[T_co]):
    """What create_callback returns."""

    @property
    def callback_id(self) -> str:
        """The id by which the outside answers."""
        ...

    def result(self) -> T_co | None:
        """Return what the outside answered."""
        ...


class BatchResult(Protocol[T_co]):
    """What map and parallel return, for code that wants its results only."""

    def get_results(self) -> Sequence[T_co]:
        """Return the results of the branches that succeeded."""
        ...


class DurableContext(Protocol):
    """The operations of a handler, for code that has to run without the SDK's own context.

    `durable_sdk.DurableContext` says what each does.
    """

    def step(self, func: Callable[..., Any], name: str | None = None, config: Any = None) -> Any: ...

    def wait(self, duration: Any = None, name: str | None = None) -> None: ...

    def run_in_child_context(
        self, func: Callable[..., Any], name: str | None = None, config: Any = None
    ) -> Any: ...

    def parallel(self, functions: Sequence[Any], name: str | None = None, config: Any = None) -> Any: ...

    def map(
        self, inputs: Sequence[Any], func: Callable[..., Any], name: str | None = None, config: Any = None
    ) -> Any: ...

    def create_callback(self, name: str | None = None, config: Any = None) -> Any: ...


_DURABLE_EXECUTION_ARN = re.compile(
    r"arn:[^:]*:lambda:[^:]*:[^:]*:function:([^:/]+):[^:/]+/durable-execution/([^/]+)/([^/]+)"
)


@dataclass(frozen=True)
class DurableExecutionArn:
    """The parts of an execution's ARN that tell it from others of the account.

    ``arn:<partition>:lambda:<region>:<account>:function:<function_name>:<version>/durable-execution/``
    ``<execution_name>/<invocation_id>``
    """

    function_name: str
    execution_name: str
    invocation_id: str

    @classmethod
    def from_arn(cls, arn: str) -> DurableExecutionArn | None:
        """Return the parts of ``arn``, None if it is not the ARN of an execution."""
        match = _DURABLE_EXECUTION_ARN.fullmatch(arn)
        return None if match is None else cls(*match.groups())
