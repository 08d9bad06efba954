"""Operations and events in the service's JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import corpus
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk._wire.operations import StoredOperation
from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.errors import HistoryError
from pytest_durable.history.codec import (
    canonical_text,
    event_from_json,
    events_to_json,
    operation_to_json,
    to_datetime,
    to_microseconds,
)
from pytest_durable.history.events import (
    Attempt,
    Event,
    EventType,
    ExecutionInput,
    InvocationOutcome,
    Outcome,
    Subject,
    WaitSchedule,
)
from pytest_durable.history.fold import RecordedOperation

moments = st.integers(0, 4_000_000_000_000_000)
texts = st.none() | st.text(max_size=20)
errors = st.dictionaries(st.sampled_from(["ErrorType", "ErrorMessage", "ErrorData"]), st.text(max_size=5))


def made(kind: Callable[..., Any], *members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Build with these members only; ``st.builds`` would make up the rest from their annotations."""
    return st.tuples(*members).map(lambda values: kind(*values))


DETAILS: dict[EventType, tuple[OperationType | None, st.SearchStrategy[Any]]] = {
    EventType.EXECUTION_STARTED: (
        OperationType.EXECUTION,
        made(ExecutionInput, texts, st.none() | st.integers(1, 99)),
    ),
    EventType.EXECUTION_SUCCEEDED: (OperationType.EXECUTION, made(Outcome, texts)),
    EventType.EXECUTION_FAILED: (OperationType.EXECUTION, made(Outcome, st.none(), errors)),
    EventType.CONTEXT_STARTED: (OperationType.CONTEXT, st.none()),
    EventType.CONTEXT_SUCCEEDED: (OperationType.CONTEXT, made(Outcome, texts)),
    EventType.CONTEXT_FAILED: (OperationType.CONTEXT, made(Outcome, st.none(), errors)),
    EventType.STEP_STARTED: (OperationType.STEP, st.none()),
    EventType.STEP_SUCCEEDED: (OperationType.STEP, made(Attempt, st.integers(1, 9), texts)),
    EventType.STEP_FAILED: (
        OperationType.STEP,
        made(Attempt, st.integers(1, 9), st.none(), errors, st.none() | st.integers(1, 9)),
    ),
    EventType.WAIT_STARTED: (OperationType.WAIT, made(WaitSchedule, st.integers(1, 99), moments)),
    EventType.WAIT_SUCCEEDED: (OperationType.WAIT, made(WaitSchedule, st.integers(1, 99))),
    EventType.INVOCATION_COMPLETED: (
        None,
        made(InvocationOutcome, st.text(min_size=1), moments, moments, st.none() | errors),
    ),
}


@st.composite
def events(draw: st.DrawFn) -> Event:
    event_type = draw(st.sampled_from(list(DETAILS)))
    operation_type, details = DETAILS[event_type]
    subject = None
    if operation_type is not None:
        names = st.none() | st.text(min_size=1, max_size=9)
        subject = Subject(draw(st.text(min_size=1)), operation_type, draw(names), draw(names), draw(names))
    return Event(event_type, draw(moments), subject, draw(details))


@given(events())
def test_an_event_that_was_written_reads_as_itself(event: Event) -> None:
    (encoded,) = events_to_json([event])
    assert event_from_json(encoded) == event


@given(moments)
def test_times_survive_to_the_microsecond(moment: int) -> None:
    assert to_microseconds(to_datetime(moment)) == moment
    elsewhere = to_datetime(moment).astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert to_microseconds(elsewhere) == moment


def test_internal_events_are_not_shown_and_take_no_number() -> None:
    step = Subject("s", OperationType.STEP)
    shown = events_to_json(
        Event(event_type, 0, step, None)
        for event_type in (EventType.STEP_STARTED, EventType.STEP_READY, EventType.STEP_STARTED)
    )
    assert [event["EventId"] for event in shown] == [1, 2]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({}, ["KeyError('EventType')"]),
        ({"EventId": 7, "EventType": "Nap"}, ["Event 7", "'Nap'"]),
        ({"EventId": 7, "EventType": "StepStarted"}, ["'StepStarted'", "KeyError('Id')"]),
        (
            {"EventId": 7, "EventType": "StepStarted", "Id": "s"},
            ["'StepStarted'", "KeyError('EventTimestamp')"],
        ),
        (
            {"EventId": 7, "EventType": "InvocationCompleted", "EventTimestamp": datetime.now(UTC)},
            ["KeyError('StartTimestamp')"],
        ),
    ],
)
def test_an_event_that_cannot_be_read_is_named_with_what_is_wrong(
    event: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(HistoryError) as caught:
        event_from_json(event)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "moment", ["2026-01-01T00:00:00+00:00", 1_767_225_600, datetime(2026, 1, 1)], ids=repr
)
def test_a_timestamp_that_is_no_aware_datetime_is_refused(moment: Any) -> None:
    with pytest.raises(HistoryError):
        event_from_json({"EventType": "StepStarted", "EventId": 1, "Id": "s", "EventTimestamp": moment})


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_the_sdk_understands_every_operation(case: corpus.Case) -> None:
    for recorded in corpus.run_watched(case).record.log.operations.values():
        encoded = json.loads(json.dumps(operation_to_json(recorded)))
        operation = StoredOperation(encoded)
        assert operation.operation_id == recorded.subject.operation_id
        assert operation.status is recorded.status
        assert operation.is_terminal == recorded.is_terminal


def test_an_operation_of_a_type_without_events_cannot_be_written() -> None:
    operation = RecordedOperation(Subject("x", OperationType.CALLBACK), OperationStatus.STARTED)
    with pytest.raises(HistoryError, match="CALLBACK"):
        operation_to_json(operation)


@given(st.lists(events(), max_size=5))
def test_canonical_text_has_a_line_for_each_event_and_tells_them_apart(sequence: list[Event]) -> None:
    encoded = events_to_json(sequence)
    text = canonical_text(encoded)
    assert len(text.splitlines()) == len(sequence)
    reordered = [dict(reversed(event.items())) for event in encoded]
    assert canonical_text(reordered) == text
    if encoded:
        changed = [{**encoded[0], "EventTimestamp": encoded[0]["EventTimestamp"] + timedelta(microseconds=1)}]
        assert canonical_text([*changed, *encoded[1:]]) != text
