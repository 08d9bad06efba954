"""The execution itself: started by a caller, ended by its handler's answer, a deadline or a stop."""

from __future__ import annotations

from durable_sdk.lambda_service import OperationAction, OperationStatus
from pytest_durable.history.events import ErrorJson, Event, EventType, ExecutionInput, Outcome, Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions.base import Transition, refuse


def start(execution: Subject, payload: str | None, timeout_seconds: int, now: int) -> Event:
    """Start it."""
    details = ExecutionInput(payload, timeout_seconds)
    return Event(EventType.EXECUTION_STARTED, now, execution, details)


def apply(recorded: RecordedOperation | None, update: Update, now: int) -> Transition:
    """End it by a checkpoint, which a handler sends when its answer is too large for the invocation."""
    if recorded is None or recorded.status is not OperationStatus.STARTED:
        refuse(update, recorded)
    match update.action:
        case OperationAction.SUCCEED:
            return Transition(succeed(recorded.subject, update.payload, now))
        case OperationAction.FAIL:
            return Transition(fail(recorded.subject, update.error, now))
        case _:
            refuse(update, recorded)


def succeed(execution: Subject, result: str | None, now: int) -> Event:
    """End it with a result."""
    return Event(EventType.EXECUTION_SUCCEEDED, now, execution, Outcome(result))


def fail(execution: Subject, error: ErrorJson | None, now: int) -> Event:
    """End it with an error, which may be missing."""
    return Event(EventType.EXECUTION_FAILED, now, execution, Outcome(error=error))


def time_out(execution: Subject, timeout_seconds: int, now: int) -> Event:
    """End it because its time is up."""
    error = {"ErrorMessage": f"Execution timed out after {timeout_seconds} seconds."}
    return Event(EventType.EXECUTION_TIMED_OUT, now, execution, Outcome(error=error))


def stop(execution: Subject, error: ErrorJson | None, now: int) -> Event:
    """End it because somebody asked for it."""
    return Event(EventType.EXECUTION_STOPPED, now, execution, Outcome(error=error or {}))
