"""From events to operations, in the structures of the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from durable_sdk.lambda_service import (
    CallbackDetails,
    ChainedInvokeDetails,
    ContextDetails,
    Operation,
    StepDetails,
)
from pytest_durable.history.codec import event_from_json, operation_to_json, to_microseconds
from pytest_durable.history.events import CallbackStart, Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.history.log import EventLog
from pytest_durable.model.event import Event


def events_to_operations(events: Iterable[Event]) -> list[Operation]:
    """Return the operations that a history tells of, in order of creation, the execution itself included.

    Raises:
        HistoryError: the history does not make sense; the message names the event.
    """
    log = EventLog(event_from_json(event.to_dict()) for event in events)
    return [Operation.from_json_dict(operation_to_json(operation)) for operation in log.operations.values()]


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
