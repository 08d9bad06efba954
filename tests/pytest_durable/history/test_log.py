"""The log appends, and its operations are the fold of its events."""

from __future__ import annotations

import corpus
import pytest

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.history.events import Attempt, Event, EventType, InvocationOutcome, Subject
from pytest_durable.history.log import EventLog, UnreadEvents

STEP = Subject("s", OperationType.STEP)
EVENTS = [
    Event(EventType.STEP_STARTED, 0, STEP),
    Event(EventType.INVOCATION_COMPLETED, 1, None, InvocationOutcome("r", 0, 1)),
    Event(EventType.STEP_SUCCEEDED, 2, STEP, Attempt(1, "1")),
]


def test_events_stay_in_order() -> None:
    log = EventLog(EVENTS)
    assert (len(log), list(log), log[1]) == (3, EVENTS, EVENTS[1])


def test_operations_follow_every_event() -> None:
    log = EventLog(EVENTS[:1])
    assert log.operations["s"].status is OperationStatus.STARTED
    log.append(EVENTS[2])
    assert log.operations["s"].status is OperationStatus.SUCCEEDED


def test_each_event_of_a_growing_log_is_read_once() -> None:
    log = EventLog(EVENTS[:1])
    unread = UnreadEvents(log)
    assert list(unread) == EVENTS[:1]
    log.append(EVENTS[1])
    log.append(EVENTS[2])
    assert next(iter(unread)) == EVENTS[1]
    assert list(unread) == EVENTS[2:3]
    assert list(unread) == []


def test_operations_cannot_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        EventLog(EVENTS).operations["s"] = None  # type: ignore[index]


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_a_log_made_again_from_its_events_is_equal(case: corpus.Case) -> None:
    log = corpus.run_watched(case).record.log
    again = EventLog(log)
    assert list(again.operations.items()) == list(log.operations.items())
