"""Translate: the service's answers to the log and the result that the simulator makes, too.

Answers are boto3's, with datetimes, or the AWS CLI's JSON, with times as ISO text or numbers. What a newer
service may say is kept: events of an unknown type are in the result's ``history``, and its ``notes`` tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from pytest_durable.errors import HistoryError
from pytest_durable.history.codec import event_from_json
from pytest_durable.history.log import EventLog
from pytest_durable.result.execution import DurableFunctionTestResult, ExecutionStatus

# By status: the event that ends an execution that way.
_ENDINGS = {
    ExecutionStatus.SUCCEEDED.value: "ExecutionSucceeded",
    ExecutionStatus.FAILED.value: "ExecutionFailed",
    ExecutionStatus.TIMED_OUT.value: "ExecutionTimedOut",
    ExecutionStatus.STOPPED.value: "ExecutionStopped",
}
_STATUSES = {ending: status for status, ending in _ENDINGS.items()}
_UNFINISHED = {"RUNNING", "PAUSING", "PAUSED", "DELETING"}
_PAYLOADS = ("Input", "Result", "Error", "Reason")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Above this a number of seconds would be after the year 5000: it is milliseconds.
_LARGEST_SECONDS = 100_000_000_000


FindInvoked: TypeAlias = Callable[[EventLog], Sequence[DurableFunctionTestResult]]
"""Returns the results of the executions that an execution has invoked, as its log tells."""


@dataclass(frozen=True, slots=True)
class Translation:
    """What a history comes to. ``history`` is all of it, its times as datetimes of UTC."""

    log: EventLog
    history: list[dict[str, Any]]
    notes: tuple[str, ...]


def is_ended(status: object) -> bool:
    """Return whether a status that the service tells is one that never changes again."""
    return status in _ENDINGS


def ended_as(events: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the status with which a history tells that its execution ended; None if it does not tell."""
    statuses = (_STATUSES.get(str(event.get("EventType"))) for event in events)
    return next((status for status in statuses if status is not None), None)


def translate(events: Iterable[Mapping[str, Any]]) -> Translation:
    """Return the log that the events of a history make.

    Raises:
        HistoryError: a time cannot be read; the message names the event.
    """
    history = [_with_datetimes(event) for event in events]
    log, notes = _read(history)
    return Translation(log, history, tuple(notes))


def result_of(
    execution: Mapping[str, Any],
    events: Iterable[Mapping[str, Any]],
    *,
    invoked: FindInvoked | None = None,
    notes: Iterable[str] = (),
) -> DurableFunctionTestResult:
    """Return the result that the answers of GetDurableExecution and GetDurableExecutionHistory make.

    ``events`` are those of all pages. Where the history is behind the execution, or has cut its result
    off, the answer about the execution counts. ``notes`` come before those of the translation. ``invoked``
    is called with the log when somebody asks for what the execution has invoked.

    Raises:
        HistoryError: a time cannot be read; the message names the event.
    """
    history = [_with_datetimes(event) for event in events]
    completed, said = _completed(history, execution)
    log, unread = _read(completed)
    status = execution.get("Status")
    if status not in _ENDINGS and status not in _UNFINISHED:
        said.append(f"the status of the execution is {status!r}, which this version does not know")
    found = () if invoked is None else partial(invoked, log)
    result = DurableFunctionTestResult(log, invoked=found, notes=[*notes, *said, *unread])
    # As it came, so that nothing is hidden of events that cannot be read.
    result.history = history
    return result


def _read(history: Sequence[dict[str, Any]]) -> tuple[EventLog, list[str]]:
    log = EventLog()
    notes: list[str] = []
    truncated: list[str] = []
    for encoded in history:
        try:
            log.append(event_from_json(encoded))
        except HistoryError as error:
            notes.append(f"left out of the operations, but not of the history: {error}")
            continue
        if any(payload.get("Truncated") for payload in _payloads(encoded)):
            truncated.append(_named(encoded))
    if truncated:
        notes.append(f"the service has truncated the data of {', '.join(truncated)}")
    return log, notes


