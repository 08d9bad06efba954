"""The durable execution service in memory: one execution, virtual time, and a log of every state it was in.

It has the two methods of boto3's Lambda client that an SDK calls, so handlers of either SDK run on it, on
real threads. It imports nothing but the standard library, because it also runs where only AWS's packages are.

Time passes only in `Service.advance`, which jumps to the next moment at which something outside the handler
happens: a wait or a retry's delay ends, a callback is answered or times out, an invoked function returns.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:fn:1/durable-execution/name/execution-id"
EXECUTION_ID = "execution-id"

# Far enough ahead of every real clock that no timer of the service is ever due within an invocation: all
# that is due is then up to `advance`, and a run does not depend on how fast the machine is.
EPOCH_MILLISECONDS = 4_102_444_800_000

TERMINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT", "STOPPED"})
_MAX_UPDATES = 250
_DETAILS = {
    "EXECUTION": "ExecutionDetails",
    "CONTEXT": "ContextDetails",
    "STEP": "StepDetails",
    "WAIT": "WaitDetails",
    "CALLBACK": "CallbackDetails",
    "CHAINED_INVOKE": "ChainedInvokeDetails",
}
_IDENTITY = ("Type", "SubType", "Name", "ParentId")


@dataclass(frozen=True)
class Answer:
    """How something outside ends an operation, so many seconds after it began."""

    status: str
    result: str | None = None
    error: Json | None = None
    after_seconds: int = 1


class InvalidParameterError(Exception):
    """A refused request, in the shape of botocore's ClientError."""

    def __init__(self, message: str) -> None:
        super().__init__(f"An error occurred (InvalidParameterValueException): {message}")
        self.response = {
            "Error": {"Code": "InvalidParameterValueException", "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }


class Service:
    """The service and its one execution.

    ``answers`` says how callbacks end, by the name that the handler gave them, and how invoked functions
    end, by the name of the function. A callback without an answer can only time out.

    ``log`` holds what every request and every moment of outside events changed, in order: with the first
    ``n`` entries a `restored` service is in the state after the ``n``-th of them.
    """

    def __init__(self, payload: str = "{}", answers: Mapping[str, Answer] | None = None) -> None:
        self.answers = dict(answers or {})
        self.now = EPOCH_MILLISECONDS
        self.operations: dict[str, Json] = {
            EXECUTION_ID: {
                "Id": EXECUTION_ID,
                "Type": "EXECUTION",
                "Status": "STARTED",
                "StartTimestamp": self.now,
                "ExecutionDetails": {"InputPayload": payload},
            }
        }
        self.deadlines: dict[str, list[list[Any]]] = {}
        """What will end operations: by their ids moments, statuses and details, the first of which counts."""
        self.log: list[Json] = []
        self.ended: Json | None = None
        """The update that ended the execution: results that Lambda cannot return are sent in a request."""
        self.refusals: list[str] = []
        self._token = 0
        self._untold: dict[str, None] = {}
        self._updated: dict[str, None] = {}
        self._lock = threading.Lock()

    @classmethod
    def restored(cls, payload: str, answers: Mapping[str, Answer] | None, log: Iterable[Json]) -> Service:
        """Return a service in the state after all entries of ``log``."""
        service = cls(payload, answers)
        for entry in log:
            service.now = entry["now"]
            service.operations |= deepcopy(entry["operations"])
            service.deadlines |= deepcopy(entry.get("deadlines", {}))
            service.log.append(entry)
        return service

    # The API, with the argument names of boto3.

    def checkpoint_durable_execution(self, **request: Any) -> Json:
        """Apply updates, and answer with all that changed since the SDK was last told."""
        with self._lock:
            try:
                self._demand_token(request)
                _demand_valid_request(request["Updates"])
                changed: dict[str, None] = {}
                for update in deepcopy(request["Updates"]):
                    self._apply(update)
                    changed[update["Id"]] = None
            except InvalidParameterError as error:
                self.refusals.append(str(error))
                raise
            if request["Updates"]:
                self._record("request", changed)
            self._untold |= changed
            operations = [self.operations[each] for each in self._untold if each in self.operations]
            self._untold.clear()
            answer: Json = {"NewExecutionState": {"Operations": _as_datetimes(operations)}}
            if self.ended is None:
                answer["CheckpointToken"] = self._new_token()
            return answer

    def get_durable_execution_state(self, **request: Any) -> Json:
        """Answer with a page of state: there is none after the first, which the invocation brings."""
        raise InvalidParameterError(f"there is no page {request['Marker']!r}")

    # What plays the world outside the handler.

    def event(self) -> Json:
        """Begin an invocation: return its event, in which timestamps are milliseconds."""
        with self._lock:
            self._untold.clear()
            updated, self._updated = list(self._updated), {}
            return {
                "DurableExecutionArn": ARN,
                "CheckpointToken": self._new_token(),
                "InitialExecutionState": {
                    "Operations": deepcopy(list(self.operations.values())),
                    "NextMarker": "",
                },
                "UpdatedOperationIds": updated,
            }

    def advance(self) -> bool:
        """Jump to the next moment at which something happens, and return whether there was one."""
        with self._lock:
            pending = [
                (moment[0], id, moment)
                for id, moments in self.deadlines.items()
                if self.operations[id]["Status"] not in TERMINAL | {"READY"}
                for moment in moments
            ]
            if not pending:
                return False
            self.now = min(due for due, _, _ in pending)
            changed: dict[str, None] = {}
            for due, id, (_, status, details) in pending:
                if due == self.now and id not in changed:
                    self._end(self.operations[id], status, details)
                    changed[id] = None
            self._untold |= changed
            self._updated |= changed
            self._record("outside", changed)
            return True

    def subject(self, id: str) -> str:
        """Return how to name an operation in a message."""
        operation = self.operations[id]
        return f"{operation.get('SubType', operation['Type'])} {operation.get('Name')!r} ({id[:8]})"

    # Inside.

    def _record(self, cause: str, changed: Iterable[str]) -> None:
        changed = [id for id in changed if id in self.operations]
        entry = {
            "cause": cause,
            "now": self.now,
            "operations": {id: deepcopy(self.operations[id]) for id in changed},
        }
        waiting = [id for id in changed if self.operations[id]["Status"] not in TERMINAL | {"READY"}]
        if deadlines := {id: deepcopy(self.deadlines[id]) for id in waiting if id in self.deadlines}:
            entry["deadlines"] = deadlines
        self.log.append(entry)

    def _demand_token(self, request: Json) -> None:
        if request["DurableExecutionArn"] != ARN or request["CheckpointToken"] != f"token-{self._token}":
            raise InvalidParameterError("Invalid checkpoint token")

    def _new_token(self) -> str:
        self._token += 1
        return f"token-{self._token}"

    def _apply(self, update: Json) -> None:
        if self.ended is not None:
            raise InvalidParameterError("the execution has ended")
        if update["Type"] == "EXECUTION":
            self.ended = update
            return
        operation = self._operation(update)
        if update["Action"] == "START":
            self._start(operation, update)
        else:
            self._finish(operation, update)

    def _operation(self, update: Json) -> Json:
        """Return the operation that an update is about, new if it is not known."""
        parent = update.get("ParentId")
        if parent is not None and self.operations.get(parent, {}).get("Type") != "CONTEXT":
            raise InvalidParameterError(f"unknown parent: {_label(update)}")
        operation = self.operations.get(update["Id"])
        if operation is None:
            operation = {"Id": update["Id"], "Status": None, "StartTimestamp": self.now}
            operation |= {member: update[member] for member in _IDENTITY if member in update}
            self.operations[update["Id"]] = operation
        elif changed := [each for each in _IDENTITY if operation.get(each) != update.get(each)]:
            raise InvalidParameterError(f"another {changed} than before: {_label(update)}")
        return operation

    def _start(self, operation: Json, update: Json) -> None:
        kind, status = operation["Type"], operation["Status"]
        if status is not None and not (kind == "STEP" and status == "READY"):
            raise InvalidParameterError(f"already {status}: {_label(update)}")
        operation["Status"] = "STARTED"
        details = operation.setdefault(_DETAILS[kind], {})
        if kind == "WAIT":
            due = self.now + update["WaitOptions"]["WaitSeconds"] * 1000
            details["ScheduledEndTimestamp"] = due
            self.deadlines[operation["Id"]] = [[due, "SUCCEEDED", {}]]
        if kind == "CALLBACK":
            details["CallbackId"] = f"callback-{operation['Id'][:12]}"
            self.deadlines[operation["Id"]] = self._ends_of_callback(operation, update)
        if kind == "CHAINED_INVOKE":
            function = update["ChainedInvokeOptions"]["FunctionName"]
            self.deadlines[operation["Id"]] = [self._answered(self.answers[function])]

    def _ends_of_callback(self, operation: Json, update: Json) -> list[list[Any]]:
        options = update["CallbackOptions"]
        ends = [
            [self.now + options[option] * 1000, "TIMED_OUT", {"Error": error}]
            for option, error in (
                (
                    "HeartbeatTimeoutSeconds",
                    {
                        "ErrorMessage": "Callback timed out on heartbeat",
                        "ErrorType": "Callback.Heartbeat",
                    },
                ),
                (
                    "TimeoutSeconds",
                    {"ErrorMessage": "Callback timed out", "ErrorType": "Callback.Timeout"},
                ),
            )
            if options.get(option)
        ]
        name = operation.get("Name", "").removesuffix("create callback id").strip()
        if name in self.answers:
            ends.append(self._answered(self.answers[name]))
        return sorted(ends, key=lambda end: end[0])

    def _answered(self, answer: Answer) -> list[Any]:
        details = {"Result": answer.result, "Error": answer.error}
        return [
            self.now + answer.after_seconds * 1000,
            answer.status,
            {member: value for member, value in details.items() if value is not None},
        ]

    def _finish(self, operation: Json, update: Json) -> None:
        """Apply what a handler says of its step or context: RETRY, SUCCEED or FAIL."""
        kind, status, action = operation["Type"], operation["Status"], update["Action"]
        if kind not in ("STEP", "CONTEXT") or status in TERMINAL or status == "PENDING":
            raise InvalidParameterError(f"already {status}: {_label(update)}")
        details = operation.setdefault(_DETAILS[kind], {})
        if kind == "STEP":
            details["Attempt"] = details.get("Attempt", 0) + 1
        details.pop("Error", None)
        if "Payload" in update:
            details["Result"] = update["Payload"]
        if "Error" in update:
            details["Error"] = update["Error"]
        if action == "RETRY":
            due = self.now + update["StepOptions"]["NextAttemptDelaySeconds"] * 1000
            operation["Status"] = "PENDING"
            details["NextAttemptTimestamp"] = due
            self.deadlines[operation["Id"]] = [[due, "READY", {}]]
            return
        if update.get("ContextOptions", {}).get("ReplayChildren"):
            details["ReplayChildren"] = True
        if action == "FAIL":
            details.pop("Result", None)
        operation |= {"Status": f"{action}ED", "EndTimestamp": self.now}

    def _end(self, operation: Json, status: str, details: Json) -> None:
        """End an operation, or make a retry due, from outside."""
        operation["Status"] = status
        stored = operation.setdefault(_DETAILS[operation["Type"]], {})
        stored |= deepcopy(details)
        if status == "READY":
            del stored["NextAttemptTimestamp"]
        else:
            operation["EndTimestamp"] = self.now


def _label(update: Json) -> str:
    return f"{update['Action']} {update.get('SubType', update['Type'])} {update.get('Name')!r}"


def _demand_valid_request(updates: list[Json]) -> None:
    if len(updates) > _MAX_UPDATES:
        raise InvalidParameterError("too many updates")
    seen: dict[str, str] = {}
    for update in updates:
        if not isinstance(update.get("Payload", ""), str):
            raise TypeError(f"boto3 refuses the Payload of {_label(update)}")
        if update["Id"] in seen and not (seen[update["Id"]] == "START" != update["Action"]):
            raise InvalidParameterError(f"twice in one request: {_label(update)}")
        seen[update["Id"]] = update["Action"]


def _as_datetimes(value: Any) -> Any:
    """Return a copy with the timestamps as boto3 gives them."""
    if isinstance(value, dict):
        return {
            key: datetime.fromtimestamp(member / 1000, UTC)
            if key.endswith("Timestamp")
            else _as_datetimes(member)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [_as_datetimes(element) for element in value]
    return value
