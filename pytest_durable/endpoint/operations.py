"""Operations: the API of Lambda for durable executions, on a world.

Parameters and outputs are those of boto3's methods: names and types as botocore parses them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from durable_sdk.lambda_service import OperationStatus
from pytest_durable.errors import UsageError
from pytest_durable.history.codec import to_datetime, to_microseconds
from pytest_durable.history.events import ErrorJson, ExecutionInput
from pytest_durable.service_errors import ResourceConflictException, UnknownOperationException
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import Functions, RegisteredFunction
from pytest_durable.simulator.identifiers import REGION, FunctionVersion
from pytest_durable.simulator.options import DEFAULT_INVOCATION_TIMEOUT_SECONDS
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.callbacks import parse_failure, parse_heartbeat, parse_success
from pytest_durable.simulator.service.errors import (
    InvalidParameterValueException,
    InvalidRequestContentException,
    ResourceNotFoundException,
)
from pytest_durable.simulator.service.function_names import FunctionName, parse_function_name
from pytest_durable.simulator.service.requests import parse_history
from pytest_durable.simulator.world import World

Params: TypeAlias = Mapping[str, Any]
Output: TypeAlias = dict[str, Any]

# The service's default for ListDurableExecutionsByFunction, and its maximum.
_LIST_ITEMS = 100
_LIST_ITEMS_MAX = 1000

_RUNNING = "RUNNING"
_PAUSING = "PAUSING"
_PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class Started:
    """Invoke of a durable function whose caller waits: `Operations.invoked` answers it, once closed."""

    execution: SimulatedExecution


@dataclass(frozen=True, slots=True)
class PlainCall:
    """Invoke of a function that is not durable: whoever serves it calls the handler."""

    function: RegisteredFunction
    version: FunctionVersion
    payload: str | None
    tenant_id: str | None
    is_awaited: bool


class Operations:
    """Answers calls. Nothing of an execution happens here: whoever owns the world lets it go on.

    Functions are in ``region``, unless a caller names them by the ARN of another one.
    """

    def __init__(
        self,
        world: World,
        functions: Functions,
        *,
        invocation_timeout_seconds: int = DEFAULT_INVOCATION_TIMEOUT_SECONDS,
        region: str = REGION,
    ) -> None:
        self._world = world
        self._region = region
        self._functions = functions
        self._invocation_timeout_seconds = invocation_timeout_seconds
        self._by_name: dict[str, Callable[[Params], Output]] = {
            "CheckpointDurableExecution": self._checkpoint,
            "GetDurableExecutionState": self._state,
            "GetDurableExecution": self._get,
            "GetDurableExecutionHistory": self._history,
            "ListDurableExecutionsByFunction": self._list,
            "StopDurableExecution": self._stop,
            "DeleteDurableExecution": self._delete,
            "PauseDurableExecution": self._pause,
            "ResumeDurableExecution": self._resume,
            "SendDurableExecutionCallbackSuccess": self._succeed_callback,
            "SendDurableExecutionCallbackFailure": self._fail_callback,
            "SendDurableExecutionCallbackHeartbeat": self._beat_callback,
        }

    @property
    def names(self) -> frozenset[str]:
        """The operations that can be called, Invoke included."""
        return frozenset({*self._by_name, "Invoke"})

    def __call__(self, operation: str, params: Params) -> Output | Started | PlainCall:
        """Serve a call.

        Raises:
            ServiceError: the service refuses, and nothing has changed.
        """
        if operation == "Invoke":
            return self._invoke(params)
        serve = self._by_name.get(operation)
        if serve is None:
            raise UnknownOperationException(f"{operation} is not simulated.")
        return serve(params)

    # Invoke.

    def _invoke(self, params: Params) -> Output | Started | PlainCall:
        name = _qualified(params)
        function = self._functions.find(name.candidates)
        if function is None:
            raise ResourceNotFoundException(f"Function not found: {self._version_of(name).arn}")
        payload = _payload(params.get("Payload"))
        kind = params.get("InvocationType") or "RequestResponse"
        tenant_id = params.get("TenantId")
        execution_name = params.get("DurableExecutionName")
        version = self._version_of(name)
        if not function.is_durable and execution_name is not None:
            raise InvalidParameterValueException(
                "DurableExecutionName is only for durable functions, and this one is not durable."
            )
        if function.is_durable and name.qualifier is None:
            raise InvalidParameterValueException(
                "You cannot invoke a durable function using an unqualified ARN: "
                f"add a version, an alias or $LATEST, as in {version.name}:$LATEST."
            )
        if kind == "DryRun":
            return {"StatusCode": 204}
        if not function.is_durable:
            return PlainCall(function, version, payload, tenant_id, kind == "RequestResponse")
        execution = self._start(function, version, payload, execution_name, tenant_id)
        if kind == "RequestResponse":
            return Started(execution)
        return {
            "StatusCode": 202,
            "ExecutedVersion": version.version,
            "DurableExecutionArn": execution.record.arn,
        }

    def _start(
        self,
        function: RegisteredFunction,
        version: FunctionVersion,
        payload: str | None,
        name: str | None,
        tenant_id: str | None,
    ) -> SimulatedExecution:
        executions = self._world.executions
        known = executions.started_before(version, name, payload)
        if known is not None:
            return known
        return executions.start(
            function.handler,
            version,
            payload,
            name,
            function.execution_timeout_seconds,
            self._invocation_timeout_seconds,
            tenant_id,
        )

    @staticmethod
    def invoked(execution: SimulatedExecution) -> Output:
        """Return the answer to an Invoke whose execution has ended."""
        operation = execution.record.operation
        answer: Output = {
            "StatusCode": 200,
            "ExecutedVersion": execution.function.version,
            "DurableExecutionArn": execution.record.arn,
        }
        if operation.status is OperationStatus.SUCCEEDED:
            return {**answer, "Payload": (operation.result or "null").encode()}
        return {**answer, **function_error(operation.error)}

    def _version_of(self, name: FunctionName) -> FunctionVersion:
        home = {"region": name.region or self._region, "account_id": name.account_id}
        given = {part: value for part, value in home.items() if value is not None}
        try:
            return FunctionVersion(name.name, name.version, name.qualifier, **given)
        except UsageError as error:
            raise InvalidParameterValueException(str(error)) from None

    # Executions.

    def _checkpoint(self, params: Params) -> Output:
        execution = self._find(params)
        answer = self._world.requests.answer(execution, "CheckpointDurableExecution", dict(params))
        return {**answer, "NewExecutionState": _with_datetimes(answer["NewExecutionState"])}

    def _state(self, params: Params) -> Output:
        execution = self._find(params)
        answer = self._world.requests.answer(execution, "GetDurableExecutionState", dict(params))
        return _with_datetimes(answer)

    def _get(self, params: Params) -> Output:
        execution = self._find(params)
        record, operation = execution.record, execution.record.operation
        answer = _described(execution)
        answer["Version"] = execution.function.version
        with_data = params.get("IncludeExecutionData", True)
        if with_data:
            data = {
                "InputPayload": operation.input_payload,
                "Result": operation.result,
                "Error": operation.error,
            }
            answer.update({member: value for member, value in data.items() if value is not None})
        if not record.closed and not execution.has_default_timeout:
            started = next(iter(record.log))
            assert isinstance(started.details, ExecutionInput)
            timeout = (started.details.timeout_seconds or 0) * 1_000_000
            answer["ExpectedExecutionTimeoutTimestamp"] = to_datetime(started.at + timeout)
        return answer

    def _history(self, params: Params) -> Output:
        return dispatch.history_answer(self._find(params).record, parse_history(params))

    def _list(self, params: Params) -> Output:
        name = _qualified(params)
        if self._functions.find(name.candidates) is None:
            raise ResourceNotFoundException(f"Function not found: {self._version_of(name).arn}")
        executions = list(self._world.executions.by_arn.values())
        if params.get("ReverseOrder"):
            executions.reverse()
        found = [
            execution
            for execution in _from_marker(executions, params.get("Marker"))
            if execution.function.name == name.name
            and (name.qualifier is None or execution.function.version == name.version)
            and not execution.deleted
            and _is_asked_for(execution, params)
        ]
        return _page(found, params)

    def _stop(self, params: Params) -> Output:
        execution = self._find(params)
        if not execution.closed:
            self._world.executions.stop(execution, _error(params))
        return {"StopTimestamp": _moment(execution.record.operation.ended_at)}

    def _delete(self, params: Params) -> Output:
        execution = self._find(params)
        if not execution.closed:
            raise ResourceConflictException(
                "Only an execution that has ended can be deleted: stop it, or wait for its end."
            )
        execution.deleted = True
        return {"DeletionRequestTimestamp": to_datetime(self._world.clock.now)}

    def _pause(self, params: Params) -> Output:
        self._world.executions.pause(self._find_running(params, "paused"))
        return {}

    def _resume(self, params: Params) -> Output:
        self._world.executions.resume(self._find_running(params, "resumed"))
        return {}

    def _find_running(self, params: Params, what: str) -> SimulatedExecution:
        execution = self._find(params)
        if execution.closed:
            raise ResourceConflictException(f"An execution that has ended cannot be {what}.")
        return execution

    def _find(self, params: Params) -> SimulatedExecution:
        arn = params["DurableExecutionArn"]
        execution = self._world.executions.by_arn.get(arn)
        if execution is None or execution.deleted:
            raise ResourceNotFoundException(f"Durable Execution does not exist: {arn}")
        return execution

    # Callbacks.

    def _succeed_callback(self, params: Params) -> Output:
        self._world.callbacks.answer(parse_success(params["CallbackId"], params.get("Result")))
        return {}

    def _fail_callback(self, params: Params) -> Output:
        self._world.callbacks.answer(parse_failure(params["CallbackId"], _error(params)))
        return {}

    def _beat_callback(self, params: Params) -> Output:
        self._world.callbacks.answer(parse_heartbeat(params["CallbackId"]))
        return {}


def function_error(error: ErrorJson | None) -> Output:
    """Return how Invoke answers that a function has failed, in the form in which Lambda tells of errors."""
    told = {
        "errorMessage": (error or {}).get("ErrorMessage"),
        "errorType": (error or {}).get("ErrorType"),
        "stackTrace": (error or {}).get("StackTrace"),
    }
    known = {member: value for member, value in told.items() if value is not None}
    return {"FunctionError": "Unhandled", "Payload": json.dumps(known).encode()}


def _qualified(params: Params) -> FunctionName:
    """Return which function a call names, by FunctionName and Qualifier.

    Raises:
        InvalidParameterValueException: the two contradict each other, or there is no such name.
    """
    name = parse_function_name(params["FunctionName"])
    qualifier = params.get("Qualifier")
    if qualifier is None:
        return name
    if name.qualifier not in (None, qualifier):
        raise InvalidParameterValueException(
            f"The derived qualifier from the function name does not match the specified qualifier "
            f"{qualifier!r}."
        )
    return name._replace(qualifier=qualifier)


def _payload(payload: Any) -> str | None:
    """Return the input of an execution, None if there is none.

    Raises:
        InvalidRequestContentException: it is not JSON of UTF-8.
    """
    if hasattr(payload, "read"):
        payload = payload.read()
    if not payload:
        return None
    try:
        text = payload.decode() if isinstance(payload, bytes | bytearray) else str(payload)
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestContentException(f"Could not parse request body into json: {error}") from None
    return text


def _error(params: Params) -> ErrorJson | None:
    error = params.get("Error")
    return None if error is None else dict(error)


def _with_datetimes(page: Output) -> Output:
    """Return a page of operations with the times as botocore parses them, not as invocations carry them."""
    return {**page, "Operations": [_with_datetime(operation) for operation in page["Operations"]]}


def _with_datetime(operation: Output) -> Output:
    told = dict(operation)
    for member, value in operation.items():
        if isinstance(value, dict):
            told[member] = _with_datetime(value)
        elif member.endswith("Timestamp"):
            told[member] = to_datetime(value * 1000)
    return told


def _moment(microseconds: int | None) -> Any:
    assert microseconds is not None
    return to_datetime(microseconds)


def _status(execution: SimulatedExecution) -> str:
    status = execution.record.operation.status
    if status is not OperationStatus.STARTED:
        return status.value
    if not execution.paused:
        return _RUNNING
    # An invocation that runs goes on until its next checkpoint.
    return _PAUSED if execution.invocation is None else _PAUSING


def _described(execution: SimulatedExecution) -> Output:
    """Return what every answer about an execution tells of it."""
    record, operation = execution.record, execution.record.operation
    answer: Output = {
        "DurableExecutionArn": record.arn,
        "DurableExecutionName": record.execution.name,
        "FunctionArn": execution.function.arn,
        "Status": _status(execution),
        "StartTimestamp": _moment(operation.started_at),
    }
    if operation.ended_at is not None:
        answer["EndTimestamp"] = _moment(operation.ended_at)
    return answer


def _is_asked_for(execution: SimulatedExecution, params: Params) -> bool:
    started_at = execution.record.operation.started_at or 0
    name, statuses = params.get("DurableExecutionName"), params.get("Statuses")
    after, before = params.get("StartedAfter"), params.get("StartedBefore")
    return (
        (name is None or execution.record.execution.name == name)
        and (not statuses or _status(execution) in statuses)
        and (after is None or started_at > to_microseconds(after))
        and (before is None or started_at < to_microseconds(before))
    )


def _from_marker(executions: list[SimulatedExecution], marker: str | None) -> list[SimulatedExecution]:
    """Return what is left from a marker on.

    It is the ARN of the first execution of the next page. That one need not be asked for any more, as when
    only those that run are listed and it has ended.

    Raises:
        InvalidParameterValueException: there is no such marker.
    """
    if not marker:
        return executions
    for index, execution in enumerate(executions):
        if execution.record.arn == marker:
            return executions[index:]
    raise InvalidParameterValueException(f"Invalid marker {marker!r:.100}.")


def _page(found: list[SimulatedExecution], params: Params) -> Output:
    """Return the first page of what is found."""
    size = min(params.get("MaxItems") or _LIST_ITEMS, _LIST_ITEMS_MAX)
    answer: Output = {"DurableExecutions": [_described(execution) for execution in found[:size]]}
    if size < len(found):
        answer["NextMarker"] = found[size].record.arn
    return answer
