"""Executions: how each of them begins, is invoked as often as it takes, and ends."""

from __future__ import annotations

from contextvars import Context, copy_context
from typing import Any

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import ErrorJson, Event, EventType, InvocationOutcome, Subject
from pytest_durable.points import Point, Position, Repeat, StartCold
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.cold_import import import_anew
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import Invoker, SimulatedExecution
from pytest_durable.simulator.identifiers import FunctionVersion, Identifiers, execution_arn
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.invocation import (
    MEANT_FOR_PYTEST,
    Answer,
    Crashed,
    Ending,
    Failed,
    Handler,
    Invalid,
    Invocation,
    Pending,
    Raised,
    Succeeded,
    build_event,
    exit_error,
    interpret,
    time_limit_error,
)
from pytest_durable.simulator.journal import Journal
from pytest_durable.simulator.platform import Platform
from pytest_durable.simulator.reaper import Reaper
from pytest_durable.simulator.scheduled import ExecutionTimedOut, InvocationDue, InvokedExecutionEnded, Item
from pytest_durable.simulator.service.errors import DurableExecutionAlreadyStartedException
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.transitions import execution as transitions
from pytest_durable.simulator.skipped import SkippedTime
from pytest_durable.simulator.turns import Task

_SECOND = 1_000_000


class Executions:
    """Every execution of the world.

    With ``timeouts_count_waits`` off, execution timeouts leave out waits and delays of retries.
    """

    def __init__(
        self,
        clock: Clock,
        queue: EventQueue[Item],
        journal: Journal,
        platform: Platform,
        identifiers: Identifiers,
        limits: Limits,
        timeouts_count_waits: bool,
        injector: Injector,
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._journal = journal
        self._platform = platform
        self._identifiers = identifiers
        self._limits = limits
        self._timeouts_count_waits = timeouts_count_waits
        self._injector = injector
        self.by_arn: dict[str, SimulatedExecution] = {}
        """In order of start, those of invoked functions included."""
        self.skipped = SkippedTime()
        self.reaper = Reaper(self.by_arn, queue)

    # How one begins.

    def start(
        self,
        handler: Handler,
        function: FunctionVersion,
        payload: str | None,
        name: str | None,
        timeout_seconds: int | None,
        invocation_timeout_seconds: int,
        tenant_id: str | None = None,
    ) -> SimulatedExecution:
        """Start an execution; its first invocation is due at once.

        ``timeout_seconds`` of None stands for the service's maximum, which no test means to reach.
        """
        number = len(self.by_arn) + 1
        name = name or self._identifiers.execution_name(number)
        return self._start(
            handler,
            function,
            payload,
            name,
            self._identifiers.execution_id(function, name, number),
            timeout_seconds,
            invocation_timeout_seconds,
            copy_context(),
            tenant_id=tenant_id,
        )

    def started_before(
        self, function: FunctionVersion, name: str | None, payload: str | None
    ) -> SimulatedExecution | None:
        """Return the execution to which the function has given this name before, None if there is none.

        Raises:
            DurableExecutionAlreadyStartedException: its input is another one.
        """
        if name is None:
            return None
        for execution in self.by_arn.values():
            is_named = execution.function == function and execution.record.execution.name == name
            if is_named and not execution.deleted:
                if execution.record.operation.input_payload != payload:
                    raise DurableExecutionAlreadyStartedException(
                        f"Execution {name!r} of function {function.name!r} was started with another input."
                    )
                return execution
        return None

    def start_invoked(
        self,
        handler: Handler,
        function: FunctionVersion,
        payload: str,
        name: str,
        execution_id: str,
        timeout_seconds: int | None,
        invoker: Invoker,
        tenant_id: str | None,
    ) -> SimulatedExecution:
        """Start the execution of a durable function for an operation of another execution."""
        parent = invoker.execution
        return self._start(
            handler,
            function,
            payload,
            name,
            execution_id,
            timeout_seconds,
            parent.invocation_timeout_seconds,
            parent.context.copy(),
            invoker,
            tenant_id,
        )

    def _start(
        self,
        handler: Handler,
        function: FunctionVersion,
        payload: str | None,
        name: str,
        execution_id: str,
        timeout_seconds: int | None,
        invocation_timeout_seconds: int,
        context: Context,
        invoker: Invoker | None = None,
        tenant_id: str | None = None,
    ) -> SimulatedExecution:
        has_default_timeout = timeout_seconds is None
        timeout_seconds = timeout_seconds or self._limits.delay_seconds
        subject = Subject(execution_id, OperationType.EXECUTION, name=name)
        arn = execution_arn(function, name, execution_id)
        record = ExecutionRecord(arn, subject, timeout_seconds, self._limits)
        record.is_invoked = invoker is not None
        execution = SimulatedExecution(
            record,
            handler,
            function,
            invocation_timeout_seconds,
            has_default_timeout,
            context,
            invoker,
            tenant_id,
        )
        if invoker is not None:
            invoker.execution.invoked.append(execution)
        now = self._clock.now
        self.by_arn[arn] = execution
        self._journal.record(execution, transitions.start(subject, payload, timeout_seconds, now))
        self._invoke_after(execution, 0)
        self._time_out_at(execution, now + timeout_seconds * _SECOND)
        return execution

    def go_on(self, execution: SimulatedExecution, lost: Invocation | None, *, is_due: bool) -> None:
        """Let an execution go on that another world has begun.

        ``lost`` is the invocation that ran when that world ended, and failed with it. It counts as none of
        the failures in a row: the handler is not to blame.
        """
        operation = execution.record.operation
        assert operation.started_at is not None
        self._time_out_at(execution, operation.started_at + execution.record.timeout_seconds * _SECOND)
        if lost is not None:
            execution.invocation = lost
            self._complete_invocation(execution, exit_error(lost))
        if execution.last_event is not None:
            self._end(execution, execution.last_event)
        elif is_due or lost is not None or execution.record.completed_outside:
            self._invoke_after(execution, 0)

    def _time_out_at(self, execution: SimulatedExecution, due: int) -> None:
        item = ExecutionTimedOut(execution)
        execution.timeout = self._queue.push(due, Priority.DEADLINE, item, execution)

    def leave_out_wait(self, due: int) -> None:
        """Take note that an operation waits until ``due``, and leave that out of execution timeouts."""
        gap = self.skipped.add(self._clock.now, due)
        if self._timeouts_count_waits or not gap:
            return
        for execution in self.by_arn.values():
            if not execution.closed and execution.timeout is not None:
                execution.timeout.cancel()
                self._time_out_at(execution, execution.timeout.due + gap)

    # How it is invoked.

    def _invoke_after(self, execution: SimulatedExecution, delay_seconds: int) -> None:
        if not execution.invocation_is_due:
            execution.invocation_is_due = True
            due = self._clock.now + delay_seconds * _SECOND
            self._queue.push(due, Priority.INVOCATION, InvocationDue(execution), execution)

    def invoke(self, execution: SimulatedExecution) -> Task | None:
        """Begin an invocation, or hold it back."""
        execution.invocation_is_due = execution.is_retried = False
        if execution.paused:
            execution.is_owed = True
            return None
        execution.answered_meanwhile = False
        event = build_event(execution.record)
        self._journal.invoked(execution.record, event)
        if not self._injector.is_idle:
            self._trouble(execution, event)
        return self._platform.invoke(execution, event)

    def _trouble(self, execution: SimulatedExecution, event: dict[str, Any]) -> None:
        """Let faults have their way with an invocation that is about to begin."""
        name, number = execution.record.execution.name or "", execution.record.invocations
        match self._injector.at(Point(Position.INVOCATION, (execution.function.name,), name, number)):
            case StartCold():
                execution.handler = import_anew(execution.handler)
            case Repeat():
                self._platform.invoke_again(execution, event)
            case _:
                pass

    def forget_shadow(self, execution: SimulatedExecution, invocation: Invocation) -> None:
        """End the second run of an invocation that was delivered twice."""
        self.reaper.kill(invocation)
        execution.shadows.remove(invocation)

    def complete_outside(self, execution: SimulatedExecution, event: Event) -> None:
        """Record what completes an operation from outside, and let the handler know."""
        self._journal.record(execution, event, outside=True)
        if event.type is EventType.CALLBACK_HEARTBEAT:
            return
        if execution.invocation is None:
            self._invoke_after(execution, 0)
        else:
            execution.answered_meanwhile = True

    def complete_by_timer(self, execution: SimulatedExecution, event: Event) -> None:
        """Record what a wait or a delay ends in, and invoke the handler if none runs that could notice."""
        self._journal.record(execution, event, outside=True)
        if execution.invocation is None:
            self._invoke_after(execution, 0)

    def pause(self, execution: SimulatedExecution) -> None:
        """Invoke the handler no more; an invocation that runs ends with its next checkpoint."""
        execution.paused = not execution.closed

    def resume(self, execution: SimulatedExecution) -> None:
        """Invoke the handler again, at once if an invocation was held back."""
        execution.paused = False
        if execution.is_owed and not execution.closed:
            execution.is_owed = False
            self._invoke_after(execution, 0)

    # What follows from how an invocation ends.

    def conclude(self, execution: SimulatedExecution, ending: Ending) -> None:
        """Act on what the handler answered."""
        if isinstance(ending, Raised) and isinstance(ending.error, MEANT_FOR_PYTEST):
            raise ending.error
        assert execution.invocation is not None
        answer = interpret(ending, self._limits.output_bytes, exit_error(execution.invocation))
        failure = answer.error if isinstance(answer, Crashed | Invalid) else None
        # All of its tasks have ended, unless its process did in the middle of one.
        self.reaper.kill(execution.invocation)
        self._complete_invocation(execution, failure)
        if execution.last_event is not None:
            self._end(execution, execution.last_event)
        else:
            self._act_on(execution, answer)

    def _act_on(self, execution: SimulatedExecution, answer: Answer) -> None:
        record = execution.record
        match answer:
            case Succeeded(result):
                self._end(execution, transitions.succeed(record.execution, result, self._clock.now))
            case Failed(error) | Invalid(error):
                self._end(execution, transitions.fail(record.execution, error, self._clock.now))
            case Crashed(error):
                self._count_crash(execution, error)
            case Pending() if execution.paused:
                # It may have been cut short, so it is owed another invocation whatever it waits for.
                execution.forget_failures()
                execution.is_owed = True
            case Pending() if self._may_have_missed_something(execution):
                execution.forget_failures()
                self._invoke_after(execution, 0)
            case Pending() if record.pending:
                execution.forget_failures()
            case Pending():
                error = {
                    "ErrorType": "InvalidParameterValueException",
                    "ErrorMessage": "Cannot return PENDING status with no pending operations.",
                }
                execution.invalid_answers += 1
                is_last = execution.invalid_answers >= self._limits.invalid_pending_answers
                self._retry_or_fail(execution, error, is_last=is_last)

    @staticmethod
    def _may_have_missed_something(execution: SimulatedExecution) -> bool:
        """Return whether something ended while the handler ran, which may have looked before that.

        A branch that awaits a callback or an invoke does so for good: no answer to a checkpoint wakes it.
        """
        record = execution.record
        return (
            bool(record.completed_outside)
            or execution.answered_meanwhile
            or (record.changed_outside and not record.pending)
        )

    def _count_crash(self, execution: SimulatedExecution, error: ErrorJson) -> None:
        execution.crashes += 1
        is_last = execution.crashes >= self._limits.failed_invocations
        self._retry_or_fail(execution, error, is_last=is_last)

    def _retry_or_fail(self, execution: SimulatedExecution, error: ErrorJson, *, is_last: bool) -> None:
        """Invoke again after a while, or give up."""
        if is_last:
            now = self._clock.now
            self._end(execution, transitions.fail(execution.record.execution, error, now))
        else:
            execution.died()
            self._invoke_after(execution, self._limits.retry_seconds)

    def crash(self, execution: SimulatedExecution, error: ErrorJson | None = None) -> None:
        """Kill the sandbox that runs the handler, if any does; ``error`` is what Lambda reports of it."""
        if execution.invocation is not None:
            self._crash(execution, error or exit_error(execution.invocation))

    def crash_sandbox(self, execution: SimulatedExecution, sandbox: object, error: ErrorJson | None) -> None:
        """Kill one sandbox: that of the handler, or of the second run of an invocation delivered twice."""
        for shadow in execution.shadows:
            if shadow.sandbox is sandbox:
                self.forget_shadow(execution, shadow)
                return
        self.crash(execution, error)

    def time_out_invocation(self, execution: SimulatedExecution, invocation: Invocation) -> None:
        """Kill the sandbox that runs the handler: it takes too long."""
        if invocation is not execution.invocation:
            self.forget_shadow(execution, invocation)
            return
        self._crash(execution, time_limit_error(invocation, self._clock.now))

    def _crash(self, execution: SimulatedExecution, error: ErrorJson) -> None:
        """End the invocation that runs, dead, with ``error``."""
        self.reaper.kill(execution.invocation)
        self._complete_invocation(execution, error)
        if execution.last_event is not None:
            self._end(execution, execution.last_event)
        else:
            self._count_crash(execution, error)

    def _complete_invocation(self, execution: SimulatedExecution, error: ErrorJson | None) -> None:
        invocation = execution.invocation
        if invocation is None:
            return
        now = self._clock.now
        outcome = InvocationOutcome(invocation.request_id, invocation.started_at, now, error)
        invocation.sandbox.close()
        execution.invocation = None
        execution.record.token = None
        self._journal.record(execution, Event(EventType.INVOCATION_COMPLETED, now, None, outcome))

    # How it ends.

    def stop(self, execution: SimulatedExecution, error: ErrorJson | None) -> None:
        """End an execution from outside."""
        self._end(execution, transitions.stop(execution.record.execution, error, self._clock.now))

    def time_out(self, execution: SimulatedExecution) -> None:
        """End an execution whose time is up."""
        record = execution.record
        self._end(execution, transitions.time_out(record.execution, record.timeout_seconds, self._clock.now))

    def _end(self, execution: SimulatedExecution, event: Event) -> None:
        """End the execution, and whatever still runs of it."""
        if execution.invocation is not None:
            self.reaper.kill(execution.invocation)
            self._complete_invocation(execution, exit_error(execution.invocation))
        for shadow in list(execution.shadows):
            self.forget_shadow(execution, shadow)
        # What a checkpoint has decided already stands, whatever strikes afterwards.
        decided = execution.last_event or event
        self._journal.record(execution, decided._replace(at=self._clock.now))
        self._journal.finished(execution.record)
        if execution.invoker is not None:
            invoker, operation_id = execution.invoker
            item = InvokedExecutionEnded(invoker, operation_id, execution)
            self._queue.push(self._clock.now, Priority.WORK, item, invoker)
