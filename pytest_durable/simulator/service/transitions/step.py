"""Steps: started, attempted, retried after a delay, ended."""

from __future__ import annotations

from durable_sdk.lambda_service import OperationAction, OperationStatus
from pytest_durable.history.events import Attempt, Event, EventType
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.service.effects import StartTimer
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions.base import Transition, refuse


def apply(recorded: RecordedOperation | None, update: Update, now: int) -> Transition:
    """Start, end, or put off the next attempt of a step."""
    subject = update.subject
    status = None if recorded is None else recorded.status
    if status not in (None, OperationStatus.STARTED, OperationStatus.READY):
        refuse(update, recorded)
    number = 1 if recorded is None else recorded.attempt + 1
    match update.action:
        case OperationAction.START:
            if status is OperationStatus.STARTED:
                refuse(update, recorded)
            return Transition(Event(EventType.STEP_STARTED, now, subject))
        case OperationAction.SUCCEED:
            attempt = Attempt(number, update.payload)
            return Transition(Event(EventType.STEP_SUCCEEDED, now, subject, attempt))
        case OperationAction.FAIL:
            attempt = Attempt(number, error=update.error or {})
            return Transition(Event(EventType.STEP_FAILED, now, subject, attempt))
        case OperationAction.RETRY:
            return _retry(update, number, now)
        case OperationAction.CANCEL:
            refuse(update, recorded)


def _retry(update: Update, number: int, now: int) -> Transition:
    delay = update.next_attempt_delay_seconds
    if delay is None:
        raise InvalidParameterValueException(
            f"Cannot RETRY step {update.subject.name or update.subject.operation_id!r} without StepOptions."
        )
    # A retry with a state in place of an error is a poll that goes on: it has not failed.
    kind = EventType.STEP_SUCCEEDED if update.error is None else EventType.STEP_FAILED
    attempt = Attempt(number, update.payload, update.error, delay)
    timer = StartTimer(update.subject.operation_id, now + delay * 1_000_000)
    return Transition(Event(kind, now, update.subject, attempt), timer)


def fire(recorded: RecordedOperation, now: int) -> Event | None:
    """Make the next attempt ready when its time has come."""
    if recorded.status is not OperationStatus.PENDING:
        return None
    return Event(EventType.STEP_READY, now, recorded.subject)
