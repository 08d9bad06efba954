"""The world: all state of a simulation, and what each item of the event queue does to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context, copy_context
from typing import Any

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import ErrorJson, Event, EventType, InvocationOutcome, Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.callbacks import Callbacks
from pytest_durable.simulator.chained_invokes import ChainedInvokes, Resolved, Resolver
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.client import Call
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.compute import Compute, exit_error
from pytest_durable.simulator.entropy import Entropy
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import Invoker, SimulatedExecution
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.identifiers import FunctionVersion, Identifiers, execution_arn
from pytest_durable.simulator.invocation import (
    MEANT_FOR_PYTEST,
    Answer,
    Crashed,
    Ending,
    Failed,
    Handler,
    Invalid,
    Pending,
    Raised,
    Succeeded,
    build_event,
    interpret,
)
from pytest_durable.simulator.reaper import Reaper
from pytest_durable.simulator.scheduled import (
    CallAnswered,
    CallArrived,
    CallbackHeartbeatDue,
    CallbackReplyDue,
    ExecutionTimedOut,
    FunctionEnded,
    FunctionTimedOut,
    HandlerEnded,
    InvocationDue,
    InvocationTimedOut,
    InvokedExecutionEnded,
    InvokeScripted,
    Item,
    TaskDue,
    TimerDue,
)
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.effects import StartInvoke, StartTimer
from pytest_durable.simulator.service.errors import ServiceError
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.requests import parse_checkpoint, parse_state
from pytest_durable.simulator.service.transitions import execution as transitions
from pytest_durable.simulator.skipped import SkippedTime
from pytest_durable.simulator.turns import Task, Turns

_SECOND = 1_000_000


class World:
    """Changed by the loop alone, through `happen`, and by the calls that put new items in its queue."""

    def __init__(
        self,
        start: int,
        entropy: Entropy,
        limits: Limits,
        checkers: Sequence[Checker],
        stall_seconds: float,
        functions: Functions | None = None,
        scripts: ScriptBook | None = None,
        timeouts_count_waits: bool = True,
    ) -> None:
        self.clock = Clock(start)
        self.skipped = SkippedTime()
        self._timeouts_count_waits = timeouts_count_waits
        self.queue: EventQueue[Item] = EventQueue()
        self.turns = Turns(stall_seconds)
        self.executions: dict[str, SimulatedExecution] = {}
        self._limits = limits
        # Most checkers watch one or two kinds of happening, and there are many of each.
        self._on_invoked = [checker.invoked for checker in checkers if checker.watches("invoked")]
        self._on_exchanged = [checker.exchanged for checker in checkers if checker.watches("exchanged")]
        self._on_recorded = [checker.recorded for checker in checkers if checker.watches("recorded")]
        self._on_finished = [checker.finished for checker in checkers if checker.watches("finished")]
        self._identifiers = Identifiers(entropy.seed)
        self.reaper = Reaper(self.executions, self.queue)
        scripts = scripts or ScriptBook()
        self._compute = Compute(self.clock, self.queue, self.turns, entropy, self._identifiers, scripts)
        self.callbacks = Callbacks(self.clock, self.queue, self.executions, scripts, self._complete_outside)
        self._invokes = ChainedInvokes(functions or Functions(), scripts, self._identifiers, self._compute)

    # What a caller may ask for.

    def start_execution(
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
        number = len(self.executions) + 1
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
        now = self.clock.now
        self.executions[arn] = execution
        self._record(execution, transitions.start(subject, payload, timeout_seconds, now))
        self._invoke_after(execution, 0)
        self._time_out_at(execution, now + timeout_seconds * _SECOND)
        return execution

    def _time_out_at(self, execution: SimulatedExecution, due: int) -> None:
        item = ExecutionTimedOut(execution)
        execution.timeout = self.queue.push(due, Priority.DEADLINE, item, execution)

    def _skip(self, due: int) -> None:
        """Take note that an operation waits until ``due``, and leave that out of execution timeouts."""
        gap = self.skipped.add(self.clock.now, due)
        if self._timeouts_count_waits or not gap:
            return
        for execution in self.executions.values():
            if not execution.closed and execution.timeout is not None:
                execution.timeout.cancel()
                self._time_out_at(execution, execution.timeout.due + gap)

    def stop_execution(self, execution: SimulatedExecution, error: ErrorJson | None) -> None:
        """End an execution from outside."""
        self._end(execution, transitions.stop(execution.record.execution, error, self.clock.now))

    def crash_invocation(self, execution: SimulatedExecution) -> None:
        """Kill the sandbox that runs the handler, if any does."""
        if execution.invocation is not None:
            self._crash(execution, exit_error(execution.invocation))

    def pause(self, execution: SimulatedExecution) -> None:
        """Invoke the handler no more; an invocation that runs ends with its next checkpoint."""
        execution.paused = not execution.closed

    def resume(self, execution: SimulatedExecution) -> None:
        """Invoke the handler again, at once if an invocation was held back."""
        execution.paused = False
        if execution.is_owed and not execution.closed:
            execution.is_owed = False
            self._invoke_after(execution, 0)

    # What the loop does.

    def happen(self, item: Item) -> Task | None:
        """Make ``item`` happen. Returns the task that is to have the turn, if any."""
        match item:
            case CallArrived(execution, call):
                self._serve(execution, call)
            case CallAnswered(call):
                return call.task
            case TaskDue(task):
                return task
            case TimerDue(execution, operation_id):
                self._fire(execution, operation_id)
            case InvocationDue(execution):
                return self._invoke(execution)
            case HandlerEnded(execution, ending):
                self._conclude(execution, ending)
            case InvocationTimedOut(execution, invocation):
                self._crash(execution, self._compute.time_limit_error(invocation))
            case ExecutionTimedOut(execution):
                record = execution.record
                now = self.clock.now
                event = transitions.time_out(record.execution, record.timeout_seconds, now)
                self._end(execution, event)
            case CallbackReplyDue():
                self.callbacks.reply(item)
            case CallbackHeartbeatDue():
                self.callbacks.beat(item)
            case InvokeScripted(execution, operation_id, outcome):
                event = self._invokes.scripted(execution, operation_id, outcome, self.clock.now)
                self._complete_outside(execution, event)
            case InvokedExecutionEnded(execution, operation_id, invoked):
                event = self._invokes.concluded(execution, operation_id, invoked, self.clock.now)
                self._complete_outside(execution, event)
            case FunctionEnded(execution, operation_id, ending):
                self._return(execution, operation_id, ending)
            case FunctionTimedOut(execution, operation_id):
                self._kill_function(execution, operation_id)
        return None

    def _serve(self, execution: SimulatedExecution, call: Call) -> None:
        """Answer a request of the SDK."""
        record = execution.record
        try:
            if call.api == "CheckpointDurableExecution":
                call.answer = self._checkpoint(execution, call.request)
            else:
                call.answer = dispatch.state_answer(record, parse_state(call.request))
        except ServiceError as error:
            call.error = error
        for check in self._on_exchanged:
            check(record, call.request, call.answer)
        self.queue.push(self.clock.now, Priority.WORK, CallAnswered(call), call.task.sandbox)

    def _checkpoint(self, execution: SimulatedExecution, request: dict[str, Any]) -> dict[str, Any]:
        record = execution.record
        parsed = parse_checkpoint(request)
        repeated = dispatch.repeated_answer(record, parsed)
        if repeated is not None:
            return repeated
        resolver = self._invokes.resolver(execution)
        applied = dispatch.apply_checkpoint(record, parsed, self.clock.now, resolver)
        for event, operation in zip(applied.events, applied.operations, strict=True):
            # What ends the execution is recorded when the invocation has ended, too.
            if applied.ends_execution and event is applied.events[-1]:
                execution.last_event = event
            else:
                self._record(execution, event, operation)
        for effect in applied.effects:
            if isinstance(effect, StartTimer):
                timer = TimerDue(execution, effect.operation_id)
                self.queue.push(effect.due, Priority.TIMER, timer, execution)
                subject = record.log.operations[effect.operation_id].subject
                if subject.operation_type is not OperationType.CALLBACK:
                    self._skip(effect.due)
            else:
                self._start_invoke(execution, effect, resolver)
        if execution.paused and not applied.ends_execution:
            # Everything is kept, and without a token the invocation can only end.
            record.token = None
            return {"NewExecutionState": {"Operations": []}}
        if applied.ends_execution:
            record.token = None
        else:
            record.next_token()
        record.begin_answer()
        answer = dispatch.checkpoint_answer(record)
        record.remember(parsed, answer)
        return answer

    def _start_invoke(self, execution: SimulatedExecution, invoke: StartInvoke, resolver: Resolver) -> None:
        resolved = resolver.found[invoke.operation_id]
        scripted = self._invokes.begin(execution, invoke, resolved)
        if scripted is not None:
            outcome, delay = scripted
            item = InvokeScripted(execution, invoke.operation_id, outcome)
            self.queue.push(self.clock.now + delay, Priority.INVOCATION, item, execution)
        elif resolved.name is not None and resolved.execution_id is not None:
            self._start_invoked(execution, invoke, resolved, resolved.name, resolved.execution_id)

    def _start_invoked(
        self,
        execution: SimulatedExecution,
        invoke: StartInvoke,
        resolved: Resolved,
        name: str,
        execution_id: str,
    ) -> None:
        """Start the execution of a durable function for an operation of another execution."""
        function = resolved.function
        assert function is not None
        self._start(
            function.handler,
            resolved.version,
            "null" if invoke.payload is None else invoke.payload,
            name,
            execution_id,
            function.execution_timeout_seconds,
            execution.invocation_timeout_seconds,
            execution.context.copy(),
            Invoker(execution, invoke.operation_id),
            invoke.tenant_id,
        )

    def _return(self, execution: SimulatedExecution, operation_id: str, ending: Ending) -> None:
        """Take what an invoked plain function came to."""
        call = execution.calls.pop(operation_id)
        # All of its tasks have ended, unless its process did in the middle of one.
        self.reaper.kill(call)
        if isinstance(ending, Raised) and isinstance(ending.error, MEANT_FOR_PYTEST):
            raise ending.error
        if not execution.closed:
            event = self._invokes.returned(execution, operation_id, call, ending, self.clock.now)
            self._complete_outside(execution, event)

    def _kill_function(self, execution: SimulatedExecution, operation_id: str) -> None:
        """End the run of an invoked plain function that takes too long."""
        call = execution.calls.pop(operation_id)
        self.reaper.kill(call)
        if not execution.closed:
            event = self._invokes.timed_out(execution, operation_id, call, self.clock.now)
            self._complete_outside(execution, event)

    def _complete_outside(self, execution: SimulatedExecution, event: Event) -> None:
        """Record what completes an operation from outside, and let the handler know."""
        self._record(execution, event, outside=True)
        if event.type is EventType.CALLBACK_HEARTBEAT:
            return
        if execution.invocation is None:
            self._invoke_after(execution, 0)
        else:
            execution.answered_meanwhile = True

    def _fire(self, execution: SimulatedExecution, operation_id: str) -> None:
        """Let a timer do its work, and invoke the handler if none runs that could notice."""
        event = dispatch.fire_timer(execution.record, operation_id, self.clock.now)
        if event is None:
            return
        if event.type is EventType.CALLBACK_TIMED_OUT:
            self._complete_outside(execution, event)
            return
        self._record(execution, event, outside=True)
        if execution.invocation is None:
            self._invoke_after(execution, 0)

    def _invoke_after(self, execution: SimulatedExecution, delay_seconds: int) -> None:
        if not execution.invocation_is_due:
            execution.invocation_is_due = True
            due = self.clock.now + delay_seconds * _SECOND
            self.queue.push(due, Priority.INVOCATION, InvocationDue(execution), execution)

    def _invoke(self, execution: SimulatedExecution) -> Task | None:
        """Begin an invocation, or hold it back."""
        execution.invocation_is_due = False
        if execution.paused:
            execution.is_owed = True
            return None
        execution.answered_meanwhile = False
        event = build_event(execution.record)
        for check in self._on_invoked:
            check(execution.record, event)
        return self._compute.invoke(execution, event)

    def _conclude(self, execution: SimulatedExecution, ending: Ending) -> None:
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
                self._end(execution, transitions.succeed(record.execution, result, self.clock.now))
            case Failed(error) | Invalid(error):
                self._end(execution, transitions.fail(record.execution, error, self.clock.now))
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
            now = self.clock.now
            self._end(execution, transitions.fail(execution.record.execution, error, now))
        else:
            self._invoke_after(execution, self._limits.retry_seconds)

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
        now = self.clock.now
        outcome = InvocationOutcome(invocation.request_id, invocation.started_at, now, error)
        invocation.sandbox.closed = True
        execution.invocation = None
        execution.record.token = None
        self._record(execution, Event(EventType.INVOCATION_COMPLETED, now, None, outcome))

    def _end(self, execution: SimulatedExecution, event: Event) -> None:
        """End the execution, and whatever still runs of it."""
        if execution.invocation is not None:
            self.reaper.kill(execution.invocation)
            self._complete_invocation(execution, exit_error(execution.invocation))
        # What a checkpoint has decided already stands, whatever strikes afterwards.
        decided = execution.last_event or event
        self._record(execution, decided._replace(at=self.clock.now))
        for check in self._on_finished:
            check(execution.record)
        if execution.invoker is not None:
            invoker, operation_id = execution.invoker
            item = InvokedExecutionEnded(invoker, operation_id, execution)
            self.queue.push(self.clock.now, Priority.WORK, item, invoker)

    def _record(
        self,
        execution: SimulatedExecution,
        event: Event,
        operation: RecordedOperation | None = None,
        *,
        outside: bool = False,
    ) -> None:
        record = execution.record
        if outside:
            record.commit_outside(event)
        else:
            record.commit(event, operation)
        for check in self._on_recorded:
            check(record, event)
        if event.type in Callbacks.OBSERVED:
            self.callbacks.observe(execution, event)
