"""From the service's answers to the log and the result of the simulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import corpus
import pytest

from pytest_durable.cloud.translate import ended_as, is_ended, result_of, to_datetime, translate
from pytest_durable.errors import DurableTestError, HistoryError
from pytest_durable.history.events import Event, Outcome
from pytest_durable.result.execution import DurableFunctionTestResult

START = datetime(2026, 1, 1, tzinfo=UTC)


def as_the_cli_prints_it(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the history as JSON of the AWS CLI, with ISO text for times."""
    events: list[dict[str, Any]] = json.loads(json.dumps(history, default=lambda at: at.isoformat()))
    return events


def as_the_wire_has_it(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the history with times as numbers, seconds since the epoch, as in the service's own JSON."""
    events: list[dict[str, Any]] = json.loads(json.dumps(history, default=lambda at: at.timestamp()))
    return events


def answer(result: DurableFunctionTestResult) -> dict[str, Any]:
    """Return what GetDurableExecution says of an execution that has this result."""
    execution = result.get_execution()
    said = {"Status": result.status.value, "DurableExecutionArn": f"arn/{execution.operation_id}"}
    if result.result is not None:
        said["Result"] = result.result
    return said | {"StartTimestamp": execution.start_timestamp, "EndTimestamp": execution.end_timestamp}


def shown(event: Event) -> Event:
    """Return the event without what no history shows."""
    if isinstance(event.details, Outcome):
        return event._replace(details=event.details._replace(replay_children=False))
    return event


def logs(runner: corpus.LocalRunner) -> list[list[Event]]:
    return [[shown(event) for event in execution.record.log.shown] for execution in runner.executions]


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_the_history_of_every_case_of_the_corpus_makes_the_same_log(case: corpus.Case) -> None:
    runner = corpus.runner_of(case)
    runner.run(case.input)
    runner.release()
    for log, result in zip(logs(runner), runner.results, strict=True):
        for form in (list, as_the_cli_prints_it, as_the_wire_has_it):
            translation = translate(form(result.history))
            assert list(translation.log) == log
            assert translation.history == result.history
            assert translation.notes == ()


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_the_result_of_every_case_of_the_corpus_is_the_same(case: corpus.Case) -> None:
    here = corpus.run(case)
    there = result_of(answer(here), as_the_cli_prints_it(here.history))
    assert type(there) is type(here)
    assert there.status is here.status
    assert (there.result, there.error) == (here.result, here.error)
    assert there.operations == here.operations
    assert there.invocations == here.invocations
    assert there.history == here.history
    assert there.notes == ()


def finished() -> DurableFunctionTestResult:
    return corpus.run(corpus.BY_NAME["sequential"])


def test_a_history_that_lags_behind_the_execution_is_completed_from_its_answer() -> None:
    here = finished()
    for known in (0, 1, len(here.history) - 3):
        there = result_of(answer(here), here.history[:known])
        assert there.status == "SUCCEEDED"
        assert there.value == here.value
        assert there.get_execution().end_timestamp == here.get_execution().end_timestamp
        assert there.get_execution().operation_id == here.get_execution().operation_id
        assert there.history == here.history[:known]
        assert there.notes == ("the history does not tell yet that the execution has ended: SUCCEEDED",)


def test_an_execution_that_goes_on_has_no_outcome() -> None:
    here = finished()
    there = result_of({"Status": "RUNNING"}, here.history[:4])
    assert there.status == "RUNNING"
    assert there.result is None
    assert there.notes == ()


def test_a_status_of_the_future_is_no_outcome_and_is_told() -> None:
    here = finished()
    there = result_of({"Status": "HIBERNATING"}, here.history[:4])
    assert there.status == "RUNNING"
    assert there.notes == ("the status of the execution is 'HIBERNATING', which this version does not know",)


def test_an_event_of_the_future_is_kept_in_the_history_and_told() -> None:
    here = finished()
    novel = {
        "EventType": "StepHibernated",
        "EventId": 99,
        "EventTimestamp": START,
        "Id": "x",
        "StepHibernatedDetails": {"UntilTimestamp": "2026-01-02T00:00:00Z"},
    }
    history = [*here.history[:4], novel, *here.history[4:]]
    there = result_of(answer(here), history)
    assert there.operations == here.operations
    assert there.history[4] == novel | {
        "StepHibernatedDetails": {"UntilTimestamp": START + timedelta(days=1)}
    }
    assert len(there.notes) == 1
    assert "left out of the operations" in there.notes[0]
    assert "Event 99 ('StepHibernated')" in there.notes[0]
    assert f"note: {there.notes[0]}" in there.timeline()


def test_an_event_without_a_member_that_it_needs_is_kept_and_told() -> None:
    here = finished()
    broken = {"EventType": "CallbackStarted", "EventId": 5, "EventTimestamp": START, "Id": "c"}
    there = result_of(answer(here), [*here.history, broken])
    assert there.history[-1] == broken
    assert "Event 5 ('CallbackStarted')" in there.notes[0]


def test_an_event_that_cannot_happen_is_kept_and_told() -> None:
    paused = {
        "EventType": "ExecutionPaused",
        "EventId": 1,
        "EventTimestamp": START,
        "Id": "e",
        "ExecutionPausedDetails": {"PauseRequestTimestamp": START},
    }
    there = result_of({"Status": "PAUSED"}, [paused])
    assert there.history == [paused]
    assert "never started" in there.notes[0]


def with_truncated(
    history: list[dict[str, Any]], event_type: str, payload: str | None
) -> list[dict[str, Any]]:
    """Return the history with the result of the first event of a type cut off."""
    cut = {"Truncated": True} if payload is None else {"Payload": payload, "Truncated": True}
    changed = [dict(event) for event in history]
    event = next(event for event in changed if event["EventType"] == event_type)
    event[f"{event_type}Details"] = event[f"{event_type}Details"] | {"Result": cut}
    return changed


def test_a_truncated_outcome_is_taken_from_the_answer_about_the_execution() -> None:
    here = finished()
    for payload in (None, "1"):
        there = result_of(answer(here), with_truncated(here.history, "ExecutionSucceeded", payload))
        assert there.result == here.result
        assert there.notes == ()


def test_truncated_data_of_a_step_is_told_with_its_name() -> None:
    here = finished()
    there = result_of(answer(here), with_truncated(here.history, "StepSucceeded", '"half'))
    step = there.get_all_operations()[0]
    assert there.notes == (f"the service has truncated the data of event 3 (StepSucceeded {step.name!r})",)
    with pytest.raises((DurableTestError, ValueError)):
        _ = step.value


@pytest.mark.parametrize(
    "moment",
    [
        START,
        START.astimezone(timezone(timedelta(hours=5))),
        START.replace(tzinfo=None),
        "2026-01-01T00:00:00Z",
        "2026-01-01T05:00:00+05:00",
        "2026-01-01T00:00:00.000",
        1767225600,
        1767225600.0,
        "1767225600.0",
        1767225600000,
    ],
)
def test_a_time_is_read_in_every_form_that_answers_have(moment: Any) -> None:
    assert to_datetime(moment) == START
    assert to_datetime(moment).tzinfo is UTC


@pytest.mark.parametrize("moment", ["yesterday", [], {}])
def test_a_time_that_cannot_be_read_names_its_event(moment: Any) -> None:
    event = {"EventType": "StepStarted", "EventId": 7, "Id": "s", "EventTimestamp": moment}
    with pytest.raises(HistoryError, match=r"A time of event 7 \(StepStarted\) cannot be read"):
        translate([event])


def test_whether_an_execution_has_ended_is_told_by_its_status_or_its_history() -> None:
    assert [is_ended(status) for status in ("RUNNING", "STOPPED", "TIMED_OUT", "PAUSED", None)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    history = finished().history
    assert ended_as(history) == "SUCCEEDED"
    assert ended_as(history[:2]) is None


def test_an_event_without_a_type_ends_nothing() -> None:
    assert ended_as([{"EventId": 1}]) is None
    assert ended_as([{"EventId": 1}, {"EventType": "ExecutionFailed"}]) == "FAILED"
