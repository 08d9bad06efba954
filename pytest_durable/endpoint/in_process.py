"""InProcessEndpoint: Lambda's API on the simulator of a runner in this process, in virtual time.

Time moves only inside calls:

- Invoke that waits for its answer runs the execution to its end. A callback that nobody answers meanwhile
  times out, if it can.
- Invoke of type Event starts an execution and leaves it there. Every other call first lets all executions
  go on as far as they do by themselves, see `settle`.
- A call from inside a handler changes the world at once. One that waits for another execution does so as a
  handler waits for anything: in virtual time, until its own invocation times out.
- Threads of the test take turns. Those that a handler starts by itself cannot call: it holds the turn.
- A function that is not durable runs on the spot, once, at the time that its caller sees.
"""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any

from durable_sdk import _runtime
from pytest_durable.endpoint.operations import Operations, PlainCall, Started, function_error
from pytest_durable.endpoint.settling import settle
from pytest_durable.endpoint.virtual_calls import call_turn, time_shown
from pytest_durable.endpoint.wire import ParsedCall, Request, Response, parse, serialize, serialize_error
from pytest_durable.errors import ServiceError, UsageError
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.identifiers import REGION
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
from pytest_durable.simulator.world import World

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_TURN_SECONDS = 5.0

_REGION = re.compile(r"(?<![^.])[a-z]{2,4}(?:-[a-z]+)+-\d(?![^.])")

# How often a handler that waits for another execution looks whether it has ended, in virtual time.
_POLL_SECONDS = 1.0


class InProcessEndpoint:
    """Answers requests for the functions of a runner."""

    def __init__(self, runner: LocalRunner) -> None:
        self._runner = runner
        self._operations: dict[str, tuple[World, Operations]] = {}
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

    def time_shown(self) -> AbstractContextManager[None]:
        """Show virtual time to whatever else answers a call of the test."""
        return time_shown(self._runner)

    def let_pass(self, microseconds: int) -> None:
        """Let virtual time pass for somebody who awaits something of this endpoint.

        Raises:
            DurableStuckError: nothing can happen any more.
            CheckerError: a property of every run does not hold.
        """
        simulator = self._runner.simulator
        if simulator.is_closed:
            return
        with call_turn:
            simulator.advance(microseconds, simulator.executions.values())

    def answer(self, request: Request) -> Response:
        """Return the response to a request.

        Raises:
            DurableStuckError: the caller would wait for ever.
            CheckerError: a property of every run does not hold.
        """
        try:
            call = parse(request)
            response = serialize(call.operation, self._answer_in_turn(call, _region_of(request)))
        except ServiceError as error:
            response = serialize_error(error)
        self._requests += 1
        return response.with_headers({"x-amzn-requestid": f"00000000-0000-4000-8000-{self._requests:012x}"})

    def _answer_in_turn(self, call: ParsedCall, region: str) -> dict[str, Any]:
        if self.is_inside:
            if self._runner.simulator.world.turns.current.sandbox.closed:
                # What is being unwound has died: nothing of it reaches the service any more.
                raise SandboxKilled
            return self._serve(call, region)
        if not call_turn.acquire(timeout=_TURN_SECONDS):
            raise UsageError(
                f"{call.operation} was called from a thread while another one runs a simulation, which has "
                f"not ended for {_TURN_SECONDS:g} seconds. A handler that starts a thread of its own cannot "
                "call boto3 there: call it in the step itself, or in branches of context.parallel."
            )
        try:
            return self._serve(call, region)
        finally:
            call_turn.release()

    def _serve(self, call: ParsedCall, region: str) -> dict[str, Any]:
        simulator, operations = self._runner.simulator, self._operations_in(region)
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

    def _operations_in(self, region: str) -> Operations:
        simulator = self._runner.simulator
        world, operations = self._operations.get(region, (None, None))
        # A plan that is followed makes another world.
        if operations is None or world is not simulator.world:
            operations = Operations(
                simulator.world,
                self._runner.functions,
                invocation_timeout_seconds=simulator.options.invocation_timeout_seconds,
                region=region,
            )
            self._operations[region] = simulator.world, operations
        return operations

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


def _region_of(request: Request) -> str:
    """Return the region whose host a request goes to."""
    found = _REGION.search(request.headers.get("host", ""))
    return REGION if found is None else found[0]


def _await_inside(execution: SimulatedExecution) -> None:
    """Let the handler that calls wait until an execution has ended."""
    runtime = _runtime.current.get()
    if not isinstance(runtime, SimulatedRuntime):
        raise UsageError(
            "A handler waits for an execution where its context variables are not seen. "
            "Invoke in the context of the handler, or with InvocationType='Event'."
        )
    while not execution.closed:
        runtime.sleep(_POLL_SECONDS)
