"""The check that records are never contradicted, and that invocations are told of them all."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.errors import CheckerError
from pytest_durable.history.events import Attempt, Event, EventType, Subject
from pytest_durable.simulator.checkers.replay import ReplayChecker

STEP = Subject("s", OperationType.STEP, "Step", "charge")


def started(subject: Subject = STEP) -> Event:
    return Event(EventType.STEP_STARTED, 0, subject)


def attempted(number: int) -> Event:
    return Event(EventType.STEP_FAILED, 0, STEP, Attempt(number, next_delay_seconds=1))


def test_attempts_without_a_gap_pass(show: Any) -> None:
    show(ReplayChecker(), started(), attempted(1), started(), attempted(2), attempted(3))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [([2], "2 of step 'charge' follows attempt 0"), ([1, 1], "1 of"), ([1, 3], "3 of")],
)
def test_it_fails_on_a_gap_or_a_repetition_of_attempts(show: Any, numbers: list[int], message: str) -> None:
    with pytest.raises(CheckerError, match=f"Attempt {message}"):
        show(ReplayChecker(), *map(attempted, numbers))


@pytest.mark.parametrize(
    "other",
    [
        Subject("s", OperationType.WAIT, "Step", "charge"),
        Subject("s", OperationType.STEP, "Other", "charge"),
        Subject("s", OperationType.STEP, "Step", "other"),
        Subject("s", OperationType.STEP, "Step", "charge", "parent"),
    ],
    ids=["type", "sub type", "name", "parent"],
)
def test_it_fails_when_an_operation_becomes_another(show: Any, other: Subject) -> None:
    with pytest.raises(CheckerError, match=r"'s' was recorded as .* and is now"):
        show(ReplayChecker(), started(), started(other))


def test_it_fails_when_an_invocation_is_not_told_everything(show: Any, record: Any) -> None:
    checker = ReplayChecker()
    show(checker, started())
    told = [{"Id": "e"}, {"Id": "s"}]
    checker.invoked(record, {"InitialExecutionState": {"Operations": told}})
    with pytest.raises(CheckerError, match="was told of 1 operations; 2 have been recorded"):
        checker.invoked(record, {"InitialExecutionState": {"Operations": told[:1]}})
    checker.invoked(record, {"InitialExecutionState": {"Operations": told[:1], "NextMarker": "state-1"}})


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_it_passes_on_the_corpus(case: corpus.Case) -> None:
    assert corpus.run_watched(case, ReplayChecker()).closed
