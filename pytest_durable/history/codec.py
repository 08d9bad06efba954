"""Codec: operations and events to the service's JSON, and events back.

Operations are written as an invocation event holds them (times as integers, milliseconds); events as
boto3 returns them from ``get_durable_execution_history`` (times as aware datetimes).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring_ascii
from typing import Any

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.errors import HistoryError
from pytest_durable.history.events import (
    INTERNAL_EVENT_TYPES,
    Attempt,
    CallbackStart,
    Details,
    ErrorJson,
    Event,
    EventType,
    ExecutionInput,
    InvocationOutcome,
    InvokeStart,
    Outcome,
    Pause,
    Subject,
    WaitSchedule,
)
from pytest_durable.history.fold import RecordedOperation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_datetime(microseconds: int) -> datetime:
    """Return the aware datetime of a time in microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_microseconds(moment: datetime) -> int:
    """Return an aware datetime in microseconds since the epoch."""
    return (moment - _EPOCH) // _MICROSECOND


# Reading a value through the enum costs several times as much, and every answer of the service does it.
_TYPES = {member: member.value for member in OperationType}
_STATUSES = {member: member.value for member in OperationStatus}


def _add_texts(encoded: dict[str, Any], subject: Subject) -> None:
    if subject.name:
        encoded["Name"] = subject.name
    if subject.parent_id:
        encoded["ParentId"] = subject.parent_id
    if subject.sub_type:
        encoded["SubType"] = subject.sub_type


def operation_to_json(operation: RecordedOperation) -> dict[str, Any]:
    """Encode an operation as the service sends it to the SDK."""
    subject = operation.subject
    encoded: dict[str, Any] = {
        "Id": subject.operation_id,
        "Type": _TYPES[subject.operation_type],
        "Status": _STATUSES[operation.status],
    }
    _add_texts(encoded, subject)
    if operation.started_at is not None:
        encoded["StartTimestamp"] = operation.started_at // 1000
    if operation.ended_at is not None:
        encoded["EndTimestamp"] = operation.ended_at // 1000
    member, details = _operation_details(operation)
    encoded[member] = details
    return encoded


# Everything but the three texts: ids, name and sub type at their longest, times, punctuation. A name of
# quotes and backslashes is twice as long when it is escaped.
_OPERATION_ENVELOPE_BYTES = 1300


def operation_size_bytes(operation: RecordedOperation) -> int:
    """Return how many bytes an operation takes as JSON, at most."""
    size = _OPERATION_ENVELOPE_BYTES
    for text in (operation.result, operation.input_payload):
        if text is not None:
            size += len(encode_basestring_ascii(text))
    if operation.error is not None:
        size += len(json.dumps(operation.error))
    return size


def _operation_details(operation: RecordedOperation) -> tuple[str, dict[str, Any]]:
    details: dict[str, Any] = {}
    if operation.result is not None:
        details["Result"] = operation.result
    if operation.error is not None:
        details["Error"] = operation.error
    match operation.subject.operation_type:
        case OperationType.EXECUTION:
            payload = operation.input_payload
            return "ExecutionDetails", {} if payload is None else {"InputPayload": payload}
        case OperationType.CONTEXT:
            if operation.replay_children:
                details["ReplayChildren"] = True
            return "ContextDetails", details
        case OperationType.STEP:
            details["Attempt"] = operation.attempt
            if operation.next_attempt_at is not None:
                details["NextAttemptTimestamp"] = _due_milliseconds(operation.next_attempt_at)
            return "StepDetails", details
        case OperationType.WAIT:
            if operation.scheduled_end_at is not None:
                details["ScheduledEndTimestamp"] = _due_milliseconds(operation.scheduled_end_at)
            return "WaitDetails", details
        case OperationType.CALLBACK:
            if operation.callback_id is not None:
                details["CallbackId"] = operation.callback_id
            return "CallbackDetails", details
        case OperationType.CHAINED_INVOKE:
            return "ChainedInvokeDetails", details


