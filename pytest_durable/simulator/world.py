"""The world: all state of a simulation, and what each item of the event queue does to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from durable_sdk.lambda_service import OperationStatus
from pytest_durable.entropy import Entropy
from pytest_durable.history.events import EventType, InvokeStart
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.points import Die, Point, Position
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.simulator.callbacks import Callbacks
from pytest_durable.simulator.chained_invokes import ChainedInvokes
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.choices import Choices
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.compute import Compute, Watch
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.executions import Executions
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.identifiers import Identifiers
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.invocation import (
    MEANT_FOR_PYTEST,
    Died,
    Ending,
    Invocation,
    Raised,
    Returned,
)
from pytest_durable.simulator.journal import Journal
from pytest_durable.simulator.order import Order
from pytest_durable.simulator.platform import Platform
from pytest_durable.simulator.requests import Requests
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
    ShadowEnded,
    TaskDue,
    TimerDue,
)
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.turns import Task, Turns

MakePlatform: TypeAlias = Callable[[Clock, EventQueue[Item], Identifiers], Platform]
"""Returns what runs handlers in place of the simulator's own tasks."""


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
        injector: Injector | None = None,
        choices: Choices | None = None,
        watch: Watch | None = None,
        make_platform: MakePlatform | None = None,
    ) -> None:
        self.clock = Clock(start)
        self.queue: EventQueue[Item] = EventQueue()
        self.turns = Turns(stall_seconds)
        scripts = scripts or ScriptBook()
        identifiers = Identifiers(entropy.seed)
        self._injector = injector or Injector()
        self.order = Order(self.clock, self.queue, choices or Choices(InOrder()), self._injector)
        platform: Platform = (
            make_platform(self.clock, self.queue, identifiers)
            if make_platform is not None
            else Compute(
                self.clock,
                self.queue,
                self.turns,
                entropy,
                identifiers,
                scripts,
                self._injector,
                self.order,
                watch,
            )
        )
        self._journal = Journal(checkers)
        self.executions = Executions(
            self.clock,
            self.queue,
            self._journal,
            platform,
            identifiers,
            limits,
            timeouts_count_waits,
            self._injector,
        )
        self.reaper = self.executions.reaper
        self.callbacks = Callbacks(
            self.clock,
            self.queue,
            self.executions.by_arn,
            scripts,
            self.executions.complete_outside,
            self._injector,
        )
        # A submitter may be slow, but not so slow that its answer misses the time that the script says.
        self.order.holds_time = lambda: self.callbacks.await_submitters
        self._journal.attach(Callbacks.OBSERVED, self.callbacks.observe)
        self._invokes = ChainedInvokes(functions or Functions(), scripts, identifiers, platform)
        self.requests = Requests(
            self.clock, self.queue, self._journal, self.executions, self._invokes, self._injector
        )

    def go_on(self, execution: SimulatedExecution, lost: Invocation | None, *, is_due: bool) -> None:
        """Let an execution go on that another world has begun, in which ``lost`` was its invocation."""
        self.executions.go_on(execution, lost, is_due=is_due)
        for operation in execution.record.log.operations.values():
            due = _looked_at_again(operation)
            if due is not None:
                timer = TimerDue(execution, operation.subject.operation_id)
                self.queue.push(due, Priority.TIMER, timer, execution)
            if isinstance(operation.start, InvokeStart) and not operation.is_terminal:
                invoked = self.executions.by_arn.get(operation.start.execution_arn or "")
                if invoked is None:
                    self._invokes.call_again(execution, operation)
                elif invoked.closed:
                    ended = InvokedExecutionEnded(execution, operation.subject.operation_id, invoked)
                    self.queue.push(self.clock.now, Priority.WORK, ended, execution)

    def happen(self, item: Item) -> Task | None:
        """Make ``item`` happen. Returns the task that is to have the turn, if any."""
        match item:
            case CallArrived(execution, call):
                self.requests.serve(execution, call)
            case CallAnswered(call):
                return call.task
            case TaskDue(task):
                return task
            case TimerDue(execution, operation_id):
                self._fire(execution, operation_id)
            case InvocationDue(execution):
                return self.executions.invoke(execution)
            case HandlerEnded(execution, ending):
                self.executions.conclude(execution, self._delivered(execution, ending))
            case ShadowEnded(execution, invocation):
                self.executions.forget_shadow(execution, invocation)
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

    def _delivered(self, execution: SimulatedExecution, ending: Ending) -> Ending:
        """Return the ending of an invocation as it reaches the service: an answer may be lost."""
        if self._injector.is_idle or not isinstance(ending, Returned):
            return ending
        name, number = execution.record.execution.name or "", execution.record.invocations
        match self._injector.at(Point(Position.RETURN, (execution.function.name,), name, number)):
            case Die(_, error):
                return Died(error)
            case _:
                return ending

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


def _looked_at_again(operation: RecordedOperation) -> int | None:
    """Return when the service has to look at an operation that has not ended, None if never."""
    match operation.status:
        case OperationStatus.PENDING:
            return operation.next_attempt_at
        case OperationStatus.STARTED:
            return operation.scheduled_end_at or operation.deadline_at
        case _:
            return None
