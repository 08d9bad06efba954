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
    CallbackStart,
    ErrorJson,
    Event,
    EventType,
    ExecutionInput,
    InvokeStart,
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
    start: CallbackStart | InvokeStart | None = None
    timeout_at: int | None = None
    heartbeat_timeout_at: int | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended."""
        return self.status.is_terminal

    @property
    def callback_id(self) -> str | None:
        """The id by which somebody outside answers a callback."""
        return self.start.callback_id if isinstance(self.start, CallbackStart) else None

    @property
    def function_name(self) -> str | None:
        """The function that an invoke calls, as the handler wrote it."""
        return self.start.function_name if isinstance(self.start, InvokeStart) else None

    @property
    def execution_arn(self) -> str | None:
        """The execution of the durable function that an invoke calls."""
        return self.start.execution_arn if isinstance(self.start, InvokeStart) else None

    @property
    def deadline_at(self) -> int | None:
        """When a callback times out unless something comes before, None if never."""
        deadlines = [at for at in (self.timeout_at, self.heartbeat_timeout_at) if at is not None]
        return min(deadlines, default=None)


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

_ANSWERS = {
    EventType.CALLBACK_SUCCEEDED: OperationStatus.SUCCEEDED,
    EventType.CALLBACK_FAILED: OperationStatus.FAILED,
    EventType.CALLBACK_TIMED_OUT: OperationStatus.TIMED_OUT,
    EventType.CHAINED_INVOKE_SUCCEEDED: OperationStatus.SUCCEEDED,
    EventType.CHAINED_INVOKE_FAILED: OperationStatus.FAILED,
    EventType.CHAINED_INVOKE_TIMED_OUT: OperationStatus.TIMED_OUT,
    EventType.CHAINED_INVOKE_STOPPED: OperationStatus.STOPPED,
}


def _started(before: RecordedOperation | None, event: Event, subject: Subject) -> RecordedOperation:
    if before is not None:
        # A further attempt of a step: what earlier attempts left behind stays.
        return before._replace(status=OperationStatus.STARTED)
    if event.details is None:
        return RecordedOperation(subject, OperationStatus.STARTED, event.at)
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
        case CallbackStart(_, timeout_seconds, heartbeat_timeout_seconds):
            return RecordedOperation(
                subject,
                OperationStatus.STARTED,
                event.at,
                start=event.details,
                timeout_at=_after(event.at, timeout_seconds),
                heartbeat_timeout_at=_after(event.at, heartbeat_timeout_seconds),
            )
        case InvokeStart():
            return RecordedOperation(subject, OperationStatus.STARTED, event.at, start=event.details)
        case other:
            raise HistoryError(f"{event.type} of operation {subject.name!r} cannot hold {other!r}.")


def _after(moment: int, seconds: int) -> int | None:
    return moment + seconds * 1_000_000 if seconds else None


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


def _answered(before: RecordedOperation | None, event: Event, subject: Subject) -> RecordedOperation:
    outcome = event.details if isinstance(event.details, Outcome) else Outcome()
    return RecordedOperation(
        subject,
        _ANSWERS[event.type],
        before.started_at if before else event.at,
        event.at,
        outcome.result,
        outcome.error,
        start=before.start if before else None,
        timeout_at=before.timeout_at if before else None,
    )


def _heartbeat(before: RecordedOperation | None, event: Event, subject: Subject) -> RecordedOperation:
    if before is None or not isinstance(before.start, CallbackStart):
        raise HistoryError(f"{event.type} for callback {subject.name!r}, which never started.")
    return before._replace(heartbeat_timeout_at=_after(event.at, before.start.heartbeat_timeout_seconds))


def _unchanged(before: RecordedOperation | None, event: Event, subject: Subject) -> RecordedOperation:
    if before is None:
        raise HistoryError(f"{event.type} for execution {subject.name!r}, which never started.")
    return before


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
    EventType.CALLBACK_STARTED: _started,
    EventType.CHAINED_INVOKE_STARTED: _started,
    EventType.STEP_READY: _ready,
    EventType.CALLBACK_HEARTBEAT: _heartbeat,
    EventType.EXECUTION_PAUSED: _unchanged,
    EventType.EXECUTION_RESUMED: _unchanged,
    **dict.fromkeys(_ENDINGS, _ended),
    **dict.fromkeys(_ANSWERS, _answered),
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
