"""One invocation of a handler: the event it gets, the task it runs in, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from durable_sdk import _runtime
from durable_sdk._invocation_input import BoundInvocation
from durable_sdk._wire.invocation import InvocationEvent
from durable_sdk.execution import is_durable
from durable_sdk.lambda_service import ErrorObject, InvocationStatus
from pytest_durable.errors import UsageError
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import ErrorJson
from pytest_durable.runtime_errors import marshal_error, unmarshal_error
from pytest_durable.simulator.client import SimulatedClient
from pytest_durable.simulator.lambda_context import SimulatedLambdaContext
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.service.paging import Marker, state_page
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.turns import SandboxKilled, Task

Handler = Callable[[Any, Any], Any]


def demand_durable(handler: object) -> None:
    """Check that ``handler`` was made by `durable_execution`.

    Raises:
        UsageError: it was not.
    """
    if not is_durable(handler):
        name = getattr(handler, "__qualname__", None) or repr(handler)
        raise UsageError(f"handler {name} is not a durable handler. Decorate it with @durable_execution.")


class Sandbox:
    """The environment that an invocation runs in; closed when it has died or the invocation has ended."""

    __slots__ = ("closed", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def close(self) -> None:
        """End it, dead or done: nothing of it reaches the world any more."""
        self.closed = True


@dataclass(frozen=True, slots=True)
class Invocation:
    """A run of the handler. Times are in microseconds since the epoch."""

    number: int
    request_id: str
    started_at: int
    deadline: int
    sandbox: Sandbox
    tasks: list[Task]
    """What runs of it, and dies with the sandbox."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The handler returned this."""

    output: object


@dataclass(frozen=True, slots=True)
class Raised:
    """This left the handler."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Died:
    """The sandbox has died; ``error`` is what Lambda reports, None that the runtime has exited."""

    error: ErrorJson | None = None


def exit_error(invocation: Invocation) -> ErrorJson:
    """Return what Lambda reports of a sandbox that has died."""
    return {
        "ErrorType": "Runtime.ExitError",
        "ErrorMessage": f"RequestId: {invocation.request_id} Error: Runtime exited",
    }


def time_limit_error(invocation: Invocation, now: int) -> ErrorJson:
    """Return what Lambda reports of a run that took too long."""
    moment = to_datetime(now).isoformat(timespec="milliseconds").removesuffix("+00:00")
    seconds = (invocation.deadline - invocation.started_at) // 1_000_000
    return {
        "ErrorType": "Sandbox.Timedout",
        "ErrorMessage": f"{moment}Z {invocation.request_id} Task timed out after {seconds}.00 seconds",
    }


Ending: TypeAlias = Returned | Raised | Died

# Ctrl-C, and a test that gives up inside a handler; all else that leaves a handler is the service's business.
MEANT_FOR_PYTEST = (
    KeyboardInterrupt,
    pytest.fail.Exception,
    pytest.skip.Exception,
    pytest.xfail.Exception,
    pytest.exit.Exception,
)


def build_event(record: ExecutionRecord) -> dict[str, Any]:
    """Begin an invocation on the record, and return its event in the service's JSON."""
    updated = record.begin_invocation()
    return {
        "DurableExecutionArn": record.arn,
        "CheckpointToken": record.token,
        "InitialExecutionState": state_page(record, Marker.STATE),
        "UpdatedOperationIds": updated,
    }


def handler_task(
    handler: Handler,
    event: dict[str, Any],
    invocation: Invocation,
    runtime: SimulatedRuntime,
    client: SimulatedClient,
    context: SimulatedLambdaContext,
    ended: Callable[[Ending], None],
    variables: Context,
) -> Task:
    """Return the task that calls the handler and reports how it ended."""
    bound = BoundInvocation(InvocationEvent.from_service(event), client, runtime)

    def body() -> None:
        # Code around the durable handler, such as another decorator, runs in virtual time, too.
        _runtime.current.set(runtime)
        try:
            ending: Ending = Returned(handler(bound, context))
        except SandboxKilled:
            raise
        except BaseException as error:
            # Whatever leaves a handler ends its process, SystemExit included; the service only sees that.
            ending = Raised(error)
        ended(ending)

    return Task(f"invocation-{invocation.number}", body, invocation.sandbox, variables.copy())


