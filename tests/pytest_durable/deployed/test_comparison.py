"""Two histories are the same up to ids, times and order of branches, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import corpus
import pytest

from pytest_durable.deployed.comparison import Recorded, difference

# What they record are times, or delays that were drawn.
TIMED = {
    "callbacks_in_branches",
    "retried_block",
    "sleeping_branches",
    "too_slow_for_its_invocation",
    "invokes",
    "mapped_invokes",
    "callbacks",
    "crashing",
    "custom_completion",
    "first_of_several",
    "retries_with_jitter",
}
CASES = [case for case in corpus.CASES if case.name not in TIMED]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_at_another_time_with_other_ids_and_another_order_is_the_same(case: corpus.Case) -> None:
    first = corpus.run(case)
    second = corpus.run(case, seed=7, random_schedule=True)
    assert first.history != second.history
    assert difference([Recorded.of(first)], [Recorded.of(second)]) == ""


def history() -> list[dict[str, Any]]:
    return copy.deepcopy(corpus.run(corpus.BY_NAME["waiting"]).history)


def changed(event_type: str, **members: Any) -> list[dict[str, Any]]:
    events = history()
    event = next(event for event in events if event["EventType"] == event_type)
    for name, value in members.items():
        if name in event:
            event[name] = value
        else:
            event[f"{event_type}Details"][name] = value
    return events


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (changed("StepSucceeded", Result={"Payload": "2"}), "StepSucceededDetails.Result"),
        (changed("StepStarted", Name="other"), "in Name"),
        (changed("WaitStarted", Duration=7), "WaitStartedDetails.Duration"),
        ([event for event in history() if event["EventType"] != "WaitSucceeded"], "in EventType"),
        (history()[:-1], "ends after|in EventType"),
    ],
)
def test_another_operation_result_or_duration_is_told(other: list[dict[str, Any]], told: str) -> None:
    found = difference([Recorded(history())], [Recorded(other)])
    assert found.startswith("The runs differ (left: in the simulator, right: as a deployed function).\n")
    assert any(part in found for part in told.split("|")), found


def test_an_operation_is_told_before_what_the_execution_has_come_to() -> None:
    other = changed("WaitStarted", Duration=7)
    end = next(event for event in other if event["EventType"] == "ExecutionSucceeded")
    end["ExecutionSucceededDetails"]["Result"] = {"Payload": '"another"'}
    found = difference([Recorded(history())], [Recorded(other)])
    assert "The histories differ in WaitStartedDetails.Duration:" in found
    assert "  left event:  WaitStarted" in found


def test_another_number_of_executions_is_told() -> None:
    assert difference([Recorded(history())], []) == (
        "The test has started 1 execution in the simulator, and 0 executions of the deployed function."
    )


def test_of_several_executions_the_one_that_differs_is_named() -> None:
    found = difference([Recorded(history())] * 2, [Recorded(history()), Recorded(history()[:-1])])
    assert found.startswith("The runs differ (execution 2 of 2, left")


def invoking(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> Recorded:
    return Recorded(history(), {"1": ("f:live", Recorded(first)), "2": ("g:live", Recorded(second))})


def test_what_was_invoked_is_compared_when_it_has_ended_in_both() -> None:
    here = invoking(history(), history())
    other = changed("StepSucceeded", Result={"Payload": "2"})
    assert difference([here], [here]) == ""
    found = difference([here], [invoking(history(), other)])
    assert found.startswith("The runs differ (in g:live, left: in the simulator, right: as a deployed")
    assert "StepSucceededDetails.Result" in found
    # One that goes on, or cannot be read, or is another function's.
    assert difference([here], [invoking(history(), other[:-1])]) == ""
    assert difference([here], [invoking(history(), [])]) == ""
    assert difference([here], [Recorded(history())]) == ""
