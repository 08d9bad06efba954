"""Skipping: how far time may jump while no handler runs.

It does not jump over what ends the waiting for an answer from outside, and leaves some real time before it:
else a wait that ends just before a callback times out would take from it all the time that it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.event_queue import Entry, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.scheduled import ExecutionTimedOut, Item, TimerDue
from pytest_durable.simulator.world import World

# What somebody who answers has in any case, as far as the callback itself leaves so much: a program that asks
# every five seconds, as cloud mode does, among them.
ANSWER_SECONDS = 10
_ANSWER = ANSWER_SECONDS * 1_000_000


def skippable_until(world: World) -> int | None:
    """Return the moment to which time may jump; None if nothing is going to happen, or time may not jump.

    It is that of the next event, or one before it, from which on time is real.
    """
    head = world.queue.head()
    if head is None:
        return None
    for entry in world.queue.in_order():
        if entry.due - _ANSWER > head.due:
            break
        if _ends_waiting(entry, world):
            return None if entry is head else min(head.due, entry.due - _ANSWER)
    return head.due


def _ends_waiting(entry: Entry[Item], world: World) -> bool:
    """Return whether an entry ends the waiting for an answer that may still come."""
    match entry.item:
        case TimerDue(execution, operation_id):
            operation = execution.record.log.operations[operation_id]
            # That of an answer that has come, or of a heartbeat that another has followed, ends nothing.
            return _is_open(operation) and entry.due >= (operation.deadline_at or 0)
        case ExecutionTimedOut(execution):
            return any(
                execution in _callers(other) and (other.paused or _waits_for_answer(other))
                for other in world.executions.by_arn.values()
                if not other.closed
            )
        case _:
            return entry.priority is Priority.DEADLINE


def _is_open(operation: RecordedOperation) -> bool:
    is_callback = operation.subject.operation_type is OperationType.CALLBACK
    return is_callback and operation.status is OperationStatus.STARTED


def _callers(execution: SimulatedExecution) -> Iterator[SimulatedExecution]:
    """Yield an execution, the one that has invoked it, the one that has invoked that one, and so on."""
    yield execution
    while execution.invoker is not None:
        execution = execution.invoker.execution
        yield execution


def _waits_for_answer(execution: SimulatedExecution) -> bool:
    return any(_is_open(operation) for operation in execution.record.log.operations.values())
