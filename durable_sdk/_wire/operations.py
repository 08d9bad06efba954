"""StoredOperation: what the service has recorded of one operation, read from the service's JSON on demand.

A replay looks at every operation of the history but only at two or three of a dozen members of each,
so nothing is decoded before it is asked for.

Timestamps arrive in two forms: integers (milliseconds since the epoch) inside an invocation event,
aware datetimes in the responses of boto3. Both read as integers, microseconds since the epoch.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from durable_sdk._wire.enums import OperationStatus, OperationType
from durable_sdk._wire.errors import ErrorObject

OperationJson: TypeAlias = dict[str, Any]

Identity: TypeAlias = tuple[OperationType, str | None, str | None, str | None]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Calling an Enum class costs three times as much as a dictionary, and replay does it for every operation.
KNOWN_TYPES = {member.value: member for member in OperationType}
KNOWN_STATUSES = {member.value: member for member in OperationStatus}

_DETAILS = {
    "EXECUTION": "ExecutionDetails",
    "CONTEXT": "ContextDetails",
    "STEP": "StepDetails",
    "WAIT": "WaitDetails",
    "CALLBACK": "CallbackDetails",
    "CHAINED_INVOKE": "ChainedInvokeDetails",
}


def _microseconds(value: int | float | datetime | None) -> int | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return int(value * 1000)


class StoredOperation:
    """One operation as the service reported it last. Immutable."""

    __slots__ = ("_json",)

    def __init__(self, json: OperationJson) -> None:
        self._json = json

    def __repr__(self) -> str:
        return f"StoredOperation({self._json!r})"

    @property
    def operation_id(self) -> str:
        """The id: 64 hexadecimal characters, or what the service chose for the EXECUTION operation."""
        operation_id: str = self._json["Id"]
        return operation_id

    @property
    def operation_type(self) -> OperationType:
        """What the operation is."""
        return KNOWN_TYPES[self._json["Type"]]

    @property
    def sub_type(self) -> str | None:
        """What it was written as; any text is possible."""
        return self._json.get("SubType")

    @property
    def name(self) -> str | None:
        """The name that the handler gave it."""
        return self._json.get("Name")

    @property
    def parent_id(self) -> str | None:
        """The id of the context that holds it, None at the root."""
        return self._json.get("ParentId")

    @property
    def identity(self) -> Identity:
        """What must not change from one invocation to the next: type, sub type, name, parent."""
        json = self._json
        return (
            KNOWN_TYPES[json["Type"]],
            json.get("SubType"),
            json.get("Name") or None,
            json.get("ParentId") or None,
        )

    @property
    def status(self) -> OperationStatus:
        """Where it stands."""
        return KNOWN_STATUSES[self._json["Status"]]

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended."""
        return KNOWN_STATUSES[self._json["Status"]].is_terminal

    @property
    def start_timestamp(self) -> int | None:
        """When it started, in microseconds since the epoch."""
        return _microseconds(self._json.get("StartTimestamp"))

    @property
    def end_timestamp(self) -> int | None:
        """When it ended, in microseconds since the epoch."""
        return _microseconds(self._json.get("EndTimestamp"))

    @property
    def _details(self) -> dict[str, Any]:
        details: dict[str, Any] = self._json.get(_DETAILS[self._json["Type"]]) or {}
        return details

    @property
    def result(self) -> str | None:
        """The stored result, as text."""
        return self._details.get("Result")

    @property
    def error(self) -> ErrorObject | None:
        """The stored error."""
        error = self._details.get("Error")
        return None if error is None else ErrorObject.from_dict(error)

    @property
    def input_payload(self) -> str | None:
        """The input of an execution, as text."""
        return self._details.get("InputPayload")

    @property
    def attempt(self) -> int:
        """How many attempts of a step have ended."""
        return self._details.get("Attempt") or 0

    @property
    def next_attempt_at(self) -> int | None:
        """When a pending step may run again, in microseconds since the epoch."""
        return _microseconds(self._details.get("NextAttemptTimestamp"))

    @property
    def scheduled_end_at(self) -> int | None:
        """When a wait ends, in microseconds since the epoch."""
        return _microseconds(self._details.get("ScheduledEndTimestamp"))

    @property
    def callback_id(self) -> str | None:
        """The id by which somebody outside answers a callback."""
        return self._details.get("CallbackId")

    @property
    def replay_children(self) -> bool:
        """Whether the result of a context was too large to store, so that its body rebuilds it on replay."""
        return bool(self._details.get("ReplayChildren"))
