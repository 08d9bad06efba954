"""The world: all state of a simulation, and what each item of the event queue does to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from durable_sdk.lambda_service import OperationType
from pytest_durable.entropy import Entropy
from pytest_durable.history.events import EventType
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.simulator.callbacks import Callbacks
from pytest_durable.simulator.chained_invokes import ChainedInvokes, Resolved, Resolver
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.choices import Choices
from pytest_durable.simulator.client import Call
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.compute import Compute
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import Invoker, SimulatedExecution
from pytest_durable.simulator.executions import Executions
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.identifiers import Identifiers
from pytest_durable.simulator.invocation import MEANT_FOR_PYTEST, Ending, Raised
from pytest_durable.simulator.journal import Journal
from pytest_durable.simulator.order import Order
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
from pytest_durable.simulator.service.requests import parse_checkpoint, parse_state
from pytest_durable.simulator.turns import Task, Turns


class World:
    """Changed by the loop, through `happen`, and between its runs by what a test asks for."""

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
        choices: Choices | None = None,
    ) -> None:
        self.clock = Clock(start)
        self.queue: EventQueue[Item] = EventQueue()
        self.turns = Turns(stall_seconds)
        scripts = scripts or ScriptBook()
        identifiers = Identifiers(entropy.seed)
        self.order = Order(self.clock, self.queue, choices or Choices(InOrder()))
        compute = Compute(self.clock, self.queue, self.turns, entropy, identifiers, scripts, self.order)
        self._journal = Journal(checkers)
        self.executions = Executions(
            self.clock, self.queue, self._journal, compute, identifiers, limits, timeouts_count_waits
        )
        self.reaper = self.executions.reaper
        self.callbacks = Callbacks(
            self.clock, self.queue, self.executions.by_arn, scripts, self.executions.complete_outside
        )
        self._journal.attach(Callbacks.OBSERVED, self.callbacks.observe)
        self._invokes = ChainedInvokes(functions or Functions(), scripts, identifiers, compute)

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
                return self.executions.invoke(execution)
            case HandlerEnded(execution, ending):
                self.executions.conclude(execution, ending)
            case InvocationTimedOut(execution, invocation):
                self.executions.time_out_invocation(execution, invocation)
            case ExecutionTimedOut(execution):
                self.executions.time_out(execution)
            case CallbackReplyDue():
                self.callbacks.reply(item)
            case CallbackHeartbeatDue():
                self.callbacks.beat(item)
            case InvokeScripted(execution, operation_id, outcome):
                event = self._invokes.scripted(execution, operation_id, outcome, self.clock.now)
                self.executions.complete_outside(execution, event)
            case InvokedExecutionEnded(execution, operation_id, invoked):
                event = self._invokes.concluded(execution, operation_id, invoked, self.clock.now)
                self.executions.complete_outside(execution, event)
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
        self._journal.exchanged(record, call.request, call.answer)
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
                self._journal.record(execution, event, operation)
        for effect in applied.effects:
            if isinstance(effect, StartTimer):
                timer = TimerDue(execution, effect.operation_id)
                self.queue.push(effect.due, Priority.TIMER, timer, execution)
                subject = record.log.operations[effect.operation_id].subject
                if subject.operation_type is not OperationType.CALLBACK:
                    self.executions.leave_out_wait(effect.due)
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
        """Start the execution of a durable function."""
        function = resolved.function
        assert function is not None
        self.executions.start_invoked(
            function.handler,
            resolved.version,
            "null" if invoke.payload is None else invoke.payload,
            name,
            execution_id,
            function.execution_timeout_seconds,
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
            self.executions.complete_outside(execution, event)

    def _kill_function(self, execution: SimulatedExecution, operation_id: str) -> None:
        """End the run of an invoked plain function that takes too long."""
        call = execution.calls.pop(operation_id)
        self.reaper.kill(call)
        if not execution.closed:
            event = self._invokes.timed_out(execution, operation_id, call, self.clock.now)
            self.executions.complete_outside(execution, event)

    def _fire(self, execution: SimulatedExecution, operation_id: str) -> None:
        """Let a timer do its work."""
        event = dispatch.fire_timer(execution.record, operation_id, self.clock.now)
        if event is None:
            return
        if event.type is EventType.CALLBACK_TIMED_OUT:
            self.executions.complete_outside(execution, event)
        else:
            self.executions.complete_by_timer(execution, event)
