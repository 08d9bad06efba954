"""Callbacks: answers from outside, from the test itself or as its scripts say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from durable_sdk.lambda_service import OperationSubType
from pytest_durable.errors import UsageError
from pytest_durable.history.events import ErrorJson, Event, EventType
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.points import Behaviour, Misbehave, Path, Point, Position
from pytest_durable.scripts.callbacks import CallbackScript, Failure, Reply, Success
from pytest_durable.scripts.names import callback_paths
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.scheduled import CallbackHeartbeatDue, CallbackReplyDue, Item, TimerDue
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.callbacks import (
    CallbackAnswer,
    CallbackCall,
    make_callback_id,
    no_callback,
    parse_failure,
    parse_heartbeat,
    parse_success,
)
from pytest_durable.simulator.service.effects import StartTimer
from pytest_durable.simulator.service.errors import ServiceError

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

# How much later than its script says an answer comes that is to be late, where there is no timeout.
_LATE = 3_600 * 1_000_000


class Complete(Protocol):
    """Records what completes an operation from outside, and lets the handler know."""

    def __call__(self, execution: SimulatedExecution, event: Event) -> None: ...


class Callbacks:
    """Every callback of the world: what is said about it from outside, and when."""

    OBSERVED = frozenset({EventType.CALLBACK_STARTED, EventType.CALLBACK_TIMED_OUT, EventType.STEP_SUCCEEDED})
    """The events that `observe` acts on."""

    def __init__(
        self,
        clock: Clock,
        queue: EventQueue[Item],
        executions: Mapping[str, SimulatedExecution],
        scripts: ScriptBook,
        complete: Complete,
        injector: Injector,
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._executions = executions
        self._scripts = scripts
        self._complete = complete
        self._injector = injector
        self._unsubmitted: dict[tuple[str, str | None], tuple[str, Reply]] = {}
        self._late: dict[tuple[str, str], Reply] = {}
        self._last_due: dict[str, int] = {}
        """When the last answer comes that is planned for an execution, by its ARN."""
        self.made_by: dict[str, int] = {}
        """The number of the invocation that made a callback, by the callback's id."""
        self.answered: dict[str, None] = {}
        """The ids of the callbacks that the test itself has answered."""

    @property
    def await_submitters(self) -> bool:
        """Whether a script is to answer a callback, some time after a submitter that has not ended."""
        return bool(self._unsubmitted)

    # What the test says.

    def succeed(self, callback_id: str, result: str | None) -> None:
        """Let a callback succeed.

        Raises:
            ServiceError: the service refuses.
        """
        self.answer(parse_success(callback_id, None if result is None else result.encode()))
        self.answered[callback_id] = None

    def fail(self, callback_id: str, error: ErrorJson | None) -> None:
        """Let a callback fail.

        Raises:
            ServiceError: the service refuses.
        """
        self.answer(parse_failure(callback_id, error))
        self.answered[callback_id] = None

    def heartbeat(self, callback_id: str) -> None:
        """Send a sign of life.

        Raises:
            ServiceError: the service refuses.
        """
        self.answer(parse_heartbeat(callback_id))

    def answer(self, answer: CallbackAnswer) -> None:
        """Take what somebody outside says.

        Raises:
            ServiceError: the service refuses.
        """
        for execution in self._executions.values():
            if execution.record.execution.operation_id == answer.execution_id:
                self._process(execution, answer)
                return
        callback_id = make_callback_id(answer.execution_id, answer.operation_id)
        raise no_callback(answer.call, f"there is no callback {callback_id!r:.100}")

    def _process(self, execution: SimulatedExecution, answer: CallbackAnswer) -> None:
        transition = dispatch.answer_callback(execution.record, answer, self._clock.now)
        self._complete(execution, transition.event)
        if isinstance(transition.effect, StartTimer):
            timer = transition.effect
            self._queue.push(timer.due, Priority.TIMER, TimerDue(execution, timer.operation_id), execution)

    # What scripts say.

    def observe(self, execution: SimulatedExecution, event: Event) -> None:
        """Plan what follows from an event that has been recorded."""
        subject = event.subject
        if subject is None:
            return
        arn = execution.record.arn
        match event.type:
            # There are many of these, and few callbacks that wait for their submitter.
            case EventType.STEP_SUCCEEDED if not self._unsubmitted:
                return
            case EventType.STEP_SUCCEEDED:
                # The submitter is the one step beside the callback.
                waiting = self._unsubmitted.pop((arn, subject.parent_id), None)
                if waiting is not None:
                    self._schedule(execution, *waiting)
            case EventType.CALLBACK_STARTED:
                self._begin(execution, execution.record.log.operations[subject.operation_id])
            case EventType.CALLBACK_TIMED_OUT:
                reply = self._late.pop((arn, subject.operation_id), None)
                if reply is not None:
                    self._push_answer(execution, subject.operation_id, reply, reply.after or 0)

    def _begin(self, execution: SimulatedExecution, operation: RecordedOperation) -> None:
        self.made_by[operation.callback_id or ""] = execution.record.invocations
        operations = execution.record.log.operations
        script = self._scripts.callback(callback_paths(operations, operation.subject))
        if script is None:
            return
        reply = script.take()
        if reply is None:
            raise UsageError(
                f"{script!r} does not say what becomes of the callback: add .succeed(...), .fail(...), "
                ".heartbeat(...) or .never()."
            )
        self._demand_possible(script, reply, execution, operation)
        if not self._injector.is_idle:
            path = callback_paths(operations, operation.subject)[0]
            reply = self._misbehaving(reply, execution, operation, path)
        operation_id = operation.subject.operation_id
        if reply.late:
            self._late[execution.record.arn, operation_id] = reply
        parent_id = operation.subject.parent_id
        parent = operations.get(parent_id or "")
        has_submitter = (
            parent is not None and parent.subject.sub_type == OperationSubType.WAIT_FOR_CALLBACK.value
        )
        if reply.early:
            self._push_answer(execution, operation_id, reply, 0, Priority.WORK)
        elif has_submitter:
            self._unsubmitted[execution.record.arn, parent_id] = operation_id, reply
        else:
            self._schedule(execution, operation_id, reply)

    def _misbehaving(
        self, reply: Reply, execution: SimulatedExecution, operation: RecordedOperation, path: Path
    ) -> Reply:
        """Return the reply as faults have it."""
        record = execution.record
        name = record.execution.name or ""
        match self._injector.at(Point(Position.CALLBACK, path, name, record.invocations)):
            case Misbehave(Behaviour.DUPLICATE):
                return replace(reply, duplicate=True)
            case Misbehave(Behaviour.LATE) if operation.deadline_at is not None:
                return replace(reply, late=True, early=False, heartbeats=None)
            case Misbehave(Behaviour.LATE):
                return replace(reply, after=(reply.after or 0) + _LATE, early=False)
            case Misbehave(Behaviour.EARLY):
                return replace(reply, early=True, late=False)
            case Misbehave(Behaviour.NEVER):
                return replace(reply, answer=None, heartbeats=None)
            case Misbehave(Behaviour.REORDERED):
                return replace(reply, yields=True)
            case _:
                return reply

    @staticmethod
    def _demand_possible(
        script: CallbackScript, reply: Reply, execution: SimulatedExecution, operation: RecordedOperation
    ) -> None:
        name = operation.subject.name
        if reply.late and operation.deadline_at is None:
            raise UsageError(
                f"{script!r} answers late, that is after the timeout, and callback {name!r} has none. "
                "Give it one in its config, or leave late=True out."
            )
        is_endless = reply.heartbeats is not None and reply.heartbeats.times is None
        has_no_end = operation.timeout_at is None and execution.has_default_timeout
        if is_endless and has_no_end and (reply.answer is None or reply.late):
            raise UsageError(
                f"{script!r} sends heartbeats for ever, and nothing else would ever end callback "
                f"{name!r}: give it a timeout, or say times= or an answer."
            )

    def _schedule(self, execution: SimulatedExecution, operation_id: str, reply: Reply) -> None:
        delay = reply.after or 0
        beats = reply.heartbeats
        if beats is not None:
            left = None if beats.times is None else beats.times - 1
            beat = CallbackHeartbeatDue(execution, operation_id, beats.every, left)
            self._queue.push(self._clock.now + beats.every, Priority.INVOCATION, beat, execution)
            if reply.after is None and beats.times is not None:
                delay = beats.every * (beats.times + 1)
        if not reply.late:
            self._push_answer(execution, operation_id, reply, delay)

    def _push_answer(
        self,
        execution: SimulatedExecution,
        operation_id: str,
        reply: Reply,
        delay: int,
        priority: Priority = Priority.INVOCATION,
    ) -> None:
        """Queue the answer. It comes when all work of its instant is done, unless it is early."""
        if reply.answer is None:
            return
        item = CallbackReplyDue(execution, operation_id, reply.answer, reply.yields)
        if not reply.yields:
            due = self._clock.now + delay
            self._last_due[execution.record.arn] = max(self._last_due.get(execution.record.arn, 0), due)
        for _ in range(2 if reply.duplicate else 1):
            self._queue.push(self._clock.now + delay, priority, item, execution)

    def reply(self, item: CallbackReplyDue) -> None:
        """Answer as a script says. Nobody but its sender learns that the service refuses a second answer."""
        last_due = self._last_due.get(item.execution.record.arn, 0)
        if item.yields and last_due >= self._clock.now:
            # Behind all answers that are known by now, and those that they give rise to at once.
            following = replace(item, yields=last_due > self._clock.now)
            self._queue.push(last_due, Priority.INVOCATION, following, item.execution)
            return
        operation = item.execution.record.log.operations[item.operation_id]
        execution_id = item.execution.record.execution.operation_id
        match item.answer:
            case Success(result):
                answer = CallbackAnswer(
                    CallbackCall.SUCCESS,
                    execution_id,
                    item.operation_id,
                    result(operation.callback_id or ""),
                )
            case Failure(error):
                answer = CallbackAnswer(CallbackCall.FAILURE, execution_id, item.operation_id, error=error)
        if not operation.is_terminal:
            self._process(item.execution, answer)

    def beat(self, item: CallbackHeartbeatDue) -> None:
        """Send a heartbeat as a script says, and queue the next."""
        execution_id = item.execution.record.execution.operation_id
        try:
            self._process(
                item.execution, CallbackAnswer(CallbackCall.HEARTBEAT, execution_id, item.operation_id)
            )
        except ServiceError:
            # The callback has ended meanwhile.
            return
        if item.left != 0:
            left = None if item.left is None else item.left - 1
            following = CallbackHeartbeatDue(item.execution, item.operation_id, item.every, left)
            self._queue.push(self._clock.now + item.every, Priority.INVOCATION, following, item.execution)
