"""An in-memory AWS Lambda for tests of the SDK, and a driver that invokes handlers on it.

`FakeLambda` has the two methods of boto3's Lambda client that the SDK calls. It keeps one execution, hands
out a new token with every answer and refuses old ones, and applies updates as the service does. Time does
not pass in it: `elapse` ends every wait and makes every retry due. Handlers run on real threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from durable_sdk.execution import durable_execution

T = TypeVar("T")

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:fn:1/durable-execution/name/execution-id"
SERVICE_TIME = datetime(2020, 1, 1, tzinfo=UTC)
TIMEOUT_SECONDS = 20
_TERMINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED", "CANCELLED"}
_OUTSIDE = {"CALLBACK": "CallbackDetails", "CHAINED_INVOKE": "ChainedInvokeDetails"}


class ServiceError(Exception):
    """An error with the shape of botocore's ClientError."""

    def __init__(self, code: str, status: int, message: str = "refused") -> None:
        super().__init__(f"An error occurred ({code}): {message}")
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", 400, message)


class Gate:
    """Holds one request: ``arrived`` is set when it has come, and it goes on once ``open`` is set."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.arrived.set()
        wait_for(self.open)


class FakeLambda:
    """The service and its one execution."""

    def __init__(self, payload: str | None = "{}", *, page_size: int = 1000) -> None:
        self.operations: dict[str, dict[str, Any]] = {
            "execution-id": {
                "Id": "execution-id",
                "Type": "EXECUTION",
                "Status": "STARTED",
                "StartTimestamp": SERVICE_TIME,
                "ExecutionDetails": {} if payload is None else {"InputPayload": payload},
            }
        }
        self.page_size = page_size
        self.requests: list[list[dict[str, Any]]] = []
        self.markers: list[str] = []
        self.before: dict[int, Callable[[], None]] = {}
        """By the number of the request: called before it is applied; what it raises is the answer."""
        self.before_page: dict[int, Callable[[], None]] = {}
        """The same for requests for pages."""
        self.revoked_at: int | None = None
        """The number of the request that is applied but answered without a token."""
        self.elapse_on_refresh = False
        self.answer_page_size: int | None = None
        self.unknown_functions: dict[str, dict[str, Any]] = {}
        """By the name of the function: the error with which an invoke of it fails at once."""
        self._token = 0
        self._untold: dict[str, None] = {}
        self._lock = threading.Lock()

    # The API, with the argument names of boto3.

    def checkpoint_durable_execution(self, **request: Any) -> dict[str, Any]:
        assert request.keys() == {"DurableExecutionArn", "CheckpointToken", "Updates"}
        assert request["DurableExecutionArn"] == ARN
        updates: list[dict[str, Any]] = request["Updates"]
        with self._lock:
            number = len(self.requests)
            self.requests.append(deepcopy(updates))
        self.before.get(number, _pass)()
        with self._lock:
            self._demand_token(request["CheckpointToken"])
            _demand_valid_request(updates)
            for update in deepcopy(updates):
                self._apply(update)
            if not updates and self.elapse_on_refresh:
                self.elapse()
            changed = list(self._untold)
            self._untold.clear()
            has_ended = any(update["Type"] == "EXECUTION" for update in updates)
            answer = self._page(changed, 0, self.answer_page_size or len(changed) or 1)
            self._rest = changed
            if has_ended or number == self.revoked_at:
                return {"NewExecutionState": answer}
            return {"CheckpointToken": self._new_token(), "NewExecutionState": answer}

    def get_durable_execution_state(self, **request: Any) -> dict[str, Any]:
        assert request.keys() == {"DurableExecutionArn", "CheckpointToken", "Marker", "MaxItems"}
        assert request["DurableExecutionArn"] == ARN
        assert request["MaxItems"] == 1000
        number = len(self.markers)
        self.markers.append(request["Marker"])
        self.before_page.get(number, _pass)()
        with self._lock:
            self._demand_token(request["CheckpointToken"])
            return self._page(self._rest, int(request["Marker"]), self.answer_page_size or self.page_size)

    # What a test does to it.

    def event(self) -> dict[str, Any]:
        """Begin an invocation: return its event, in which timestamps are milliseconds."""
        with self._lock:
            self._untold.clear()
            self._rest = list(self.operations)
            return {
                "DurableExecutionArn": ARN,
                "CheckpointToken": self._new_token(),
                "InitialExecutionState": _milliseconds(self._page(self._rest, 0, self.page_size)),
            }

    def elapse(self) -> None:
        """Let all time pass that anything waits for."""
        for operation in self.operations.values():
            if operation["Type"] == "WAIT" and operation["Status"] == "STARTED":
                operation |= {"Status": "SUCCEEDED", "EndTimestamp": SERVICE_TIME}
                self._untold[operation["Id"]] = None
            if operation["Status"] == "PENDING":
                operation["Status"] = "READY"
                del operation["StepDetails"]["NextAttemptTimestamp"]
                self._untold[operation["Id"]] = None

    def settle(self, name: str, status: str, **details: Any) -> None:
        """End a callback or an invoke from outside, with ``Result`` or ``Error``."""
        operation = self.named(name)
        assert operation["Status"] == "STARTED"
        operation |= {"Status": status, "EndTimestamp": SERVICE_TIME}
        operation[_OUTSIDE[operation["Type"]]] |= details
        self._untold[operation["Id"]] = None

    def hold(self, number: int) -> Gate:
        """Hold the request with this number."""
        gate = self.before[number] = Gate()
        return gate

    def fail(self, number: int, error: BaseException) -> None:
        """Answer the request with this number with ``error``; nothing of it is applied."""
        self.before[number] = _raising(error)

    def fail_page(self, number: int, error: BaseException) -> None:
        """Answer the request for a page with this number with ``error``."""
        self.before_page[number] = _raising(error)

    def named(self, name: str) -> dict[str, Any]:
        """Return the operation of this name."""
        (operation,) = [each for each in self.operations.values() if each.get("Name") == name]
        return operation

    @property
    def actions(self) -> list[list[str]]:
        """What each request asked for, such as ``START charge``."""
        return [[_label(update) for update in request] for request in self.requests]

    @property
    def updates(self) -> list[str]:
        """The same, without the borders between requests."""
        return [action for request in self.actions for action in request]

    # Inside.

    def _demand_token(self, token: str) -> None:
        if token != f"token-{self._token}":
            raise invalid("Invalid checkpoint token")

    def _new_token(self) -> str:
        self._token += 1
        return f"token-{self._token}"

    def _page(self, ids: list[str], start: int, size: int) -> dict[str, Any]:
        more = start + size < len(ids)
        return {
            "Operations": [deepcopy(self.operations[each]) for each in ids[start : start + size]],
            "NextMarker": str(start + size) if more else "",
        }

    def _apply(self, update: dict[str, Any]) -> None:
        kind, action, operation_id = update["Type"], update["Action"], update["Id"]
        if kind == "EXECUTION":
            return
        subject = {member: update.get(member) for member in ("Type", "SubType", "Name", "ParentId")}
        parent = update.get("ParentId")
        if parent is not None and self.operations.get(parent, {}).get("Type") != "CONTEXT":
            raise invalid(f"unknown parent of {_label(update)}")
        operation = self.operations.get(operation_id)
        if operation is None:
            operation = {"Id": operation_id, "Status": None, "StartTimestamp": SERVICE_TIME}
            operation |= {member: value for member, value in subject.items() if value is not None}
            self.operations[operation_id] = operation
        elif any(operation.get(member) != value for member, value in subject.items()):
            raise invalid(f"changed identity: {_label(update)}")
        before = operation["Status"]
        self._untold[operation_id] = None
        if action == "START":
            if before not in ((None, "READY") if kind == "STEP" else (None,)):
                raise invalid(f"already {before}: {_label(update)}")
            operation["Status"] = "STARTED"
            if kind == "WAIT":
                end = SERVICE_TIME + timedelta(seconds=update["WaitOptions"]["WaitSeconds"])
                operation["WaitDetails"] = {"ScheduledEndTimestamp": end}
            if kind == "CALLBACK":
                operation["CallbackDetails"] = {"CallbackId": f"id of {update.get('Name')}"}
            if kind == "CHAINED_INVOKE":
                operation["ChainedInvokeDetails"] = {}
                refusal = self.unknown_functions.get(update["ChainedInvokeOptions"]["FunctionName"])
                if refusal is not None:
                    operation |= {"Status": "FAILED", "ChainedInvokeDetails": {"Error": refusal}}
            return
        if before in _TERMINAL or before == "PENDING" or kind in _OUTSIDE or kind == "WAIT":
            raise invalid(f"already {before}: {_label(update)}")
        details = operation.setdefault("StepDetails" if kind == "STEP" else "ContextDetails", {})
        if kind == "STEP":
            details["Attempt"] = details.get("Attempt", 0) + 1
        if action == "RETRY":
            operation["Status"] = "PENDING"
            delay = timedelta(seconds=update["StepOptions"]["NextAttemptDelaySeconds"])
            details["NextAttemptTimestamp"] = SERVICE_TIME + delay
            stored = {"Error": update["Error"]} if "Error" in update else {"Result": update["Payload"]}
            details |= stored
            return
        details.pop("Error", None)
        operation |= {"Status": f"{action}ED", "EndTimestamp": SERVICE_TIME}
        if "Payload" in update:
            details["Result"] = update["Payload"]
        if "Error" in update:
            details["Error"] = update["Error"]
        if "ContextOptions" in update:
            details["ReplayChildren"] = update["ContextOptions"]["ReplayChildren"]


def _pass() -> None:
    pass


def _raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def _label(update: dict[str, Any]) -> str:
    return f"{update['Action']} {update.get('Name') or update.get('SubType') or update['Type']}"


def _demand_valid_request(updates: list[dict[str, Any]]) -> None:
    if len(updates) > 250:
        raise invalid("too many updates")
    seen: dict[str, str] = {}
    for update in updates:
        if not isinstance(update.get("Payload", ""), str):
            raise TypeError(f"boto3 refuses the Payload of {_label(update)}")
        if update["Id"] in seen and not (seen[update["Id"]] == "START" != update["Action"]):
            raise invalid(f"twice in one request: {_label(update)}")
        seen[update["Id"]] = update["Action"]


def _milliseconds(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _milliseconds(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_milliseconds(element) for element in value]
    return value


def wait_for(event: threading.Event) -> None:
    """Wait for ``event``, but not for ever."""
    assert event.wait(TIMEOUT_SECONDS), "what the test waits for never happened"


class Running:
    """A call that runs in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:
            self._error = error

    def has_ended(self, within_seconds: float) -> bool:
        """Return whether the call ends within that time."""
        self._thread.join(within_seconds)
        return not self._thread.is_alive()

    def result(self) -> Any:
        """Return what the call returned, or raise what it raised; fail if it hangs."""
        self._thread.join(TIMEOUT_SECONDS)
        assert not self._thread.is_alive(), "the call hangs"
        if self._error is not None:
            raise self._error
        return self._value


