"""Stored: events as JSON that loses nothing, for whoever keeps a log and reads it back.

The service's own JSON (`history/codec`) leaves out what a history does not show: the events that only the
simulator has, and that a context is to run its children again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from durable_sdk.lambda_service import OperationType
from pytest_durable.errors import HistoryError
from pytest_durable.history.events import (
    Attempt,
    CallbackStart,
    Details,
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

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        ExecutionInput,
        Pause,
        Outcome,
        Attempt,
        WaitSchedule,
        CallbackStart,
        InvokeStart,
        InvocationOutcome,
    )
}


def event_to_stored(event: Event) -> dict[str, Any]:
    """Return the event as JSON: texts, integers, lists and objects."""
    stored: dict[str, Any] = {"type": event.type.value, "at": event.at}
    if event.subject is not None:
        subject = event.subject
        stored["subject"] = subject._asdict() | {"operation_type": subject.operation_type.value}
    if event.details is not None:
        stored["details"] = {"kind": type(event.details).__name__, **_members(event.details)}
    return stored


def _members(details: Any) -> dict[str, Any]:
    if is_dataclass(details):
        return {member.name: getattr(details, member.name) for member in fields(details)}
    members: dict[str, Any] = details._asdict()
    return members


def event_from_stored(stored: Mapping[str, Any]) -> Event:
    """Return the event that `event_to_stored` was given.

    Raises:
        HistoryError: it is no such JSON; the message shows it.
    """
    try:
        subject = None
        if "subject" in stored:
            told = dict(stored["subject"])
            subject = Subject(operation_type=OperationType(told.pop("operation_type")), **told)
        return Event(EventType(stored["type"]), stored["at"], subject, _details(stored.get("details")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HistoryError(f"The stored event {stored!r} cannot be read: {error!r}") from error


def _details(stored: Mapping[str, Any] | None) -> Details:
    if stored is None:
        return None
    told = dict(stored)
    details: Details = _KINDS[told.pop("kind")](**told)
    return details
