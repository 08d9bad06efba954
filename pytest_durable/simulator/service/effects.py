"""Effects: what a change of state implies for the future, returned as data and acted on by the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StartTimer:
    """The operation is to be looked at again at ``due`` (microseconds since the epoch)."""

    operation_id: str
    due: int


@dataclass(frozen=True, slots=True)
class StartInvoke:
    """A function is to be called on behalf of the operation, with ``payload`` as its input.

    ``execution_arn`` is what the resolver said of a durable function: the execution is to have that ARN.
    ``trace_id`` is for the header ``X-Amzn-Trace-Id`` of the call.
    """

    operation_id: str
    function_name: str
    payload: str | None
    tenant_id: str | None = None
    execution_arn: str | None = None
    trace_id: str | None = None


Effect: TypeAlias = StartTimer | StartInvoke
