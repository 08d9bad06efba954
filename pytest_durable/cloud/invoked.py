"""Invoked: executions that another one has invoked, read from their own histories when somebody looks.

What the invoking history says of them is there in any case; the rest takes a call of the API, and may not be
allowed to whoever runs the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from durable_sdk.lambda_service import OperationStatus
from pytest_durable.cloud.clock import Clock
from pytest_durable.cloud.translate import FindInvoked, beginning, ended_as, result_of
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import InvokeStart
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.result.execution import DurableFunctionTestResult

# How many are read for one result, and for how long.
READ_MAX = 100
_READ_SECONDS = 30.0
# A report is not to wait for one that does not answer.
_ONE_SECONDS = 5.0

_ENDED_BY_THEMSELVES = (OperationStatus.SUCCEEDED, OperationStatus.FAILED)


class Allowance:
    """What may be read for the invoked executions of one result, those that they invoke included."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = READ_MAX
        self._until: float | None = None

    def take(self) -> float | None:
        """Return the deadline for reading one more, None if none may be read any more."""
        now = self._clock.now()
        if self._until is None:
            self._until = now + _READ_SECONDS
        if self._left == 0 or now >= self._until:
            return None
        self._left -= 1
        return min(now + _ONE_SECONDS, self._until)

    def end(self) -> None:
        """Let nothing more be read: nobody answers."""
        self._left = 0


def result_of_invoked(
    invoke: RecordedOperation,
    events: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    invoked: FindInvoked,
) -> DurableFunctionTestResult:
    """Return the result of the execution that an invoke has started, from its own history.

    Where that cannot be had, or is behind, what came back to the invoke tells how it ended.
    """
    told = _as_execution(invoke)
    status = ended_as(events)
    # An invoke may have been given up, and the execution go on.
    if status is not None or (events and invoke.status not in _ENDED_BY_THEMSELVES):
        told = {"DurableExecutionArn": invoke.execution_arn, "Status": status or "RUNNING"}
    return result_of(told, events or [beginning(told)], notes=notes, invoked=invoked)


def _as_execution(invoke: RecordedOperation) -> dict[str, Any]:
    """Return what GetDurableExecution would answer, as far as the invoke tells."""
    start = invoke.start
    told = {
        "DurableExecutionArn": invoke.execution_arn,
        "Status": invoke.status.value if invoke.is_terminal else "RUNNING",
        "StartTimestamp": None if invoke.started_at is None else to_datetime(invoke.started_at),
        "EndTimestamp": None if invoke.ended_at is None else to_datetime(invoke.ended_at),
        "InputPayload": start.payload if isinstance(start, InvokeStart) else None,
        "Result": invoke.result,
        "Error": invoke.error,
    }
    return {member: value for member, value in told.items() if value is not None}
