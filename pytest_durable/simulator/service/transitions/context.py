"""Contexts: started once, ended once."""

from __future__ import annotations

from durable_sdk.lambda_service import OperationAction, OperationStatus
from pytest_durable.history.events import Event, EventType, Outcome
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions.base import Transition, refuse


def apply(recorded: RecordedOperation | None, update: Update, now: int) -> Transition:
    """Start or end a context."""
    subject = update.subject
    if recorded is not None and (
        recorded.status is not OperationStatus.STARTED or update.action is OperationAction.START
    ):
        refuse(update, recorded)
    match update.action:
        case OperationAction.START:
            return Transition(Event(EventType.CONTEXT_STARTED, now, subject))
        case OperationAction.SUCCEED:
            outcome = Outcome(update.payload, replay_children=update.replay_children)
            return Transition(Event(EventType.CONTEXT_SUCCEEDED, now, subject, outcome))
        case OperationAction.FAIL:
            outcome = Outcome(error=update.error or {})
            return Transition(Event(EventType.CONTEXT_FAILED, now, subject, outcome))
        case OperationAction.RETRY | OperationAction.CANCEL:
            refuse(update, recorded)
