"""The check that an execution gets somewhere."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.errors import CheckerError
from pytest_durable.history.events import Event, EventType, InvocationOutcome, Subject
from pytest_durable.simulator.checkers.liveness import IDLE_INVOCATIONS_MAX, LivenessChecker

STEP = Event(EventType.STEP_STARTED, 0, Subject("s", OperationType.STEP))
COMPLETED = Event(EventType.INVOCATION_COMPLETED, 0, None, InvocationOutcome("r", 0, 0))


def test_it_fails_when_invocations_record_nothing(record: Any) -> None:
    checker = LivenessChecker()
    for _ in range(IDLE_INVOCATIONS_MAX):
        checker.invoked(record, {})
        checker.recorded(record, COMPLETED)
    with pytest.raises(
        CheckerError, match=f"last {IDLE_INVOCATIONS_MAX} invocations of arn:order-1 recorded nothing"
    ):
        checker.invoked(record, {})


def test_progress_starts_the_count_anew(record: Any) -> None:
    checker = LivenessChecker()
    for _ in range(10 * IDLE_INVOCATIONS_MAX):
        checker.invoked(record, {})
        checker.recorded(record, STEP)


def test_it_fails_when_there_are_more_invocations_than_the_limit(record: Any, started: Event) -> None:
    checker = LivenessChecker()
    record.commit(started)
    record.invocations = record.limits.invocations
    checker.invoked(record, {})
    record.invocations += 1
    with pytest.raises(CheckerError, match=r"has been invoked 1000 times, so its handler probably loops"):
        checker.invoked(record, {})


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_it_passes_on_the_corpus(case: corpus.Case) -> None:
    assert corpus.run_watched(case, LivenessChecker()).closed
