"""InProcessEndpoint: Lambda's API on the simulator of a runner in this process, in virtual time.

Time moves only inside calls:

- Invoke that waits for its answer runs the execution to its end. A callback that nobody answers meanwhile
  times out, if it can.
- Invoke of type Event starts an execution and leaves it there. Every other call first lets all executions
  go on as far as they do by themselves, see `settle`.
- A call from inside a handler changes the world at once. One that waits for another execution does so as a
  handler waits for anything: in virtual time, until its own invocation times out.
- A function that is not durable runs on the spot, once, at the time that its caller sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from durable_sdk import _runtime
from pytest_durable.endpoint.operations import Operations, PlainCall, Started, function_error
from pytest_durable.endpoint.settling import settle
from pytest_durable.endpoint.wire import ParsedCall, Request, Response, parse, serialize, serialize_error
from pytest_durable.errors import ServiceError, UsageError
from pytest_durable.service_errors import UnknownOperationException
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.invocation import (
    MEANT_FOR_PYTEST,
    Ending,
    Raised,
    Returned,
    interpret_function,
)
from pytest_durable.simulator.lambda_context import SimulatedLambdaContext
from pytest_durable.simulator.runner import LocalRunner
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.service.callbacks import CallbackCall, parse_callback_id
from pytest_durable.simulator.service.function_names import parse_function_name
from pytest_durable.simulator.turns import SandboxKilled
from pytest_durable.simulator.wall_clock import wall_clock
from pytest_durable.simulator.world import World

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

# How often a handler that waits for another execution looks whether it has ended, in virtual time.
_POLL_SECONDS = 1.0


class InProcessEndpoint:
    """Answers requests for the functions of a runner."""

    def __init__(self, runner: LocalRunner) -> None:
        self._runner = runner
        self._operations: tuple[World, Operations] | None = None
        self._requests = 0
        self._variables = copy_context()
        """What an execution begins with that a handler starts: nothing of the handler's own."""

    def knows(self, call: ParsedCall) -> bool:
        """Return whether a call is about a function, execution or callback of this endpoint."""
        params, executions = call.params, self._runner.simulator.executions
        if "FunctionName" in params:
            try:
                name = parse_function_name(params["FunctionName"])
            except ServiceError:
                return False
            return self._runner.functions.find(name.candidates) is not None
        if "DurableExecutionArn" in params:
            return params["DurableExecutionArn"] in executions
        try:
            execution_id, _ = parse_callback_id(params["CallbackId"], CallbackCall.HEARTBEAT)
        except ServiceError:
            return False
        return any(
            execution.record.execution.operation_id == execution_id for execution in executions.values()
        )

    @property
    def is_inside(self) -> bool:
        """Whether a handler of this endpoint makes the call that is being made."""
        return self._runner.simulator.world.turns.runs_task

    @contextmanager
    def time_shown(self) -> Iterator[None]:
        """Show virtual time to whatever else answers a call of the test, as handlers see it anyway."""
        simulator = self._runner.simulator
        if self.is_inside or not simulator.options.virtual_clock:
            yield
            return
        with wall_clock.shown(simulator.world.clock, to_all=True):
            yield

    def answer(self, request: Request) -> Response:
        """Return the response to a request.

        Raises:
            DurableStuckError: the caller would wait for ever.
            CheckerError: a property of every run does not hold.
        """
        try:
            call = parse(request)
            response = serialize(call.operation, self._serve(call))
        except ServiceError as error:
            response = serialize_error(error)
        self._requests += 1
        return response.with_headers({"x-amzn-requestid": f"00000000-0000-4000-8000-{self._requests:012x}"})

    def _serve(self, call: ParsedCall) -> dict[str, Any]:
        simulator, operations = self._runner.simulator, self._current_operations()
        if call.operation not in operations.names:
            raise UnknownOperationException(f"{call.operation} is not simulated.")
        if simulator.is_closed:
            raise UsageError(
                f"{call.operation} came when the runner was closed already. Call boto3 before that."
            )
        is_inside = self.is_inside
        if is_inside:
            # In the order of things it is a change of everything, for all that is known.
            simulator.world.order.touch_everything()
            answer = self._variables.copy().run(operations, call.operation, call.params)
        else:
            if call.operation != "Invoke":
                settle(simulator)
            answer = operations(call.operation, call.params)
        match answer:
            case Started(execution):
                if is_inside:
                    _await_inside(execution)
                else:
                    simulator.run_to_end(execution)
                return operations.invoked(execution)
            case PlainCall():
                return self._call(answer)
            case _:
                return answer

    def _current_operations(self) -> Operations:
        # A plan that is followed makes another world.
        world = self._runner.simulator.world
        if self._operations is None or self._operations[0] is not world:
            seconds = self._runner.simulator.options.invocation_timeout_seconds
            operations = Operations(world, self._runner.functions, invocation_timeout_seconds=seconds)
            self._operations = world, operations
        return self._operations[1]

    def _call(self, call: PlainCall) -> dict[str, Any]:
        """Call a function that is not durable."""
        simulator = self._runner.simulator
        context = SimulatedLambdaContext(
            f"00000000-0000-4000-9000-{self._requests:012x}",
            call.version,
            simulator.now + simulator.options.invocation_timeout_seconds * 1_000_000,
            lambda: simulator.now,
            tenant_id=call.tenant_id,
        )
        try:
            event = {} if call.payload is None else json.loads(call.payload)
            ending: Ending = Returned(call.function.handler(event, context))
        except (SandboxKilled, *MEANT_FOR_PYTEST):
            raise
        except BaseException as error:
            # Whatever leaves a handler ends its process, SystemExit included; the service only sees that.
            ending = Raised(error)
        if not call.is_awaited:
            return {"StatusCode": 202}
        exit_error = {"ErrorType": "Runtime.ExitError", "ErrorMessage": "Error: Runtime exited"}
        result, error_json = interpret_function(ending, exit_error)
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": call.version.version}
        if error_json is not None:
            return {**answer, **function_error(error_json)}
        return {**answer, "Payload": (result or "null").encode()}


def _await_inside(execution: SimulatedExecution) -> None:
    """Let the handler that calls wait until an execution has ended."""
    runtime = _runtime.current.get()
    if not isinstance(runtime, SimulatedRuntime):
        raise UsageError(
            "A handler waits for an execution in a thread that it has started by itself. "
            "Invoke from the handler's own thread, or with InvocationType='Event'."
        )
    while not execution.closed:
        runtime.sleep(_POLL_SECONDS)
