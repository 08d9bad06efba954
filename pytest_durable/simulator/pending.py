"""What an execution waits for, in words for a test's author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.errors import DurableStuckError
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.result.wording import kind_of
from pytest_durable.simulator.execution import SimulatedExecution


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """An operation that has not ended: since when, and until when if that is known."""

    name: str | None
    operation_type: OperationType
    status: OperationStatus
    since: datetime | None
    until: datetime | None

    def __str__(self) -> str:
        kind = kind_of(self.operation_type)
        what = f"{kind} {self.name!r}" if self.name else f"unnamed {kind}"
        since = f" since {self.since:%Y-%m-%d %H:%M:%S}" if self.since else ""
        if self.until is None:
            return f"{what}, {self.status.value}{since}"
        return f"{what}, {self.status.value}{since}, until {self.until:%Y-%m-%d %H:%M:%S}"

    __repr__ = __str__


def pending_operations(execution: SimulatedExecution) -> list[PendingOperation]:
    """Return the operations that have not ended, in order of creation."""
    return [
        _describe(operation)
        for operation in execution.record.log.operations.values()
        if not operation.is_terminal and operation.subject.operation_type is not OperationType.EXECUTION
    ]


def _describe(operation: RecordedOperation) -> PendingOperation:
    until = operation.next_attempt_at or operation.scheduled_end_at
    return PendingOperation(
        operation.subject.name,
        operation.subject.operation_type,
        operation.status,
        None if operation.started_at is None else to_datetime(operation.started_at),
        None if until is None else to_datetime(until),
    )


def stuck_error(
    execution: SimulatedExecution, now: int, parked_tasks: Sequence[str] = ()
) -> DurableStuckError:
    """Return the error that says why the execution does not go on."""
    lines = [
        f"Execution {execution.record.execution.name!r} is unfinished at "
        f"{to_datetime(now):%Y-%m-%d %H:%M:%S} and nothing is going to happen."
    ]
    if parked_tasks:
        lines.append(
            f"Parked for ever: {', '.join(parked_tasks)}. What they wait for, no other task is going to do."
        )
    lines += [f"It waits for {pending}." for pending in pending_operations(execution)]
    return DurableStuckError("\n".join(lines))
