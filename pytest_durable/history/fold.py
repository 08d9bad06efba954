"""Fold: from events to operations. The only code that does this.

The service of the simulator decides on the operations folded here, and results of any backend show them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.errors import HistoryError
from pytest_durable.history.events import (
    Attempt,
    ErrorJson,
    Event,
    EventType,
    ExecutionInput,
    Outcome,
    Subject,
    WaitSchedule,
)


class RecordedOperation(NamedTuple):
    """An operation after some events. Times are in microseconds since the epoch."""

    subject: Subject
    status: OperationStatus
    started_at: int | None = None
    ended_at: int | None = None
    result: str | None = None
    error: ErrorJson | None = None
    input_payload: str | None = None
    replay_children: bool = False
    attempt: int = 0
    next_attempt_at: int | None = None
    duration_seconds: int | None = None
    scheduled_end_at: int | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended."""
        return self.status.is_terminal


_ENDINGS = {
    EventType.EXECUTION_SUCCEEDED: OperationStatus.SUCCEEDED,
    EventType.EXECUTION_FAILED: OperationStatus.FAILED,
    EventType.EXECUTION_TIMED_OUT: OperationStatus.TIMED_OUT,
    EventType.EXECUTION_STOPPED: OperationStatus.STOPPED,
    EventType.CONTEXT_SUCCEEDED: OperationStatus.SUCCEEDED,
    EventType.CONTEXT_FAILED: OperationStatus.FAILED,
    EventType.STEP_SUCCEEDED: OperationStatus.SUCCEEDED,
    EventType.STEP_FAILED: OperationStatus.FAILED,
    EventType.WAIT_SUCCEEDED: OperationStatus.SUCCEEDED,
    EventType.WAIT_CANCELLED: OperationStatus.CANCELLED,
}


def _started(before: RecordedOperation | None, event: Event, subject: Subject) -> RecordedOperation:
    if before is not None:
        # A further attempt of a step: what earlier attempts left behind stays.
        return before._replace(status=OperationStatus.STARTED)
    match event.details:
        case ExecutionInput(payload, _):
            return RecordedOperation(subject, OperationStatus.STARTED, event.at, input_payload=payload)
        case WaitSchedule(duration_seconds, end_at):
            return RecordedOperation(
                subject,
                OperationStatus.STARTED,
                event.at,
                duration_seconds=duration_seconds,
                scheduled_end_at=end_at,
            )
        case _:
            return RecordedOperation(subject, OperationStatus.STARTED, event.at)


def _ended(before: RecordedOperation | None, event: Event, subject: Subject) -> RecordedOperation:
    status = _ENDINGS[event.type]
    details = event.details
    if isinstance(details, Attempt):
        return _attempted(before, event, subject, details, status)
    outcome = details if isinstance(details, Outcome) else Outcome()
    return RecordedOperation(
        subject,
        status,
        before.started_at if before else event.at,
        event.at,
        outcome.result,
        outcome.error,
        before.input_payload if before else None,
        outcome.replay_children,
        duration_seconds=before.duration_seconds if before else None,
        scheduled_end_at=before.scheduled_end_at if before else None,
    )


def _attempted(
    before: RecordedOperation | None,
    event: Event,
    subject: Subject,
    attempt: Attempt,
    status: OperationStatus,
) -> RecordedOperation:
    started_at = before.started_at if before else event.at
    if attempt.next_delay_seconds is None:
        return RecordedOperation(
            subject,
            status,
            started_at,
            event.at,
            attempt.result,
            attempt.error,
            attempt=attempt.number,
        )
    return RecordedOperation(
        subject,
        OperationStatus.PENDING,
        started_at,
        None,
        attempt.result,
        attempt.error,
        attempt=attempt.number,
        next_attempt_at=event.at + attempt.next_delay_seconds * 1_000_000,
    )


def _ready(before: RecordedOperation | None, event: Event, subject: Subject) -> RecordedOperation:
    if before is None:
        raise HistoryError(f"{event.type} for step {subject.name!r}, which never started.")
    return before._replace(status=OperationStatus.READY, next_attempt_at=None)


_Fold = Callable[[RecordedOperation | None, Event, Subject], RecordedOperation]

_FOLDS: dict[EventType, _Fold] = {
    EventType.EXECUTION_STARTED: _started,
    EventType.CONTEXT_STARTED: _started,
    EventType.STEP_STARTED: _started,
    EventType.WAIT_STARTED: _started,
    EventType.STEP_READY: _ready,
    **dict.fromkeys(_ENDINGS, _ended),
}


def fold(before: RecordedOperation | None, event: Event) -> RecordedOperation:
    """Return the operation after ``event``, which is about it.

    Raises:
        HistoryError: the event is about no operation, or cannot happen now.
    """
    if event.subject is None:
        raise HistoryError(f"{event.type} is about no operation.")
    return _FOLDS[event.type](before, event, event.subject)


def is_execution(operation: RecordedOperation) -> bool:
    """Return whether the operation is the execution itself."""
    return operation.subject.operation_type is OperationType.EXECUTION
