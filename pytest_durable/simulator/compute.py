"""Compute: the sandboxes in which handlers run, and what Lambda hands to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_durable.entropy import Entropy
from pytest_durable.history.events import ErrorJson
from pytest_durable.simulator.client import SimulatedClient
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import RegisteredFunction
from pytest_durable.simulator.identifiers import FunctionVersion, Identifiers
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.invocation import (
    Died,
    Ending,
    Handler,
    Invocation,
    Sandbox,
    function_task,
    handler_task,
)
from pytest_durable.simulator.lambda_context import SimulatedLambdaContext
from pytest_durable.simulator.order import Order
from pytest_durable.simulator.runtime import OperationWatcher, Origin, SimulatedRuntime
from pytest_durable.simulator.scheduled import (
    CallArrived,
    FunctionEnded,
    FunctionTimedOut,
    HandlerEnded,
    InvocationTimedOut,
    Item,
    ShadowEnded,
    TaskDue,
)
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.service.effects import StartInvoke
from pytest_durable.simulator.turns import Task, Turns

_SECOND = 1_000_000

Watch = Callable[[SimulatedExecution, Clock], OperationWatcher]
"""Returns what is to be told of the operations of an invocation that begins."""


class Compute:
    """Starts runs of handlers. Each lives in a sandbox of its own, until it ends, dies or times out."""

    def __init__(
        self,
        clock: Clock,
        queue: EventQueue[Item],
        turns: Turns,
        entropy: Entropy,
        identifiers: Identifiers,
        scripts: ScriptBook,
        injector: Injector,
        order: Order,
        watch: Watch | None = None,
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._turns = turns
        self._chance = entropy.stream("handler")
        self._identifiers = identifiers
        self._scripts = scripts
        self._injector = injector
        self._order = order
        self._watch = watch

    def invoke(self, execution: SimulatedExecution, event: dict[str, Any]) -> Task:
        """Begin an invocation of an execution's handler with ``event``, and return its task."""
        return self._invoke(execution, event, is_shadow=False)

    def invoke_again(self, execution: SimulatedExecution, event: dict[str, Any]) -> None:
        """Deliver the invocation of ``event`` once more, to another sandbox; its task gets a turn soon."""
        task = self._invoke(execution, event, is_shadow=True)
        self._queue.push(self._clock.now, Priority.WORK, TaskDue(task), task.sandbox)

    def _invoke(self, execution: SimulatedExecution, event: dict[str, Any], *, is_shadow: bool) -> Task:
        record = execution.record
        request_id = self._identifiers.request_id(record.execution.operation_id, record.invocations)
        sandbox = Sandbox(record.arn)

        def ended(ending: Ending) -> None:
            item: Item = HandlerEnded(execution, ending)
            if is_shadow:
                item = ShadowEnded(execution, invocation)
            self._push_ending(item, ending, sandbox)

        invocation, runtime = self._begin(
            record.invocations, request_id, execution, execution.function, sandbox, ended
        )
        if is_shadow:
            execution.shadows.append(invocation)
        else:
            execution.invocation = invocation
            if self._watch is not None:
                runtime.watcher = self._watch(execution, self._clock)
        self._queue.push(
            invocation.deadline, Priority.DEADLINE, InvocationTimedOut(execution, invocation), sandbox
        )
        task = handler_task(
            execution.handler,
            event,
            invocation,
            runtime,
            SimulatedClient(
                runtime,
                lambda call: self._push_work(CallArrived(execution, call), sandbox),
            ),
            self._context(invocation, execution.function, execution.tenant_id),
            ended,
            execution.context,
        )
        invocation.tasks.append(task)
        return task

    def call(
        self,
        execution: SimulatedExecution,
        invoke: StartInvoke,
        function: RegisteredFunction,
        version: FunctionVersion,
    ) -> None:
        """Call a plain function on behalf of an operation of ``execution``; its task gets a turn soon."""
        operation_id = invoke.operation_id
        request_id = self._identifiers.call_id(execution.record.execution.operation_id, operation_id)
        sandbox = Sandbox(f"{execution.record.arn}/{operation_id}")

        def ended(ending: Ending) -> None:
            self._push_ending(FunctionEnded(execution, operation_id, ending), ending, sandbox)

        call, runtime = self._begin(1, request_id, execution, version, sandbox, ended, is_call=True)
        execution.calls[operation_id] = call
        self._queue.push(call.deadline, Priority.DEADLINE, FunctionTimedOut(execution, operation_id), sandbox)
        handler: Handler = function.handler
        context = self._context(call, version, invoke.tenant_id)
        task = function_task(
            handler, invoke.payload, call, runtime, context, version.name, ended, execution.context
        )
        call.tasks.append(task)
        # Like every run: not before the caller is done with this instant, and has suspended.
        self._queue.push(self._clock.now, Priority.INVOCATION, TaskDue(task), sandbox)

    def _begin(
        self,
        number: int,
        request_id: str,
        execution: SimulatedExecution,
        function: FunctionVersion,
        sandbox: Sandbox,
        ended: Callable[[Ending], None],
        *,
        is_call: bool = False,
    ) -> tuple[Invocation, SimulatedRuntime]:
        now = self._clock.now
        deadline = now + execution.invocation_timeout_seconds * _SECOND
        record = execution.record
        runtime = SimulatedRuntime(
            self._clock,
            self._turns,
            self._schedule_turn,
            self._chance,
            sandbox,
            self._scripts,
            # To the service a process that ends is the same whichever way it does.
            lambda error: ended(Died(_addressed(error, request_id))),
            Origin(
                record.execution.name or "",
                record.invocations,
                record.log,
                function.name,
                is_call,
                deadline,
            ),
            self._injector,
            self._order,
        )
        return Invocation(number, request_id, now, deadline, sandbox, runtime.tasks), runtime

    def _context(
        self, invocation: Invocation, function: FunctionVersion, tenant_id: str | None
    ) -> SimulatedLambdaContext:
        return SimulatedLambdaContext(
            invocation.request_id,
            function,
            invocation.deadline,
            lambda: self._clock.now,
            tenant_id=tenant_id,
        )

    def _schedule_turn(self, due: int, task: Task) -> Any:
        return self._queue.push(due, Priority.WORK, TaskDue(task), task.sandbox)

    def _push_ending(self, item: Item, ending: Ending, sandbox: Sandbox) -> None:
        priority = Priority.DEATH if isinstance(ending, Died) else Priority.WORK
        self._queue.push(self._clock.now, priority, item, sandbox)

    def _push_work(self, item: Item, sandbox: Sandbox) -> None:
        self._queue.push(self._clock.now, Priority.WORK, item, sandbox)


def _addressed(error: ErrorJson | None, request_id: str) -> ErrorJson | None:
    """Return what Lambda reports of a sandbox, with the id of the request in its place."""
    if error is None:
        return None
    message = str(error.get("ErrorMessage", "")).replace("{request_id}", request_id)
    return {**error, "ErrorMessage": message}