def start(func: Callable[..., Any], service: FakeLambda) -> Running:
    """Begin one invocation of ``func`` as a durable handler."""
    handler = durable_execution(boto3_client=service)(func)
    event = service.event()
    return Running(lambda: handler(event, None))


def invoke(func: Callable[..., Any], service: FakeLambda) -> dict[str, Any]:
    """Invoke ``func`` as a durable handler once and return its answer."""
    output: dict[str, Any] = start(func, service).result()
    return output


def run(func: Callable[..., Any], service: FakeLambda, invocations_max: int = 20) -> dict[str, Any]:
    """Invoke ``func`` until it is done, letting time pass in between, and return its last answer."""
    for _ in range(invocations_max):
        output = invoke(func, service)
        if output != {"Status": "PENDING"}:
            return output
        service.elapse()
    raise AssertionError(f"not done after {invocations_max} invocations")


def outcome(call: Callable[[], T]) -> T | BaseException:
    """Return what ``call`` returns or raises: for bodies that note what they saw."""
    try:
        return call()
    except Exception as error:
        return error


def twice(call: Callable[[Any], T], service: FakeLambda) -> list[Any]:
    """Return what ``call(context)`` returned or raised, on the run that ended it and on its replay."""
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        seen.append(outcome(lambda: call(context)))
        context.wait(1)

    assert run(handler, service)["Status"] == "SUCCEEDED"
    assert len(seen) == 2
    return seen


def statuses(batch: Any) -> str:
    """Return the statuses of a batch as initials, such as ``SFS``; R for branches that still run."""
    return "".join("R" if item.status.value == "STARTED" else item.status.value[0] for item in batch.all)


def facts(error: BaseException) -> tuple[Any, ...]:
    """Return all that user code may rely on in an error of an operation."""
    cause = error.__cause__
    members = ("error_type", "message", "data", "stack_trace")
    return (
        type(error),
        str(error),
        *(getattr(error, member, None) for member in members),
        type(cause),
        str(cause),
        getattr(cause, "error_type", None),
    )
