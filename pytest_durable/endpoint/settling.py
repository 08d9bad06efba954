"""Settling: how far a simulated world goes on by itself, while nobody outside says anything."""

from __future__ import annotations

from durable_sdk.lambda_service import OperationType
from pytest_durable.simulator.event_queue import Entry, Priority
from pytest_durable.simulator.scheduled import Item, TimerDue
from pytest_durable.simulator.simulator import Simulator
from pytest_durable.simulator.world import World


def settle(simulator: Simulator) -> None:
    """Run until every execution has ended or waits for a callback: over waits and retries.

    Time does not jump over the timeout of a callback that somebody may still answer. What lies beyond
    stays until the callback has been answered, or the test lets time pass.
    """
    world = simulator.world
    simulator.run_until(lambda: not _goes_on(world), between_invocations=False)


def _goes_on(world: World) -> bool:
    """Return whether something is going to happen before a callback times out."""
    now = world.clock.now
    for entry in world.queue.in_order():
        # That somebody's time runs out is nothing to wait for.
        if entry.priority is Priority.DEADLINE:
            continue
        deadline = _callback_deadline(entry)
        if deadline is None or entry.due <= now:
            return True
        if entry.due >= deadline:
            return False
    return False


def _callback_deadline(entry: Entry[Item]) -> int | None:
    """Return when the callback of a timer times out, None if it is no such timer.

    A timer that nothing depends on any more, because the callback has been answered or a heartbeat came,
    is due before that.
    """
    item = entry.item
    if not isinstance(item, TimerDue):
        return None
    operation = item.execution.record.log.operations[item.operation_id]
    if operation.subject.operation_type is not OperationType.CALLBACK:
        return None
    deadline = None if operation.is_terminal else operation.deadline_at
    return entry.due + 1 if deadline is None else deadline
