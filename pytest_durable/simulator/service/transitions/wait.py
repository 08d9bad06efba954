"""Waits: started by the SDK, ended by the service, or before that by the SDK."""

from __future__ import annotations

from durable_sdk.lambda_service import OperationAction, OperationStatus
from pytest_durable.history.events import Event, EventType, Outcome, WaitSchedule
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.service.effects import StartTimer
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions.base import Transition, refuse


def apply(recorded: RecordedOperation | None, update: Update, now: int) -> Transition:
    """Start a wait, or cancel one that has not ended."""
    is_open = recorded is not None and recorded.status is OperationStatus.STARTED
    if is_open and update.action is OperationAction.CANCEL:
        return Transition(Event(EventType.WAIT_CANCELLED, now, update.subject, Outcome(error=update.error)))
    if update.action is not OperationAction.START or recorded is not None:
        refuse(update, recorded)
    subject = update.subject
    if update.wait_seconds is None:
        raise InvalidParameterValueException(
            f"Cannot START wait {subject.name or subject.operation_id!r} without WaitOptions."
        )
    end_at = now + update.wait_seconds * 1_000_000
    schedule = WaitSchedule(update.wait_seconds, end_at)
    return Transition(
        Event(EventType.WAIT_STARTED, now, subject, schedule),
        StartTimer(subject.operation_id, end_at),
    )


def fire(recorded: RecordedOperation, now: int) -> Event | None:
    """End the wait."""
    if recorded.status is not OperationStatus.STARTED:
        return None
    schedule = WaitSchedule(recorded.duration_seconds or 0)
    return Event(EventType.WAIT_SUCCEEDED, now, recorded.subject, schedule)
