"""The shapes of what the SDK is handed by Lambda and hands to user code."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


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


@dataclass(frozen=True, slots=True)
class StepContext:
    """What the body of a step is called with.

    ``logger`` adds the step's name and attempt to each line; ``attempt`` is 1 for the first. The
    defaults let a unit test call the body of a step with ``StepContext()``.
    """

    logger: LoggerInterface = field(default_factory=logging.getLogger)
    attempt: int = 1


class SummaryGenerator(Protocol[T_contra]):
    """Describes a result that is too large to store, in the record of its operation."""

    def __call__(self, result: T_contra, /) -> str:
        """Return the text to store."""
        ...


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
