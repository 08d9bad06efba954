"""When a batch has ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk.concurrency.completion import CompletionPolicy
from durable_sdk.concurrency.models import CompletionReason
from durable_sdk.config import CompletionConfig

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
