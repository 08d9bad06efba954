"""RemotePlatform: runs handlers in processes, for a world."""

from __future__ import annotations

from typing import Any, NoReturn

from pytest_durable.endpoint.operations import PlainCall
from pytest_durable.endpoint.server.processes import Processes, Reply, Spec, Ticket
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import RegisteredFunction
from pytest_durable.simulator.identifiers import FunctionVersion, Identifiers
from pytest_durable.simulator.invocation import Died, Ending, Invocation, Returned, Sandbox
from pytest_durable.simulator.scheduled import (
    FunctionEnded,
    FunctionTimedOut,
    HandlerEnded,
    InvocationTimedOut,
    Item,
)
from pytest_durable.simulator.service.effects import StartInvoke

_SECOND = 1_000_000


class RemoteHandler:
    """Stands for a handler that runs in processes."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __call__(self, event: Any, context: Any) -> NoReturn:
        """Refuse: nothing of it is in this process."""
        raise TypeError(f"{self.spec.handler} runs in processes of its own")


class RemoteSandbox(Sandbox):
    """The environment of an invocation in a process."""

    __slots__ = ("ticket",)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ticket: Ticket | None = None

    def close(self) -> None:
        """End it; a process that has not answered dies."""
        super().close()
        if self.ticket is not None:
            self.ticket.give_up()


class RemotePlatform:
    """Passes invocations to processes, and their answers into the event queue."""

    def __init__(
        self, clock: Clock, queue: EventQueue[Item], identifiers: Identifiers, processes: Processes
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._identifiers = identifiers
        self._processes = processes

    def invoke(self, execution: SimulatedExecution, event: dict[str, Any]) -> None:
        """Begin an invocation of an execution's handler with ``event``."""
        record = execution.record
        request_id = self._identifiers.request_id(record.execution.operation_id, record.invocations)
        sandbox = RemoteSandbox(record.arn)
        number = record.invocations
        invocation = execution.invocation = self._begin(number, request_id, execution, sandbox)

        def begun(ticket: Ticket) -> None:
            # Its time is counted from here: it may have waited long for a process.
            now = execution.invocation = self._begin(number, request_id, execution, sandbox)
            timed_out = InvocationTimedOut(execution, now)
            self._queue.push(now.deadline, Priority.DEADLINE, timed_out, sandbox)

        def ended(reply: Reply) -> None:
            item = HandlerEnded(execution, _ending(reply))
            self._queue.push(self._clock.now, Priority.WORK, item, sandbox)

        run = {
            "event": event,
            "context": _context(invocation, execution.function, execution.tenant_id),
        }
        sandbox.ticket = self._processes.run(_spec(execution.handler), run, ended, begun)

    def invoke_again(self, execution: SimulatedExecution, event: dict[str, Any]) -> None:
        """Do nothing: no fault asks a server for a second delivery."""

    def call(
        self,
        execution: SimulatedExecution,
        invoke: StartInvoke,
        function: RegisteredFunction,
        version: FunctionVersion,
    ) -> None:
        """Call a plain function on behalf of an operation of ``execution``."""
        operation_id = invoke.operation_id
        request_id = self._identifiers.call_id(execution.record.execution.operation_id, operation_id)
        sandbox = RemoteSandbox(f"{execution.record.arn}/{operation_id}")
        call = execution.calls[operation_id] = self._begin(1, request_id, execution, sandbox)

        def begun(ticket: Ticket) -> None:
            now = execution.calls[operation_id] = self._begin(1, request_id, execution, sandbox)
            timed_out = FunctionTimedOut(execution, operation_id)
            self._queue.push(now.deadline, Priority.DEADLINE, timed_out, sandbox)

        def ended(reply: Reply) -> None:
            item = FunctionEnded(execution, operation_id, _ending(reply))
            self._queue.push(self._clock.now, Priority.WORK, item, sandbox)

        run = {"payload": invoke.payload or "{}", "context": _context(call, version, invoke.tenant_id)}
        sandbox.ticket = self._processes.run(_spec(function.handler), run, ended, begun)

    def _begin(
        self, number: int, request_id: str, execution: SimulatedExecution, sandbox: Sandbox
    ) -> Invocation:
        now = self._clock.now
        deadline = now + execution.invocation_timeout_seconds * _SECOND
        return Invocation(number, request_id, now, deadline, sandbox, [])


def plain_run(call: PlainCall, invocation: Invocation) -> tuple[Spec, dict[str, Any]]:
    """Return what runs a plain function for a caller of Invoke."""
    context = _context(invocation, call.version, call.tenant_id)
    run = {"payload": call.payload or "{}", "context": context}
    return _spec(call.function.handler), run


def _spec(handler: Any) -> Spec:
    assert isinstance(handler, RemoteHandler)
    return handler.spec


def _ending(reply: Reply) -> Ending:
    if "output" in reply:
        return Returned(reply["output"])
    return Died(reply.get("error"))


def _context(invocation: Invocation, function: FunctionVersion, tenant_id: str | None) -> dict[str, Any]:
    return {
        "aws_request_id": invocation.request_id,
        "function_name": function.name,
        "function_version": function.version,
        "invoked_function_arn": function.arn,
        "timeout_seconds": (invocation.deadline - invocation.started_at) / _SECOND,
        "tenant_id": tenant_id,
    }
