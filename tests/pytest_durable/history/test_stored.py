"""Stored events: a log that is kept and read again is the same, byte for byte."""

from __future__ import annotations

import json

import corpus
import pytest

from pytest_durable.errors import HistoryError
from pytest_durable.history.events import Event, EventType
from pytest_durable.history.log import EventLog
from pytest_durable.history.stored import event_from_stored, event_to_stored


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_every_log_of_the_corpus_reads_as_itself(case: corpus.Case) -> None:
    runner = corpus.runner_of(case)
    runner.run(case.input)
    runner.release()
    for execution in runner.executions:
        log = execution.record.log
        text = [json.dumps(event_to_stored(event)) for event in log]
        read = EventLog(event_from_stored(json.loads(line)) for line in text)
        assert list(read) == list(log)
        assert [type(event.details) for event in read] == [type(event.details) for event in log]
        assert dict(read.operations) == dict(log.operations)
        assert [json.dumps(event_to_stored(event)) for event in read] == text


def test_the_corpus_has_events_that_no_history_shows() -> None:
    log = corpus.run_watched(corpus.BY_NAME["callbacks"]).record.log
    assert EventType.CALLBACK_HEARTBEAT in {event.type for event in log}


@pytest.mark.parametrize(
    "change",
    [
        {"type": "StepForgotten"},
        {"details": {"kind": "Nothing"}},
        {"details": {"kind": "Outcome", "other": 1}},
        {"subject": {"operation_id": "1"}},
        {"subject": 3},
    ],
)
def test_what_is_no_stored_event_is_told_with_what_it_is(change: dict[str, object]) -> None:
    stored = event_to_stored(Event(EventType.STEP_STARTED, 1, None)) | change
    with pytest.raises(HistoryError, match=r"The stored event .* cannot be read"):
        event_from_stored(stored)
