"""From events to operations, in the structures of the API."""

from __future__ import annotations

from collections.abc import Iterable

from durable_sdk.lambda_service import Operation
from pytest_durable.history.codec import event_from_json, operation_to_json
from pytest_durable.history.log import EventLog
from pytest_durable.model.event import Event


def events_to_operations(events: Iterable[Event]) -> list[Operation]:
    """Return the operations that a history tells of, in order of creation, the execution itself included.

    Raises:
        HistoryError: the history does not make sense; the message names the event.
    """
    log = EventLog(event_from_json(event.to_dict()) for event in events)
    return [Operation.from_json_dict(operation_to_json(operation)) for operation in log.operations.values()]
