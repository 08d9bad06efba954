"""The types of events: to what operation and status each belongs."""

from __future__ import annotations

from dataclasses import dataclass

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.exceptions import InvalidParameterValueException
from pytest_durable.history.events import INTERNAL_EVENT_TYPES, EventType

TERMINAL_STATUSES = {status for status in OperationStatus if status.is_terminal}


@dataclass(frozen=True)
class HistoryEventTypeConfig:
    """What an event of a type says of its operation. InvocationCompleted is about none."""

    operation_type: OperationType | None
    operation_status: OperationStatus | None
    is_start_event: bool
    is_end_event: bool
    has_result: bool


def _subject(event_type: EventType) -> tuple[OperationType | None, OperationStatus | None]:
    """Read both off the name: every type is named after its operation and the status that follows."""
    for operation_type in OperationType:
        status = event_type.name.removeprefix(f"{operation_type.name}_")
        if status != event_type.name:
            # A pause changes no status.
            return operation_type, OperationStatus.__members__.get(status)
    return None, None


def _config(event_type: EventType) -> HistoryEventTypeConfig:
    operation_type, status = _subject(event_type)
    begins = status is OperationStatus.STARTED
    return HistoryEventTypeConfig(
        operation_type,
        status,
        is_start_event=begins,
        is_end_event=status in TERMINAL_STATUSES,
        # What an execution returned is told by the answer of the API, not by its history.
        has_result=event_type is EventType.WAIT_STARTED
        or (not begins and operation_type is not OperationType.EXECUTION),
    )


HISTORY_EVENT_TYPES = {
    event_type.value: _config(event_type)
    for event_type in EventType
    if event_type not in INTERNAL_EVENT_TYPES
}

_TYPE_OF = {
    (config.operation_type, config.operation_status): EventType(event_type)
    for event_type, config in HISTORY_EVENT_TYPES.items()
    if config.operation_status is not None
}


def event_type_of(operation_type: OperationType, status: OperationStatus) -> EventType:
    """Return the type of the event that put an operation into a status.

    Raises:
        InvalidParameterValueException: no event does.
    """
    event_type = _TYPE_OF.get((operation_type, status))
    if event_type is None:
        raise InvalidParameterValueException(
            f"No event puts an operation of type {operation_type.value} into status {status.value}."
        )
    return event_type