def _details(encoded: Mapping[str, Any]) -> Mapping[str, Any]:
    details = encoded.get(f"{encoded.get('EventType')}Details")
    return details if isinstance(details, Mapping) else {}


def _payloads(encoded: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    members = [_details(encoded).get(member) for member in _PAYLOADS]
    return [member for member in members if isinstance(member, Mapping)]


def _named(encoded: Mapping[str, Any]) -> str:
    name = f" {encoded['Name']!r}" if encoded.get("Name") else ""
    return f"event {encoded.get('EventId')} ({encoded.get('EventType')}{name})"


def _completed(
    history: list[dict[str, Any]], execution: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the history with what only the answer about the execution tells, and what was added."""
    ending = _ENDINGS.get(str(execution.get("Status")))
    if ending is None:
        return history, []
    outcome = {
        member: execution[member] for member in ("Result", "Error") if execution.get(member) is not None
    }
    for index, encoded in enumerate(history):
        if encoded.get("EventType") == ending:
            return [*history[:index], _filled(encoded, outcome), *history[index + 1 :]], []
    started = next((event for event in history if event.get("EventType") == "ExecutionStarted"), None)
    added = [] if started else [beginning(execution)]
    started = started or added[0]
    end: dict[str, Any] = {
        **{member: started[member] for member in ("Id", "Name") if member in started},
        "EventType": ending,
        "EventTimestamp": to_datetime(execution.get("EndTimestamp") or _last_time(history, started)),
        f"{ending}Details": {
            member: {"Payload": payload, "Truncated": False} for member, payload in outcome.items()
        },
    }
    note = f"the history does not tell yet that the execution has ended: {execution['Status']}"
    return [*added, *history, end], [note]


def _filled(encoded: dict[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last event with the whole outcome, where it lacks some of it."""
    name = f"{encoded['EventType']}Details"
    details = dict(encoded.get(name) or {})
    for member, payload in outcome.items():
        stated = details.get(member) or {}
        if stated.get("Truncated") or "Payload" not in stated:
            details[member] = {"Payload": payload, "Truncated": False}
    return {**encoded, name: details}


def beginning(execution: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with which an execution began, as what is known of it tells."""
    arn = str(execution.get("DurableExecutionArn") or "")
    return {
        "EventType": "ExecutionStarted",
        "EventTimestamp": to_datetime(execution.get("StartTimestamp") or 0),
        # The last part of the ARN is the id of the operation that stands for the execution.
        "Id": arn.rpartition("/")[2] or "execution",
        "Name": execution.get("DurableExecutionName"),
        "ExecutionStartedDetails": {"Input": {"Payload": execution.get("InputPayload"), "Truncated": False}},
    }


def _last_time(history: Sequence[Mapping[str, Any]], started: Mapping[str, Any]) -> datetime:
    moment: datetime = (history[-1] if history else started)["EventTimestamp"]
    return moment


def _with_datetimes(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        converted = _times(event)
        for member, value in event.items():
            if member.endswith("Details") and isinstance(value, Mapping):
                converted[member] = _times(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise HistoryError(f"A time of {_named(event)} cannot be read: {error}") from error
    return converted


def _times(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: to_datetime(value) if name.endswith("Timestamp") and value is not None else value
        for name, value in members.items()
    }


def to_datetime(moment: Any) -> datetime:
    """Return a time of an answer in UTC: a datetime, ISO text, or seconds or milliseconds since the epoch.

    Raises:
        TypeError, ValueError: it is none of these.
    """
    if isinstance(moment, str):
        try:
            moment = float(moment)
        except ValueError:
            moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        seconds = moment / 1000 if abs(moment) > _LARGEST_SECONDS else moment
        return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    # Without a zone it is UTC: the service knows no other.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
