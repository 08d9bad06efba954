"""The world: all state of a simulation, and what each item of the event queue does to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import ErrorJson, Event, EventType, InvocationOutcome, Subject
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.client import Call, SimulatedClient
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.entropy import Entropy
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.identifiers import FunctionVersion, Identifiers, execution_arn
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
    Sandbox,
    Succeeded,
    build_event,
    exit_error,
    handler_task,
    interpret,
)
from pytest_durable.simulator.lambda_context import SimulatedLambdaContext
from pytest_durable.simulator.reaper import Reaper
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.scheduled import (
    CallAnswered,
    CallArrived,
    ExecutionTimedOut,
    HandlerEnded,
    InvocationDue,
    InvocationTimedOut,
    Item,
    TaskDue,
    TimerDue,
)
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.errors import ServiceError
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.requests import parse_checkpoint, parse_state
from pytest_durable.simulator.service.transitions import execution as transitions
from pytest_durable.simulator.turns import Task, Turns

_SECOND = 1_000_000


class World:
    """Changed by the loop alone, through `happen`, and by the calls that put new items in its queue."""

    def __init__(
        self, start: int, entropy: Entropy, limits: Limits, checkers: Sequence[Checker], stall_seconds: float
    ) -> None:
        self.clock = Clock(start)
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
        self._chance = entropy.stream("handler")
        self.reaper = Reaper(self.executions, self.queue)

    # What a caller may ask for.

    def start_execution(
        self,
        handler: Handler,
        function: FunctionVersion,
        payload: str | None,
        name: str | None,
        timeout_seconds: int | None,
        invocation_timeout_seconds: int,
    ) -> SimulatedExecution:
        """Start an execution; its first invocation is due at once.

        ``timeout_seconds`` of None stands for the service's maximum, which no test means to reach.
        """
        has_default_timeout = timeout_seconds is None
        timeout_seconds = timeout_seconds or self._limits.delay_seconds
        number = len(self.executions) + 1
        name = name or self._identifiers.execution_name(number)
        execution_id = self._identifiers.execution_id(function, name, number)
        subject = Subject(execution_id, OperationType.EXECUTION, name=name)
        arn = execution_arn(function, name, execution_id)
        record = ExecutionRecord(arn, subject, timeout_seconds, self._limits)
        execution = SimulatedExecution(
            record, handler, function, invocation_timeout_seconds, has_default_timeout, copy_context()
        )
        now = self.clock.now
        self._record(record, transitions.start(subject, payload, timeout_seconds, now))
        self.executions[arn] = execution
        self._invoke_after(execution, 0)
        self.queue.push(
            now + timeout_seconds * _SECOND,
            Priority.DEADLINE,
            ExecutionTimedOut(execution),
            execution,
        )
        return execution

    def stop_execution(self, execution: SimulatedExecution, error: ErrorJson | None) -> None:
        """End an execution from outside."""
        self._end(execution, transitions.stop(execution.record.execution, error, self.clock.now))

    def crash_invocation(self, execution: SimulatedExecution) -> None:
        """Kill the sandbox that runs the handler, if any does."""
        if execution.invocation is not None:
            self._crash(execution, exit_error(execution.invocation.request_id))

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
                self._crash(execution, self._invocation_timeout(execution, invocation))
            case ExecutionTimedOut(execution):
                record = execution.record
                now = self.clock.now
                event = transitions.time_out(record.execution, record.timeout_seconds, now)
                self._end(execution, event)
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
        applied = dispatch.apply_checkpoint(record, parse_checkpoint(request), self.clock.now)
        for event in applied.events:
            # What ends the execution is recorded when the invocation has ended, too.
            if applied.ends_execution and event is applied.events[-1]:
                execution.last_event = event
            else:
                self._record(record, event)
        for timer in applied.effects:
            self.queue.push(timer.due, Priority.TIMER, TimerDue(execution, timer.operation_id), execution)
        if applied.ends_execution:
            record.token = None
        else:
            record.next_token()
        record.begin_answer()
        return dispatch.checkpoint_answer(record)

    def _fire(self, execution: SimulatedExecution, operation_id: str) -> None:
        """Let a timer do its work, and invoke the handler if none runs that could notice."""
        event = dispatch.fire_timer(execution.record, operation_id, self.clock.now)
        if event is not None:
            self._record(execution.record, event, outside=True)
            if execution.invocation is None:
                self._invoke_after(execution, 0)

    def _invoke_after(self, execution: SimulatedExecution, delay_seconds: int) -> None:
        if not execution.invocation_is_due:
            execution.invocation_is_due = True
            due = self.clock.now + delay_seconds * _SECOND
            self.queue.push(due, Priority.INVOCATION, InvocationDue(execution), execution)

    def _invoke(self, execution: SimulatedExecution) -> Task:
        """Begin an invocation."""
        record = execution.record
        now = self.clock.now
        event = build_event(record)
        sandbox = Sandbox()
        invocation = Invocation(
            number=record.invocations,
            request_id=self._identifiers.request_id(record.execution.operation_id, record.invocations),
            started_at=now,
            deadline=now + execution.invocation_timeout_seconds * _SECOND,
            sandbox=sandbox,
            runtime=SimulatedRuntime(self.clock, self.turns, self._schedule_turn, self._chance, sandbox),
        )
        execution.invocation = invocation
        execution.invocation_is_due = False
        for check in self._on_invoked:
            check(record, event)
        self.queue.push(
            invocation.deadline,
            Priority.DEADLINE,
            InvocationTimedOut(execution, invocation),
            sandbox,
        )
        task = handler_task(
            execution.handler,
            event,
            invocation,
            SimulatedClient(
                invocation.runtime,
                lambda call: self._push_work(CallArrived(execution, call), sandbox),
            ),
            SimulatedLambdaContext(
                invocation.request_id,
                execution.function,
                invocation.deadline,
                lambda: self.clock.now,
            ),
            lambda ending: self._push_work(HandlerEnded(execution, ending), sandbox),
            execution.context,
        )
        invocation.runtime.tasks.append(task)
        return task

    def _schedule_turn(self, due: int, task: Task) -> Any:
        return self.queue.push(due, Priority.WORK, TaskDue(task), task.sandbox)

    def _push_work(self, item: Item, sandbox: Sandbox) -> None:
        self.queue.push(self.clock.now, Priority.WORK, item, sandbox)

    def _conclude(self, execution: SimulatedExecution, ending: Ending) -> None:
        """Act on what the handler answered."""
        if isinstance(ending, Raised) and isinstance(ending.error, MEANT_FOR_PYTEST):
            raise ending.error
        assert execution.invocation is not None
        answer = interpret(ending, self._limits.output_bytes, execution.invocation.request_id)
        failure = answer.error if isinstance(answer, Crashed | Invalid) else None
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
            case Pending() if record.completed_outside or (record.changed_outside and not record.pending):
                # Something ended while the handler ran, and it may have looked before that.
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
        self.reaper.kill(execution)
        self._complete_invocation(execution, error)
        if execution.last_event is not None:
            self._end(execution, execution.last_event)
        else:
            self._count_crash(execution, error)

    def _invocation_timeout(self, execution: SimulatedExecution, invocation: Invocation) -> ErrorJson:
        moment = to_datetime(self.clock.now).isoformat(timespec="milliseconds").removesuffix("+00:00")
        seconds = execution.invocation_timeout_seconds
        return {
            "ErrorType": "Sandbox.Timedout",
            "ErrorMessage": f"{moment}Z {invocation.request_id} Task timed out after {seconds}.00 seconds",
        }

    def _complete_invocation(self, execution: SimulatedExecution, error: ErrorJson | None) -> None:
        invocation = execution.invocation
        if invocation is None:
            return
        now = self.clock.now
        outcome = InvocationOutcome(invocation.request_id, invocation.started_at, now, error)
        invocation.sandbox.closed = True
        execution.invocation = None
        execution.record.token = None
        self._record(execution.record, Event(EventType.INVOCATION_COMPLETED, now, None, outcome))

    def _end(self, execution: SimulatedExecution, event: Event) -> None:
        """End the execution, and whatever still runs of it."""
        if execution.invocation is not None:
            self.reaper.kill(execution)
            self._complete_invocation(execution, exit_error(execution.invocation.request_id))
        # What a checkpoint has decided already stands, whatever strikes afterwards.
        decided = execution.last_event or event
        self._record(execution.record, decided._replace(at=self.clock.now))
        self._finish(execution)

    def _finish(self, execution: SimulatedExecution) -> None:
        for check in self._on_finished:
            check(execution.record)

    def _record(self, record: ExecutionRecord, event: Event, *, outside: bool = False) -> None:
        if outside:
            record.commit_outside(event)
        else:
            record.commit(event)
        for check in self._on_recorded:
            check(record, event)
