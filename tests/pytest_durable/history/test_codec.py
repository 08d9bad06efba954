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
    event_to_json,
    events_to_json,
    operation_size_bytes,
    operation_to_json,
    to_datetime,
    to_microseconds,
)
from pytest_durable.history.events import (
    INTERNAL_EVENT_TYPES,
    Attempt,
    CallbackStart,
    Event,
    EventType,
    ExecutionInput,
    InvocationOutcome,
    InvokeStart,
    Outcome,
    Pause,
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
    EventType.EXECUTION_PAUSED: (OperationType.EXECUTION, made(Pause, moments, texts, st.booleans())),
    EventType.EXECUTION_RESUMED: (OperationType.EXECUTION, made(Pause, moments, texts)),
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
    EventType.WAIT_CANCELLED: (OperationType.WAIT, made(Outcome, st.none(), st.none() | errors)),
    EventType.CALLBACK_STARTED: (
        OperationType.CALLBACK,
        made(CallbackStart, st.text(min_size=1), st.integers(0, 99), st.integers(0, 99)),
    ),
    EventType.CALLBACK_SUCCEEDED: (OperationType.CALLBACK, made(Outcome, texts)),
    EventType.CHAINED_INVOKE_STARTED: (
        OperationType.CHAINED_INVOKE,
        made(InvokeStart, st.text(min_size=1), texts, texts, texts, texts),
    ),
    EventType.CHAINED_INVOKE_SUCCEEDED: (OperationType.CHAINED_INVOKE, made(Outcome, texts)),
    **{
        failure: (kind, made(Outcome, st.none(), st.none() | errors))
        for failure, kind in (
            (EventType.EXECUTION_TIMED_OUT, OperationType.EXECUTION),
            (EventType.EXECUTION_STOPPED, OperationType.EXECUTION),
            (EventType.CALLBACK_FAILED, OperationType.CALLBACK),
            (EventType.CALLBACK_TIMED_OUT, OperationType.CALLBACK),
            (EventType.CHAINED_INVOKE_FAILED, OperationType.CHAINED_INVOKE),
            (EventType.CHAINED_INVOKE_TIMED_OUT, OperationType.CHAINED_INVOKE),
            (EventType.CHAINED_INVOKE_STOPPED, OperationType.CHAINED_INVOKE),
        )
    },
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


def test_every_event_that_a_history_shows_is_tried_here() -> None:
    assert set(DETAILS) == set(EventType) - INTERNAL_EVENT_TYPES


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
    step, callback = Subject("s", OperationType.STEP), Subject("c", OperationType.CALLBACK)
    shown = events_to_json(
        [
            Event(EventType.STEP_STARTED, 0, step),
            Event(EventType.STEP_READY, 0, step),
            Event(EventType.CALLBACK_HEARTBEAT, 0, callback),
            Event(EventType.STEP_STARTED, 0, step),
        ]
    )
    assert [event["EventId"] for event in shown] == [1, 2]


@pytest.mark.parametrize(
    ("event_type", "details", "expected"),
    [
        ("CallbackStarted", CallbackStart("aWQ="), {"CallbackId": "aWQ="}),
        ("CallbackStarted", CallbackStart("aWQ=", 60), {"CallbackId": "aWQ=", "Timeout": 60}),
        (
            "CallbackStarted",
            CallbackStart("aWQ=", 60, 5),
            {"CallbackId": "aWQ=", "Timeout": 60, "HeartbeatTimeout": 5},
        ),
        ("CallbackSucceeded", Outcome("yes"), {"Result": {"Payload": "yes", "Truncated": False}}),
        ("CallbackSucceeded", Outcome(), {"Result": {"Truncated": False}}),
        ("CallbackFailed", Outcome(error={}), {"Error": {"Payload": {}, "Truncated": False}}),
        ("CallbackTimedOut", Outcome(), {"Error": {"Truncated": False}}),
        ("ChainedInvokeStarted", InvokeStart("charge"), {"FunctionName": "charge"}),
        (
            "ChainedInvokeStarted",
            InvokeStart("charge", "1", "blue", "7", "arn:1"),
            {
                "FunctionName": "charge",
                "Input": {"Payload": "1", "Truncated": False},
                "TenantId": "blue",
                "ExecutedVersion": "7",
                "DurableExecutionArn": "arn:1",
            },
        ),
        ("ChainedInvokeStopped", Outcome(error={}), {"Error": {"Payload": {}, "Truncated": False}}),
    ],
)
def test_details_have_the_members_that_are_set(
    event_type: str, details: Any, expected: dict[str, Any]
) -> None:
    kind = OperationType.CALLBACK if event_type.startswith("Callback") else OperationType.CHAINED_INVOKE
    event = Event(EventType(event_type), 0, Subject("x", kind), details)
    assert event_to_json(1, event)[f"{event_type}Details"] == expected


@given(events())
def test_without_data_only_inputs_results_and_errors_are_left_out(event: Event) -> None:
    whole, bare = event_to_json(3, event), event_to_json(3, event, with_data=False)
    details = f"{event.type.value}Details"
    assert {**whole, details: None} == {**bare, details: None}
    assert whole[details].keys() == bare[details].keys()
    for member, value in bare[details].items():
        if member in ("Input", "Result", "Error", "Reason"):
            assert value == {"Truncated": "Payload" in whole[details][member]}
        else:
            assert value == whole[details][member]


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
            {"EventId": 7, "EventType": "CallbackStarted", "Id": "c", "EventTimestamp": datetime.now(UTC)},
            ["KeyError('CallbackId')"],
        ),
        (
            {"EventId": 7, "EventType": "ChainedInvokeStarted", "Id": "i"},
            ["KeyError('FunctionName')"],
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


@pytest.mark.parametrize(
    ("operation", "details"),
    [
        (
            RecordedOperation(
                Subject("c", OperationType.CALLBACK), OperationStatus.STARTED, 0, start=CallbackStart("aWQ=")
            ),
            {"CallbackDetails": {"CallbackId": "aWQ="}},
        ),
        (
            RecordedOperation(
                Subject("c", OperationType.CALLBACK),
                OperationStatus.FAILED,
                0,
                error={},
                start=CallbackStart("aWQ="),
            ),
            {"CallbackDetails": {"CallbackId": "aWQ=", "Error": {}}},
        ),
        (
            RecordedOperation(
                Subject("i", OperationType.CHAINED_INVOKE),
                OperationStatus.SUCCEEDED,
                0,
                result="1",
                start=InvokeStart("charge", "2"),
            ),
            {"ChainedInvokeDetails": {"Result": "1"}},
        ),
    ],
)
def test_an_operation_is_written_with_its_details(
    operation: RecordedOperation, details: dict[str, Any]
) -> None:
    encoded = operation_to_json(operation)
    assert {member: encoded[member] for member in encoded if member.endswith("Details")} == details


@given(texts, texts, st.sampled_from(OperationType))
def test_the_size_of_an_operation_is_not_underestimated(
    result: str | None, payload: str | None, kind: OperationType
) -> None:
    longest = Subject("x" * 64, kind, "s" * 32, '"' * 256, "p" * 64)
    starts = {
        OperationType.CALLBACK: CallbackStart("c" * 160),
        OperationType.CHAINED_INVOKE: InvokeStart("charge", "not sent"),
    }
    operation = RecordedOperation(
        longest,
        OperationStatus.CANCELLED,
        10**16,
        10**16,
        result,
        {"E": "m"},
        payload,
        start=starts.get(kind),
    )
    assert len(json.dumps(operation_to_json(operation))) <= operation_size_bytes(operation)


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