def _due_milliseconds(microseconds: int) -> int:
    # Rounded up: whoever waits until then must not come before it is true.
    return -(-microseconds // 1000)


# What these events tell is an error, even where none is stored with them.
_FAILURES = frozenset(
    event_type
    for event_type in EventType
    if event_type.value.endswith(("Failed", "TimedOut", "Stopped", "Cancelled"))
)


def _wrapped(payload: object, with_data: bool) -> dict[str, Any]:
    if payload is None:
        return {"Truncated": False}
    return {"Payload": payload, "Truncated": False} if with_data else {"Truncated": True}


def _outcome_json(
    event_type: EventType, result: str | None, error: ErrorJson | None, with_data: bool
) -> dict[str, Any]:
    if error is None and event_type not in _FAILURES:
        return {"Result": _wrapped(result, with_data)}
    return {"Error": _wrapped(error, with_data)}


def _details_json(event: Event, with_data: bool) -> dict[str, Any]:
    match event.details:
        case None:
            return {}
        case ExecutionInput(payload, timeout_seconds):
            started = {"Input": _wrapped(payload, with_data)}
            if timeout_seconds is None:
                return started
            return started | {"ExecutionTimeout": timeout_seconds}
        case Pause(requested_at, reason, timeout_is_paused):
            verb = "Resume" if timeout_is_paused is None else "Pause"
            asked: dict[str, Any] = {f"{verb}RequestTimestamp": to_datetime(requested_at)}
            if reason is not None:
                asked["Reason"] = _wrapped(reason, with_data)
            if timeout_is_paused is not None:
                asked["ExecutionTimeoutPaused"] = timeout_is_paused
            return asked
        case Outcome(result, error):
            return _outcome_json(event.type, result, error, with_data)
        case Attempt(number, result, error, delay):
            retry: dict[str, Any] = {"CurrentAttempt": number}
            if delay is not None:
                retry["NextAttemptDelaySeconds"] = delay
            return _outcome_json(event.type, result, error, with_data) | {"RetryDetails": retry}
        case WaitSchedule(duration, end_at):
            schedule: dict[str, Any] = {"Duration": duration}
            if end_at is not None:
                schedule["ScheduledEndTimestamp"] = to_datetime(end_at)
            return schedule
        case CallbackStart(callback_id, timeout_seconds, heartbeat_timeout_seconds):
            awaited: dict[str, Any] = {"CallbackId": callback_id}
            if timeout_seconds > 0:
                awaited["Timeout"] = timeout_seconds
            if heartbeat_timeout_seconds > 0:
                awaited["HeartbeatTimeout"] = heartbeat_timeout_seconds
            return awaited
        case InvokeStart():
            return _invoke_json(event.details, with_data)
        case InvocationOutcome(request_id, started_at, ended_at, error):
            completed: dict[str, Any] = {
                "StartTimestamp": to_datetime(started_at),
                "EndTimestamp": to_datetime(ended_at),
                "RequestId": request_id,
            }
            return completed if error is None else completed | {"Error": _wrapped(error, with_data)}


def _invoke_json(start: InvokeStart, with_data: bool) -> dict[str, Any]:
    called: dict[str, Any] = {"FunctionName": start.function_name}
    if start.payload is not None:
        called["Input"] = _wrapped(start.payload, with_data)
    for member, text in (
        ("TenantId", start.tenant_id),
        ("ExecutedVersion", start.executed_version),
        ("DurableExecutionArn", start.execution_arn),
    ):
        if text is not None:
            called[member] = text
    return called


def events_to_json(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Encode a history as boto3's ``get_durable_execution_history(...)["Events"]``."""
    visible = (event for event in events if event.type not in INTERNAL_EVENT_TYPES)
    return [event_to_json(event_id, event) for event_id, event in enumerate(visible, 1)]


def event_to_json(event_id: int, event: Event, *, with_data: bool = True) -> dict[str, Any]:
    """Encode one event. Without data, inputs, results and errors are left out and marked as truncated."""
    encoded: dict[str, Any] = {
        "EventType": event.type.value,
        "EventId": event_id,
        "EventTimestamp": to_datetime(event.at),
    }
    subject = event.subject
    if subject is not None:
        encoded["Id"] = subject.operation_id
        _add_texts(encoded, subject)
    encoded[f"{event.type.value}Details"] = _details_json(event, with_data)
    return encoded


def _outcome(details: Mapping[str, Any]) -> Details:
    return Outcome(_unwrapped(details, "Result"), _unwrapped(details, "Error"))


def _attempt(details: Mapping[str, Any]) -> Details:
    retry = details.get("RetryDetails") or {}
    return Attempt(
        retry.get("CurrentAttempt", 1),
        _unwrapped(details, "Result"),
        _unwrapped(details, "Error"),
        retry.get("NextAttemptDelaySeconds"),
    )


def _schedule(details: Mapping[str, Any]) -> Details:
    end_at = details.get("ScheduledEndTimestamp")
    return WaitSchedule(details.get("Duration") or 0, None if end_at is None else to_microseconds(end_at))


def _paused(details: Mapping[str, Any]) -> Details:
    requested_at = to_microseconds(details["PauseRequestTimestamp"])
    return Pause(requested_at, _unwrapped(details, "Reason"), bool(details.get("ExecutionTimeoutPaused")))


def _resumed(details: Mapping[str, Any]) -> Details:
    return Pause(to_microseconds(details["ResumeRequestTimestamp"]), _unwrapped(details, "Reason"))


def _callback(details: Mapping[str, Any]) -> Details:
    return CallbackStart(
        details["CallbackId"], details.get("Timeout") or 0, details.get("HeartbeatTimeout") or 0
    )


def _invoke(details: Mapping[str, Any]) -> Details:
    return InvokeStart(
        details["FunctionName"],
        _unwrapped(details, "Input"),
        details.get("TenantId"),
        details.get("ExecutedVersion"),
        details.get("DurableExecutionArn"),
    )


def _nothing(details: Mapping[str, Any]) -> Details:
    return None


def _unwrapped(details: Mapping[str, Any], member: str) -> Any:
    return (details.get(member) or {}).get("Payload")


_DECODERS: dict[EventType, tuple[OperationType | None, Callable[[Mapping[str, Any]], Details]]] = {
    EventType.EXECUTION_STARTED: (
        OperationType.EXECUTION,
        lambda details: ExecutionInput(_unwrapped(details, "Input"), details.get("ExecutionTimeout")),
    ),
    EventType.EXECUTION_SUCCEEDED: (OperationType.EXECUTION, _outcome),
    EventType.EXECUTION_FAILED: (OperationType.EXECUTION, _outcome),
    EventType.EXECUTION_TIMED_OUT: (OperationType.EXECUTION, _outcome),
    EventType.EXECUTION_STOPPED: (OperationType.EXECUTION, _outcome),
    EventType.EXECUTION_PAUSED: (OperationType.EXECUTION, _paused),
    EventType.EXECUTION_RESUMED: (OperationType.EXECUTION, _resumed),
    EventType.CONTEXT_STARTED: (OperationType.CONTEXT, _nothing),
    EventType.CONTEXT_SUCCEEDED: (OperationType.CONTEXT, _outcome),
    EventType.CONTEXT_FAILED: (OperationType.CONTEXT, _outcome),
    EventType.STEP_STARTED: (OperationType.STEP, _nothing),
    EventType.STEP_SUCCEEDED: (OperationType.STEP, _attempt),
    EventType.STEP_FAILED: (OperationType.STEP, _attempt),
    EventType.WAIT_STARTED: (OperationType.WAIT, _schedule),
    EventType.WAIT_SUCCEEDED: (OperationType.WAIT, _schedule),
    EventType.WAIT_CANCELLED: (OperationType.WAIT, _outcome),
    EventType.CALLBACK_STARTED: (OperationType.CALLBACK, _callback),
    EventType.CALLBACK_SUCCEEDED: (OperationType.CALLBACK, _outcome),
    EventType.CALLBACK_FAILED: (OperationType.CALLBACK, _outcome),
    EventType.CALLBACK_TIMED_OUT: (OperationType.CALLBACK, _outcome),
    EventType.CHAINED_INVOKE_STARTED: (OperationType.CHAINED_INVOKE, _invoke),
    EventType.CHAINED_INVOKE_SUCCEEDED: (OperationType.CHAINED_INVOKE, _outcome),
    EventType.CHAINED_INVOKE_FAILED: (OperationType.CHAINED_INVOKE, _outcome),
    EventType.CHAINED_INVOKE_TIMED_OUT: (OperationType.CHAINED_INVOKE, _outcome),
    EventType.CHAINED_INVOKE_STOPPED: (OperationType.CHAINED_INVOKE, _outcome),
    EventType.INVOCATION_COMPLETED: (
        None,
        lambda details: InvocationOutcome(
            details.get("RequestId") or "",
            to_microseconds(details["StartTimestamp"]),
            to_microseconds(details["EndTimestamp"]),
            _unwrapped(details, "Error"),
        ),
    ),
}


def event_from_json(encoded: Mapping[str, Any]) -> Event:
    """Decode one event as boto3 returns it.

    Raises:
        HistoryError: the event is of an unknown type or lacks a member; it names both.
    """
    try:
        event_type = EventType(encoded["EventType"])
        operation_type, decode = _DECODERS[event_type]
        details = decode(encoded.get(f"{event_type.value}Details") or {})
        subject = None
        if operation_type is not None:
            subject = Subject(
                encoded["Id"],
                operation_type,
                encoded.get("SubType"),
                encoded.get("Name"),
                encoded.get("ParentId"),
            )
        return Event(event_type, to_microseconds(encoded["EventTimestamp"]), subject, details)
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryError(
            f"Event {encoded.get('EventId')!r} ({encoded.get('EventType')!r}) cannot be read: {error!r}"
        ) from error


def canonical_text(events: Iterable[dict[str, Any]]) -> str:
    """Write encoded events as text, one a line, so that equal histories are equal byte for byte."""
    return "\n".join(
        json.dumps(event, sort_keys=True, default=lambda moment: moment.isoformat()) for event in events
    )
