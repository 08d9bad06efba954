"""Skipping: whether time may jump to what is next, or somebody outside has a say in what comes before it."""

from __future__ import annotations

from collections.abc import Iterator

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.simulator.event_queue import Entry, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.scheduled import ExecutionTimedOut, Item, TimerDue
from pytest_durable.simulator.world import World


def may_skip_to(head: Entry[Item], world: World) -> bool:
    """Return whether time may jump to the next entry of the queue, while no handler runs.

    It does not jump over what a callback or a paused execution still has: its answer may come any time.
    """
    match head.item:
        case TimerDue(execution, operation_id):
            operation = execution.record.log.operations[operation_id]
            return operation.subject.operation_type is not OperationType.CALLBACK
        case ExecutionTimedOut(execution):
            return not any(
                execution in _callers(other) and _is_open_to_others(other)
                for other in world.executions.by_arn.values()
                if not other.closed
            )
        case _:
            return head.priority is not Priority.DEADLINE


def _callers(execution: SimulatedExecution) -> Iterator[SimulatedExecution]:
    """Yield an execution, the one that has invoked it, the one that has invoked that one, and so on."""
    yield execution
    while execution.invoker is not None:
        execution = execution.invoker.execution
        yield execution


def _is_open_to_others(execution: SimulatedExecution) -> bool:
    return execution.paused or any(
        operation.subject.operation_type is OperationType.CALLBACK
        and operation.status is OperationStatus.STARTED
        for operation in execution.record.log.operations.values()
    )
