"""Execution: drives one execution by hand, a stretch at a time."""

from __future__ import annotations

from typing import Any

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import DurableTestError
from pytest_durable.history.events import Subject
from pytest_durable.history.log import EventLog, UnreadEvents
from pytest_durable.payload import encode_error
from pytest_durable.points import matches
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.result.wording import kind_of
from pytest_durable.scripts.names import demand_name, path_of
from pytest_durable.simulator.awaiting import await_callback
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.pending import PendingOperation, pending_operations
from pytest_durable.simulator.simulator import Simulator

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Execution:
    """An execution that has started. It goes on only inside these calls."""

    def __init__(self, simulator: Simulator, execution: SimulatedExecution) -> None:
        self._simulator = simulator
        self._execution = execution

    def __repr__(self) -> str:
        return f"<Execution {self.arn} {self._execution.record.operation.status.value}>"

    @property
    def arn(self) -> str:
        """The ARN of the execution."""
        return self._execution.record.arn

    @property
    def log(self) -> EventLog:
        """Its events so far."""
        return self._execution.record.log

    @property
    def pending(self) -> list[PendingOperation]:
        """The operations that have not ended, in order of creation."""
        return pending_operations(self._simulator.executions, self._execution)

    def until_suspended(self) -> Execution:
        """Go on until no invocation runs: the handler waits for something, or has ended.

        An invocation that a fault or the handler itself has ended is repeated first; one that `crash` has
        ended is not.
        """
        self._simulator.run_until_idle(self._execution)
        return self

    def until(self, operation_name: str) -> Execution:
        """Go on until the operation of that name has begun, or the one at a path such as ``orders/charge``.

        Raises:
            UsageError: the name is no text, or is empty.
            DurableTestError: the execution ends, or gets stuck, before.
        """
        demand_name(operation_name, "the operation")
        unread = UnreadEvents(self.log)
        has_begun = False

        def is_decided() -> bool:
            nonlocal has_begun
            has_begun = has_begun or any(self._is_called(operation_name, event.subject) for event in unread)
            return has_begun or self._execution.closed

        self._simulator.run_until(is_decided, between_invocations=False)
        if has_begun:
            return self
        if not self._execution.closed:
            raise self._simulator.stuck(self._execution)
        subjects = [operation.subject for operation in self._execution.record.log.operations.values()]
        names = [
            repr(subject.name) if subject.name else f"an unnamed {kind_of(subject.operation_type)}"
            for subject in subjects
            if subject != self._execution.record.execution
        ]
        raise DurableTestError(
            f"The execution ended ({self._execution.record.operation.status.value}) without "
            f"an operation {operation_name!r}; it had {', '.join(names) or 'none'}."
        )

    def until_callback(self, name: str | None = None, timeout: DurationLike | None = None) -> str:
        """Go on until a callback of that name is open and the handler awaits it; return its id.

        Without a name any callback will do, the newest first. ``timeout`` is virtual time.

        Raises:
            ExecutionFailedError: the execution fails before.
            DurableTestError: the execution succeeds before, or the callback has been answered already.
            DurableStuckError: the execution gets stuck before.
            TimeoutError: none is open when ``timeout`` has passed.
        """
        return await_callback(self._simulator, self._execution, name, timeout)

    def _is_called(self, name: str, subject: Subject | None) -> bool:
        """Return whether an event is about the operation of that name or path, not the execution itself."""
        if subject is None or subject is self._execution.record.execution:
            return False
        return matches(name, path_of(self.log.operations, subject))

    def advance(self, duration: DurationLike) -> Execution:
        """Let virtual time pass, with all that happens in it.

        If a fault ends an invocation meanwhile, it goes on until the handler has suspended or ended.
        """
        self._simulator.advance(to_microseconds(duration), [self._execution])
        return self

    def crash(self) -> Execution:
        """Kill the sandbox that runs the handler now, if one does; the service invokes again later."""
        self._simulator.crash(self._execution)
        return self

    def stop(self, error: Any = None) -> Execution:
        """End the execution from outside, with status STOPPED.

        Raises:
            UsageError: the error is no exception, message, ErrorObject or JSON form of one.
        """
        self._simulator.stop(self._execution, encode_error(error))
        return self

    def finish(self) -> DurableFunctionTestResult:
        """Go on to the end and return the result.

        Raises:
            DurableStuckError: it cannot end.
        """
        self._simulator.run_to_end(self._execution)
        return self.result()

    def result(self) -> DurableFunctionTestResult:
        """Return the result so far."""
        return self._simulator.result(self._execution)
