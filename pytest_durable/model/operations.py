"""From events to operations, in the structures of the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from durable_sdk.lambda_service import (
    CallbackDetails,
    ChainedInvokeDetails,
    ContextDetails,
    Operation,
    StepDetails,
)
from pytest_durable.history.codec import event_from_json, operation_to_json, to_microseconds
from pytest_durable.history.events import CallbackStart, EventType, Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.history.log import EventLog
from pytest_durable.model.details import (
    InvocationCompletedDetails,
    StepFailedDetails,
    StepSucceededDetails,
)
from pytest_durable.model.event import Event
from pytest_durable.model.payloads import RetryDetails


def events_to_operations(events: Iterable[Event]) -> list[Operation]:
    """Return the operations that a history tells of, in order of creation, the execution itself included.

    Raises:
        HistoryError: the history does not make sense; the message names the event.
    """
    operations = event_log(events).operations.values()
    return [Operation.from_json_dict(operation_to_json(operation)) for operation in operations]


def event_log(events: Iterable[Event]) -> EventLog:
    """Return the log that the events make.

    Raises:
        HistoryError: the history does not make sense; the message names the event.
    """
    attempts: Counter[str | None] = Counter()
    return EventLog(event_from_json(_complete(event, attempts).to_dict()) for event in events)


def _complete(event: Event, attempts: Counter[str | None]) -> Event:
    """Fill in what AWS's runner leaves out; ``attempts`` counts those of each step that have ended."""
    if event.event_type == EventType.INVOCATION_COMPLETED and event.invocation_completed_details is None:
        # When the invocation began is not known.
        at = event.event_timestamp
        return replace(event, invocation_completed_details=InvocationCompletedDetails(at, at, ""))
    if event.event_type == EventType.STEP_SUCCEEDED:
        attempts[event.operation_id] += 1
        succeeded = event.step_succeeded_details or StepSucceededDetails()
        retry = _retry(succeeded.retry_details, attempts[event.operation_id])
        return replace(event, step_succeeded_details=replace(succeeded, retry_details=retry))
    if event.event_type == EventType.STEP_FAILED:
        attempts[event.operation_id] += 1
        failed = event.step_failed_details or StepFailedDetails()
        retry = _retry(failed.retry_details, attempts[event.operation_id])
        return replace(event, step_failed_details=replace(failed, retry_details=retry))
    return event


def _retry(details: RetryDetails | None, attempt: int) -> RetryDetails:
    # A delay of 0 stands for no further attempt: the service's shortest is a second.
    delay = details.next_attempt_delay_seconds or None if details else None
    return RetryDetails((details.current_attempt or attempt) if details else attempt, delay)


def recorded_operation(operation: Operation) -> RecordedOperation:
    """Return what is recorded of an operation, as far as the service reports it."""
    outcome = _outcome(operation)
    step, wait, callback = operation.step_details, operation.wait_details, operation.callback_details
    execution, context = operation.execution_details, operation.context_details
    return RecordedOperation(
        Subject(
            operation.operation_id,
            operation.operation_type,
            operation.sub_type,
            operation.name,
            operation.parent_id,
        ),
        operation.status,
        started_at=_microseconds(operation.start_timestamp),
        ended_at=_microseconds(operation.end_timestamp),
        result=None if outcome is None else outcome.result,
        error=None if outcome is None or outcome.error is None else outcome.error.to_dict(),
        input_payload=None if execution is None else execution.input_payload,
        replay_children=context is not None and context.replay_children,
        attempt=0 if step is None else step.attempt,
        next_attempt_at=None if step is None else _microseconds(step.next_attempt_timestamp),
        scheduled_end_at=None if wait is None else _microseconds(wait.scheduled_end_timestamp),
        start=None if callback is None else CallbackStart(callback.callback_id),
    )


def _outcome(
    operation: Operation,
) -> StepDetails | ContextDetails | CallbackDetails | ChainedInvokeDetails | None:
    return (
        operation.step_details
        or operation.context_details
        or operation.callback_details
        or operation.chained_invoke_details
    )


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)
