"""Requests: serves the calls of the SDK, as faults have it."""

from __future__ import annotations

from typing import Any

from durable_sdk.lambda_service import OperationType
from pytest_durable.faults import CHECKPOINT, GET_STATE
from pytest_durable.points import Delay, Die, Point, Position, Refuse, Repeat, Split, Withdraw
from pytest_durable.simulator.chained_invokes import ChainedInvokes, Resolved, Resolver
from pytest_durable.simulator.client import Call
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import Invoker, SimulatedExecution
from pytest_durable.simulator.executions import Executions
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.journal import Journal
from pytest_durable.simulator.scheduled import CallAnswered, InvokeScripted, Item, TimerDue
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.effects import StartInvoke, StartTimer
from pytest_durable.simulator.service.errors import InjectedServiceError, ServiceError
from pytest_durable.simulator.service.requests import parse_checkpoint, parse_state

_APIS = {"CheckpointDurableExecution": CHECKPOINT, "GetDurableExecutionState": GET_STATE}


def _told(request: dict[str, Any]) -> str:
    """Return in short what a request tells the service: which operations, and what is done to them."""
    updates = request.get("Updates") or ()
    return ", ".join(f"{update['Action']} {update.get('Name') or update['Type']}" for update in updates)


class Requests:
    """The front door of the service: what is applied, what is answered, and when."""

    def __init__(
        self,
        clock: Clock,
        queue: EventQueue[Item],
        journal: Journal,
        executions: Executions,
        invokes: ChainedInvokes,
        injector: Injector,
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._journal = journal
        self._executions = executions
        self._invokes = invokes
        self._injector = injector

    def serve(self, execution: SimulatedExecution, call: Call) -> None:
        """Answer a request, or do what a fault has in store for it."""
        if self._injector.is_idle:
            self._apply(execution, call)
            self._answer(call)
            return
        record = execution.record
        name = record.execution.name or ""
        told = _told(call.request)
        point = Point(Position.REQUEST, (_APIS[call.api],), name, record.invocations, told)
        match self._injector.at(point):
            case Die(persisted, error):
                if persisted:
                    self._apply(execution, call)
                self._executions.crash_sandbox(execution, call.task.sandbox, error)
            case Refuse(code, message, status, persisted):
                if persisted:
                    self._apply(execution, call)
                else:
                    self._journal.exchanged(record, call.request, None)
                call.error = call.error or InjectedServiceError(code, message, status)
                self._answer(call)
            case Withdraw():
                self._apply(execution, call)
                self._withdraw_token(execution, call)
                self._answer(call)
            case Repeat():
                self._apply(execution, call)
                # Nobody listens to the answer of the copy: the SDK has got its own.
                self._apply(execution, Call(call.api, call.request, call.task))
                self._answer(call)
            case Split(items):
                self._apply(execution, call, items)
                self._answer(call)
            case Delay(microseconds):
                self._apply(execution, call)
                self._answer(call, microseconds)
            case _:
                self._apply(execution, call)
                self._answer(call)

    def _answer(self, call: Call, delay: int = 0) -> None:
        """Let the answer reach the task, unless its sandbox has died meanwhile."""
        self._queue.push(self._clock.now + delay, Priority.WORK, CallAnswered(call), call.task.sandbox)

    def _apply(self, execution: SimulatedExecution, call: Call, max_items: int = 0) -> None:
        """Do what the request asks for, and put the answer or the error into the call."""
        try:
            call.answer = self.answer(execution, call.api, call.request, max_items)
        except ServiceError as error:
            call.error = error

    def answer(
        self, execution: SimulatedExecution, api: str, request: dict[str, Any], max_items: int = 0
    ) -> dict[str, Any]:
        """Do what a request asks for, and return the answer.

        Raises:
            ServiceError: the service refuses, and nothing has changed.
        """
        try:
            if api == "CheckpointDurableExecution":
                answer = self._checkpoint(execution, request, max_items)
            else:
                answer = dispatch.state_answer(execution.record, parse_state(request), max_items)
        except ServiceError:
            self._journal.exchanged(execution.record, request, None)
            raise
        self._journal.exchanged(execution.record, request, answer)
        return answer

    @staticmethod
    def _withdraw_token(execution: SimulatedExecution, call: Call) -> None:
        """Take the token back, as when another invocation is to take over, which then begins."""
        if call.answer is None or execution.last_event is not None:
            return
        execution.record.token = None
        call.answer = {name: value for name, value in call.answer.items() if name != "CheckpointToken"}
        execution.answered_meanwhile = True

    def _checkpoint(
        self, execution: SimulatedExecution, request: dict[str, Any], max_items: int
    ) -> dict[str, Any]:
        record = execution.record
        parsed = parse_checkpoint(request)
        repeated = dispatch.repeated_answer(record, parsed)
        if repeated is not None:
            return repeated
        resolver = self._invokes.resolver(execution)
        applied = dispatch.apply_checkpoint(record, parsed, self._clock.now, resolver)
        for event, operation in zip(applied.events, applied.operations, strict=True):
            # What ends the execution is recorded when the invocation has ended, too.
            if applied.ends_execution and event is applied.events[-1]:
                execution.last_event = event
            else:
                self._journal.record(execution, event, operation)
        for effect in applied.effects:
            if isinstance(effect, StartTimer):
                timer = TimerDue(execution, effect.operation_id)
                self._queue.push(effect.due, Priority.TIMER, timer, execution)
                subject = record.log.operations[effect.operation_id].subject
                if subject.operation_type is not OperationType.CALLBACK:
                    self._executions.leave_out_wait(effect.due)
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
        answer = dispatch.checkpoint_answer(record, max_items)
        record.remember(parsed, answer)
        return answer

    def _start_invoke(self, execution: SimulatedExecution, invoke: StartInvoke, resolver: Resolver) -> None:
        resolved = resolver.found[invoke.operation_id]
        scripted = self._invokes.begin(execution, invoke, resolved)
        if scripted is not None:
            outcome, delay = scripted
            item = InvokeScripted(execution, invoke.operation_id, outcome)
            self._queue.push(self._clock.now + delay, Priority.INVOCATION, item, execution)
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
        self._executions.start_invoked(
            function.handler,
            resolved.version,
            "null" if invoke.payload is None else invoke.payload,
            name,
            execution_id,
            function.execution_timeout_seconds,
            Invoker(execution, invoke.operation_id),
            invoke.tenant_id,
        )
