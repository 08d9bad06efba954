"""When a batch has ended."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk.concurrency.completion import (
    BatchItemStatus,
    CompletionDecision,
    CompletionItemStatus,
    CompletionOutcome,
    CompletionPolicy,
    CompletionStatus,
    complete_batch,
    continue_batch,
)
from durable_sdk.concurrency.models import CompletionReason
from durable_sdk.config import CompletionConfig
from durable_sdk.exceptions import ValidationError

ALL = CompletionReason.ALL_COMPLETED
MINIMUM = CompletionReason.MIN_SUCCESSFUL_REACHED
BROKEN = CompletionReason.FAILURE_TOLERANCE_EXCEEDED

configs = st.builds(
    CompletionConfig,
    min_successful=st.none() | st.integers(1, 12),
    tolerated_failure_count=st.none() | st.integers(0, 12),
    tolerated_failure_percentage=st.none() | st.integers(0, 100) | st.floats(0, 100),
)


@pytest.mark.parametrize(
    ("config", "total", "succeeded", "failed", "reason"),
    [
        (CompletionConfig(), 0, 0, 0, ALL),
        (CompletionConfig(), 3, 2, 0, None),
        (CompletionConfig(), 3, 3, 0, ALL),
        (CompletionConfig(), 3, 0, 1, BROKEN),
        (CompletionConfig.all_successful(), 3, 2, 0, None),
        (CompletionConfig.all_successful(), 3, 2, 1, BROKEN),
        (CompletionConfig.all_completed(), 3, 0, 2, None),
        (CompletionConfig.all_completed(), 3, 0, 3, ALL),
        (CompletionConfig.first_successful(), 3, 0, 2, None),
        (CompletionConfig.first_successful(), 3, 1, 0, MINIMUM),
        (CompletionConfig.first_successful(), 3, 0, 3, ALL),
        (CompletionConfig(min_successful=3), 3, 3, 0, ALL),
        (CompletionConfig(tolerated_failure_count=1), 3, 0, 1, None),
        (CompletionConfig(tolerated_failure_count=1), 3, 0, 2, BROKEN),
        (CompletionConfig(tolerated_failure_count=1), 3, 1, 2, BROKEN),
        (CompletionConfig(tolerated_failure_percentage=25), 8, 0, 2, None),
        (CompletionConfig(tolerated_failure_percentage=25), 8, 0, 3, BROKEN),
        (CompletionConfig(tolerated_failure_percentage=100 / 7), 7, 0, 1, None),
        (CompletionConfig(min_successful=2, tolerated_failure_count=0), 5, 2, 0, MINIMUM),
        (CompletionConfig(min_successful=2, tolerated_failure_count=0), 5, 2, 1, BROKEN),
        (CompletionConfig(None, 5, 10), 20, 0, 3, BROKEN),
    ],
)
def test_counts_decide(
    config: CompletionConfig,
    total: int,
    succeeded: int,
    failed: int,
    reason: CompletionReason | None,
) -> None:
    assert CompletionPolicy.from_config(config, total).evaluate(succeeded, failed) is reason


@given(configs, st.lists(st.booleans(), max_size=12))
def test_a_batch_that_has_run_to_its_end_has_ended(config: CompletionConfig, outcomes: list[bool]) -> None:
    policy = CompletionPolicy.from_config(config, len(outcomes))
    succeeded = sum(outcomes)
    assert policy.evaluate(succeeded, len(outcomes) - succeeded) in {ALL, BROKEN}


@given(configs, st.integers(1, 12), st.lists(st.booleans(), max_size=12))
def test_a_batch_that_has_ended_does_not_go_on(
    config: CompletionConfig, total: int, outcomes: list[bool]
) -> None:
    """More branches may change the reason, never bring the batch back."""
    policy = CompletionPolicy.from_config(config, total)
    succeeded = failed = 0
    has_ended = False
    for outcome in outcomes[:total]:
        succeeded, failed = succeeded + outcome, failed + (not outcome)
        reason = policy.evaluate(succeeded, failed)
        assert reason is not None or not has_ended
        has_ended = reason is not None


@given(configs, st.integers(1, 12), st.data())
def test_a_broken_tolerance_stays_broken_with_more_failures(
    config: CompletionConfig, total: int, data: st.DataObject
) -> None:
    policy = CompletionPolicy.from_config(config, total)
    failed = data.draw(st.integers(0, total))
    succeeded = data.draw(st.integers(0, total - failed))
    if policy.evaluate(succeeded, failed) is BROKEN:
        assert policy.evaluate(succeeded, failed + 1) is BROKEN


@given(configs, st.integers(1, 12), st.data())
def test_the_minimum_ends_a_batch_only_if_it_is_reached_before_the_end(
    config: CompletionConfig, total: int, data: st.DataObject
) -> None:
    policy = CompletionPolicy.from_config(config, total)
    succeeded = data.draw(st.integers(0, total))
    failed = data.draw(st.integers(0, total - succeeded))
    if policy.evaluate(succeeded, failed) is MINIMUM:
        assert config.min_successful is not None
        assert config.min_successful <= succeeded < total - failed


CUSTOM_SUCCEEDED = CompletionReason.CUSTOM_COMPLETION_SUCCEEDED
CUSTOM_FAILED = CompletionReason.CUSTOM_COMPLETION_FAILED


@pytest.mark.parametrize(
    ("decision", "counts", "reason"),
    [
        (complete_batch(), (0, 0), CUSTOM_SUCCEEDED),
        (complete_batch(), (3, 0), CUSTOM_SUCCEEDED),
        (complete_batch(CompletionOutcome.FAILED), (1, 0), CUSTOM_FAILED),
        (continue_batch(), (0, 2), None),
        (continue_batch(), (1, 2), ALL),
        (continue_batch(), (0, 3), ALL),
        (None, (2, 0), None),
        (None, (3, 0), ALL),
    ],
)
def test_the_function_decides_in_place_of_counts(
    decision: CompletionDecision | None, counts: tuple[int, int], reason: CompletionReason | None
) -> None:
    seen: list[CompletionStatus] = []

    def predicate(status: CompletionStatus) -> Any:
        seen.append(status)
        return decision

    items = [CompletionItemStatus(0, "a", BatchItemStatus.STARTED)]
    policy = CompletionPolicy.from_config(CompletionConfig(should_complete=predicate), 3)
    assert policy.evaluate(*counts, items) is reason
    assert seen == [CompletionStatus(*counts, sum(counts), 3, tuple(items))]


@pytest.mark.parametrize("answer", [True, 1, "FAILED", CompletionOutcome.FAILED, {}])
def test_any_other_answer_of_the_function_is_an_error(answer: Any) -> None:
    policy = CompletionPolicy(3, should_complete=lambda status: answer)
    with pytest.raises(TypeError, match=r"should_complete returned .*; it returns complete_batch"):
        policy.evaluate(0, 0)


def test_decisions_are_made_by_two_functions() -> None:
    assert complete_batch() == CompletionDecision(True, CompletionOutcome.SUCCEEDED)
    assert complete_batch(CompletionOutcome.FAILED) == CompletionDecision(True, CompletionOutcome.FAILED)
    assert continue_batch() == CompletionDecision(False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((True,), "a batch that completes needs an outcome"),
        ((False, CompletionOutcome.SUCCEEDED), "a batch that goes on has no outcome, got SUCCEEDED"),
        ((True, "FAILED"), "CompletionDecision.outcome was given 'FAILED'; it takes a CompletionOutcome"),
        ((False, "FAILED"), "CompletionDecision.outcome was given 'FAILED'"),
    ],
)
def test_a_contradictory_decision_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CompletionDecision(*arguments)


def test_defect_s11_an_outcome_that_is_a_mere_text_is_refused() -> None:
    with pytest.raises(ValidationError, match="it takes a CompletionOutcome"):
        complete_batch("FAILED")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [3, "f", CompletionOutcome.FAILED])
def test_should_complete_is_a_function(value: Any) -> None:
    with pytest.raises(ValidationError, match="should_complete must be callable"):
        CompletionConfig(should_complete=value)


@pytest.mark.parametrize(
    "numbers",
    [
        {"min_successful": 1},
        {"tolerated_failure_count": 0},
        {"tolerated_failure_percentage": 0},
        {"tolerated_failure_percentage": 100, "min_successful": 1},
    ],
)
def test_a_function_and_numbers_do_not_go_together(numbers: dict[str, int]) -> None:
    with pytest.raises(
        ValidationError,
        match="should_complete cannot be combined with min_successful, "
        "tolerated_failure_count, or tolerated_failure_percentage",
    ):
        CompletionConfig(should_complete=lambda status: continue_batch(), **numbers)


def test_a_function_is_no_matter_of_how_many_branches_there_are() -> None:
    CompletionConfig(should_complete=lambda status: continue_batch()).check_total(0)
