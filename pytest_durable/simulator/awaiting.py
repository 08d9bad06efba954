"""Awaiting a callback: run an execution until somebody outside could answer it."""

from __future__ import annotations

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import DurableTestError
from pytest_durable.history.events import EventType, Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.history.log import UnreadEvents
from pytest_durable.points import matches
from pytest_durable.scripts.names import callback_paths, demand_name
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.pending import callback_names, pending_operations
from pytest_durable.simulator.simulator import Simulator

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class _Search:
    """Looks for the callbacks of one name in one execution."""

    def __init__(self, simulator: Simulator, execution: SimulatedExecution, name: str | None) -> None:
        self._callbacks = simulator.callbacks
        self._execution = execution
        self._name = name
        # Asked after everything that happens.
        self._unread = UnreadEvents(execution.record.log)
        self._found: list[str] = []

    def _matching(self) -> list[str]:
        """Return the operation ids of the callbacks of the name, in order of creation."""
        for event in self._unread:
            if event.type is EventType.CALLBACK_STARTED and event.subject and self._is_named(event.subject):
                self._found.append(event.subject.operation_id)
        return self._found

    def _is_named(self, subject: Subject) -> bool:
        operations = self._execution.record.log.operations
        return self._name is None or any(
            matches(self._name, path) for path in callback_paths(operations, subject)
        )

    def awaited(self) -> str | None:
        """Return the id of an open callback, once the invocation that made it has ended.

        One that was broken off counts together with those that repeat it.
        Of a name it is the oldest, as for scripts; of all it is the newest.
        """
        invocation = self._execution.invocation
        operations = self._execution.record.log.operations
        found = self._matching()
        if self._execution.is_retried and not self._execution.closed:
            return None
        for operation_id in reversed(found) if self._name is None else found:
            operation = operations[operation_id]
            callback_id = operation.callback_id or ""
            made_by = max(self._callbacks.made_by[callback_id], self._execution.retried_up_to)
            is_made = invocation is None or invocation.number > made_by
            if is_made and not operation.is_terminal:
                return callback_id
        return None

    def ended_otherwise(self) -> RecordedOperation | None:
        """Return the newest callback of the name if it has ended, and not by an answer of the test."""
        found = self._matching() if self._name is not None else []
        if not found:
            return None
        newest = self._execution.record.log.operations[found[-1]]
        if not newest.is_terminal or newest.callback_id in self._callbacks.answered:
            return None
        return newest


def await_callback(
    simulator: Simulator, execution: SimulatedExecution, name: str | None, timeout: DurationLike | None
) -> str:
    """Run until a callback is open and return its id; see `Execution.until_callback`."""
    if name is not None:
        demand_name(name, "the callback")
    search = _Search(simulator, execution, name)

    def is_decided() -> bool:
        return (
            search.awaited() is not None
            or search.ended_otherwise() is not None
            or (execution.closed and execution.invocation is None)
        )

    if timeout is None:
        simulator.run_until(is_decided, between_invocations=False)
    else:
        simulator.run_for(is_decided, to_microseconds(timeout, "timeout"))
    callback_id = search.awaited()
    # Nobody can answer any more when the execution has ended.
    if callback_id is not None and not execution.closed:
        return callback_id
    what = "a callback" if name is None else f"callback {name!r}"
    ended = search.ended_otherwise()
    if ended is not None:
        raise DurableTestError(
            f"Nobody can answer {what}: it has ended already, with status {ended.status.value}."
        )
    if execution.closed:
        result = simulator.result(execution)
        result.raise_for_status()
        names = ", ".join(map(repr, callback_names(execution))) or "none"
        raise DurableTestError(
            f"The execution ended ({result.status}) without {what} to answer; its callbacks: {names}."
        )
    if timeout is not None:
        waits = "; ".join(map(str, pending_operations(simulator.executions, execution)))
        raise TimeoutError(
            f"{execution.record.arn} awaits no {what.removeprefix('a ')} after {timeout}: {waits}"
        )
    raise simulator.stuck(execution)