def function_task(
    handler: Handler,
    payload: str | None,
    call: Invocation,
    runtime: SimulatedRuntime,
    context: SimulatedLambdaContext,
    name: str,
    ended: Callable[[Ending], None],
    variables: Context,
) -> Task:
    """Return the task that calls a plain function and reports how it ended."""

    def body() -> None:
        _runtime.current.set(runtime)
        try:
            event = {} if payload is None else json.loads(payload)
        except (ValueError, RecursionError) as error:
            ended(Died(unmarshal_error(error)))
            return
        try:
            ending: Ending = Returned(handler(event, context))
        except SandboxKilled:
            raise
        except BaseException as error:
            ending = Raised(error)
        ended(ending)

    return Task(f"function-{name}", body, call.sandbox, variables.copy())


def interpret_function(ending: Ending, exit_error: ErrorJson) -> tuple[str | None, ErrorJson | None]:
    """Return the result of a plain function, or its error; ``exit_error`` is that of a process that ends."""
    match ending:
        case Died(error_json):
            return None, error_json or exit_error
        case Raised(SystemExit()):
            return None, exit_error
        case Raised(error):
            return None, ErrorObject.from_exception(error).to_dict()
        case Returned(output):
            try:
                return json.dumps(output, allow_nan=False), None
            except (TypeError, ValueError, RecursionError) as error:
                return None, marshal_error(error)


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The execution has a result; None if a checkpoint has stored it already."""

    result: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The execution has failed, with an error or without."""

    error: ErrorJson | None


@dataclass(frozen=True, slots=True)
class Pending:
    """The handler waits for something outside."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The invocation itself failed; another one may do better."""

    error: ErrorJson


@dataclass(frozen=True, slots=True)
class Invalid:
    """The handler answered what the service does not accept; the execution fails at once."""

    error: ErrorJson


Answer: TypeAlias = Succeeded | Failed | Pending | Crashed | Invalid


def interpret(ending: Ending, output_bytes_max: int, exit_error: ErrorJson) -> Answer:
    """Return what the ending of an invocation means; ``exit_error`` is that of a process that ends."""
    if isinstance(ending, Died):
        return Crashed(ending.error or exit_error)
    if isinstance(ending, Raised):
        if isinstance(ending.error, SystemExit):
            return Crashed(exit_error)
        return Crashed(ErrorObject.from_exception(ending.error).to_dict())
    output = ending.output
    if not isinstance(output, dict):
        return _invalid(f"Invalid invocation output: expected an object, got {output!r:.100}.")
    result, failure = output.get("Result"), output.get("Error")
    if failure is not None and not isinstance(failure, dict):
        return _invalid(f"Invalid invocation output: Error is not an object: {failure!r:.100}.")
    if result is not None and not isinstance(result, str):
        return _invalid(f"Invalid invocation output: Result is not a text: {result!r:.100}.")
    try:
        output_bytes = len(json.dumps(output))
    except (TypeError, ValueError, RecursionError) as error:
        return _invalid(f"Invalid invocation output: it is not JSON: {error}.")
    if output_bytes > output_bytes_max:
        return _invalid(f"Invalid invocation output: it has more than {output_bytes_max} bytes of JSON.")
    match output.get("Status"):
        case InvocationStatus.SUCCEEDED.value:
            if failure is not None:
                return _invalid("Cannot provide an Error for SUCCEEDED status.")
            return Succeeded(result)
        case InvocationStatus.FAILED.value:
            if result is not None:
                return _invalid("Cannot provide a Result for FAILED status.")
            return Failed(failure)
        case InvocationStatus.PENDING.value:
            return Pending()
        case status:
            return _invalid(f"Unexpected invocation status: {status}.")


def _invalid(message: str) -> Invalid:
    return Invalid({"ErrorType": "InvalidParameterValueException", "ErrorMessage": message})
