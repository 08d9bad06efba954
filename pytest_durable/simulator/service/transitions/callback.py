"""Callbacks: started by the SDK, answered from outside, timed out by the service."""

from __future__ import annotations

import json

from durable_sdk.lambda_service import OperationAction, OperationStatus
from pytest_durable.history.events import CallbackStart, ErrorJson, Event, EventType, Outcome
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.callbacks import CallbackAnswer, CallbackCall
from pytest_durable.simulator.service.effects import StartTimer
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.limits import Limits, fits, too_large
from pytest_durable.simulator.service.requests import CallbackOptions, Update
from pytest_durable.simulator.service.transitions.base import Transition, refuse

TIMEOUT_ERROR: ErrorJson = {"ErrorType": "Callback.Timeout", "ErrorMessage": "Callback timed out"}
HEARTBEAT_ERROR: ErrorJson = {
    "ErrorType": "Callback.Heartbeat",
    "ErrorMessage": "Callback timed out on heartbeat",
}


def apply(recorded: RecordedOperation | None, update: Update, now: int, callback_id: str) -> Transition:
    """Start a callback, with a timer for the earlier of its deadlines."""
    if update.action is not OperationAction.START or recorded is not None:
        refuse(update, recorded)
    options = update.callback_options or CallbackOptions()
    start = CallbackStart(callback_id, options.timeout_seconds, options.heartbeat_timeout_seconds)
    return _timed(None, Event(EventType.CALLBACK_STARTED, now, update.subject, start))


def _timed(recorded: RecordedOperation | None, event: Event) -> Transition:
    """Return the event with a timer for the deadline that holds after it."""
    operation = fold(recorded, event)
    due = operation.deadline_at
    timer = None if due is None else StartTimer(operation.subject.operation_id, due)
    return Transition(event, timer)


def act_on(recorded: RecordedOperation, answer: CallbackAnswer, now: int, limits: Limits) -> Transition:
    """Do what somebody outside says. The callback must not have ended, here as in what follows.

    Raises:
        InvalidParameterValueException: the result or the error is too large.
    """
    match answer.call:
        case CallbackCall.SUCCESS:
            if answer.result is not None and not fits(answer.result, limits.callback_result_bytes):
                raise InvalidParameterValueException(
                    too_large("CALLBACK result", limits.callback_result_bytes)
                )
            return Transition(succeed(recorded, answer.result, now))
        case CallbackCall.FAILURE:
            if not fits(json.dumps(answer.error), limits.checkpoint_error_bytes):
                raise InvalidParameterValueException(
                    too_large("CALLBACK error", limits.checkpoint_error_bytes)
                )
            return Transition(fail(recorded, answer.error, now))
        case CallbackCall.HEARTBEAT:
            return beat(recorded, now)


def succeed(recorded: RecordedOperation, result: str | None, now: int) -> Event:
    """Answer it with a result."""
    return Event(EventType.CALLBACK_SUCCEEDED, now, recorded.subject, Outcome(result))


def fail(recorded: RecordedOperation, error: ErrorJson | None, now: int) -> Event:
    """Answer it with an error; an empty one if there is none."""
    return Event(EventType.CALLBACK_FAILED, now, recorded.subject, Outcome(error=error or {}))


def beat(recorded: RecordedOperation, now: int) -> Transition:
    """Take note of a sign of life: the time to the next one begins anew."""
    return _timed(recorded, Event(EventType.CALLBACK_HEARTBEAT, now, recorded.subject))


def fire(recorded: RecordedOperation, now: int) -> Event | None:
    """Time it out if a deadline has come; a heartbeat or an answer may have been faster than the timer."""
    due = recorded.deadline_at
    if due is None or due > now or recorded.status is not OperationStatus.STARTED:
        return None
    error = TIMEOUT_ERROR if due == recorded.timeout_at else HEARTBEAT_ERROR
    return time_out(recorded, error, now)


def time_out(recorded: RecordedOperation, error: ErrorJson, now: int) -> Event:
    """End it without an answer, with ``TIMEOUT_ERROR`` or ``HEARTBEAT_ERROR``."""
    return Event(EventType.CALLBACK_TIMED_OUT, now, recorded.subject, Outcome(error=dict(error)))
