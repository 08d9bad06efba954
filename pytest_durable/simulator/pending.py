"""What an execution waits for, in words for a test's author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.errors import DurableStuckError
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.points import shown
from pytest_durable.result.wording import kind_of
from pytest_durable.scripts.names import callback_paths
from pytest_durable.simulator.execution import SimulatedExecution

Executions = Mapping[str, SimulatedExecution]
"""Every execution of the simulation, by ARN."""


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """An operation that has not ended: since when, and until when if that is known.

    ``name`` is the one that the handler gave. A callback has the id that answers it, an invoke the function
    that it called, and in ``inner`` what the execution of that function waits for.
    """

    name: str | None
    operation_type: OperationType
    status: OperationStatus
    since: datetime | None
    until: datetime | None
    callback_id: str | None = None
    function_name: str | None = None
    inner: tuple[PendingOperation, ...] = ()

    def __str__(self) -> str:
        kind = kind_of(self.operation_type)
        what = f"{kind} {self.name!r}" if self.name else f"unnamed {kind}"
        if self.function_name:
            what += f" of function {self.function_name!r}"
        since = f" since {self.since:%Y-%m-%d %H:%M:%S}" if self.since else ""
        text = f"{what}, {self.status.value}{since}"
        if self.until is not None:
            text += f", until {self.until:%Y-%m-%d %H:%M:%S}"
        elif self.callback_id:
            text += ", no timeout"
        if self.callback_id:
            text += f", id {self.callback_id}"
        if self.inner:
            text += f", whose execution waits for {' and '.join(map(str, self.inner))}"
        return text

    __repr__ = __str__

    @property
    def answers(self) -> list[str]:
        """What would move it on: calls of the fixture, for callbacks and invokes."""
        found = []
        if self.callback_id:
            if self.name:
                found.append(f"durable_runner.on_callback({self.name!r}).succeed(...) before the run")
            found.append(f"durable_runner.send_callback_success({self.callback_id!r})")
        for pending in self.inner:
            found += pending.answers
        if self.function_name and not self.inner:
            found.append(f"durable_runner.on_invoke({self.function_name!r}).returns(...) before the run")
        return found


def pending_operations(executions: Executions, execution: SimulatedExecution) -> list[PendingOperation]:
    """Return the operations that have not ended, in order of creation."""
    operations = execution.record.log.operations
    return [
        _describe(executions, operations, operation)
        for operation in operations.values()
        if not operation.is_terminal and operation.subject.operation_type is not OperationType.EXECUTION
    ]


def _describe(
    executions: Executions, operations: Mapping[str, RecordedOperation], operation: RecordedOperation
) -> PendingOperation:
    until = operation.next_attempt_at or operation.scheduled_end_at or operation.deadline_at
    name = operation.subject.name
    if operation.callback_id is not None:
        # Inside wait_for_callback it has a name that the SDK made up.
        name = callback_paths(operations, operation.subject)[0][-1]
    invoked = executions.get(operation.execution_arn or "")
    return PendingOperation(
        name,
        operation.subject.operation_type,
        operation.status,
        None if operation.started_at is None else to_datetime(operation.started_at),
        None if until is None else to_datetime(until),
        operation.callback_id,
        operation.function_name,
        () if invoked is None else tuple(_reasons(pending_operations(executions, invoked))),
    )


def _reasons(pending: Sequence[PendingOperation]) -> list[PendingOperation]:
    """Leave out contexts, which only wait for what is in them, if there is anything else."""
    reasons = [operation for operation in pending if operation.operation_type is not OperationType.CONTEXT]
    return reasons or list(pending)


def stuck_error(
    executions: Executions, execution: SimulatedExecution, now: int, parked_tasks: Sequence[str] = ()
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
    if execution.paused:
        lines.append(f"It is paused: call durable_runner.resume_execution({execution.record.arn!r}).")
    pending = pending_operations(executions, execution)
    lines += [f"It waits for {operation}." for operation in _reasons(pending)]
    answers = list(dict.fromkeys(answer for operation in pending for answer in operation.answers))
    if answers:
        lines.append("What would answer: " + "; ".join(answers) + ".")
    return DurableStuckError("\n".join(lines))


def callback_names(execution: SimulatedExecution) -> list[str]:
    """Return the names of the callbacks of an execution, as the handler gave them, with their paths."""
    operations = execution.record.log.operations
    return [
        shown(callback_paths(operations, operation.subject)[0])
        for operation in operations.values()
        if operation.callback_id is not None
    ]
