"""Retry strategies: what they decide, and what they refuse to be made of."""

from __future__ import annotations

import re
from typing import Any

import pytest

from durable_sdk._duration import Duration
from durable_sdk.exceptions import ValidationError
from durable_sdk.retries import (
    JitterStrategy,
    LinearRetryStrategyConfig,
    RetryDecision,
    RetryPresets,
    RetryStrategy,
    RetryStrategyConfig,
    create_linear_retry_strategy,
    create_retry_strategy,
)


def delays(strategy: RetryStrategy, error: Exception | None = None) -> list[int]:
    """Return the delays in seconds until the strategy gives up."""
    found: list[int] = []
    while (decision := strategy(error or ValueError("boom"), len(found) + 1)).should_retry:
        found.append(decision.delay_seconds)
    return found


def test_a_decision_tells_its_delay_in_seconds() -> None:
    assert RetryDecision.retry(Duration(3)) == RetryDecision(True, Duration(3))
    assert RetryDecision.retry(Duration(3)).delay_seconds == 3
    assert RetryDecision.no_retry() == RetryDecision(False, Duration(0))


def test_a_decision_refuses_a_delay_that_is_a_bare_number() -> None:
    with pytest.raises(ValidationError, match=r"RetryDecision.delay was given 5; .*from_seconds"):
        RetryDecision(True, 5)  # type: ignore[arg-type]


def test_delays_grow_by_the_rate_up_to_the_maximum() -> None:
    config = RetryStrategyConfig(
        max_attempts=6,
        initial_delay=Duration(5),
        max_delay=Duration(30),
        backoff_rate=2,
        jitter_strategy=JitterStrategy.NONE,
    )
    assert delays(create_retry_strategy(config)) == [5, 10, 20, 30, 30]


def test_delays_grow_by_the_increment_up_to_the_maximum() -> None:
    config = LinearRetryStrategyConfig(
        max_attempts=5,
        initial_delay=Duration(2),
        increment=Duration(3),
        max_delay=Duration(9),
        jitter_strategy=JitterStrategy.NONE,
    )
    assert delays(create_linear_retry_strategy(config)) == [2, 5, 8, 9]
    assert (config.initial_delay_seconds, config.increment_seconds) == (2, 3)
    assert config.max_delay_seconds == 9


def test_a_strategy_survives_any_number_of_attempts() -> None:
    config = RetryStrategyConfig(max_attempts=10**6, jitter_strategy=JitterStrategy.NONE)
    assert create_retry_strategy(config)(ValueError(), 5_000).delay_seconds == 300


@pytest.mark.parametrize(
    ("strategy", "retries", "longest"),
    [
        (RetryPresets.none(), 0, 0),
        (create_retry_strategy(), 2, 300),
        (create_linear_retry_strategy(), 5, 300),
        (RetryPresets.default(), 5, 60),
        (RetryPresets.transient(), 2, 300),
        (RetryPresets.resource_availability(), 4, 300),
        (RetryPresets.critical(), 9, 60),
        (RetryPresets.linear(), 5, 5),
        (RetryPresets.fixed(), 4, 5),
    ],
)
def test_presets_retry_as_often_as_they_promise(strategy: RetryStrategy, retries: int, longest: int) -> None:
    found = delays(strategy)
    assert len(found) == retries
    assert all(1 <= delay <= longest for delay in found)


def test_presets_without_jitter_are_exact() -> None:
    assert delays(RetryPresets.critical()) == [1, 2, 3, 4, 6, 8, 12, 18, 26]
    assert delays(RetryPresets.linear()) == [1, 2, 3, 4, 5]
    assert delays(RetryPresets.fixed()) == [5, 5, 5, 5]
    assert delays(RetryPresets.fixed(Duration(0))) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("errors", "types", "error", "is_retried"),
    [
        (None, None, KeyError("x"), True),
        (["time"], None, ValueError("a timeout"), True),
        (["time"], None, ValueError("gone"), False),
        ([re.compile("^a.*t$")], None, ValueError("a timeout"), True),
        ([re.compile("^t")], None, ValueError("a timeout"), False),
        (None, [LookupError], KeyError("x"), True),
        (None, [LookupError], ValueError("x"), False),
        (["time"], [LookupError], ValueError("a timeout"), True),
        (["time"], [LookupError], KeyError("x"), True),
        (["time"], [LookupError], ValueError("x"), False),
        ([], None, ValueError("x"), False),
        (None, [], ValueError("x"), False),
    ],
)
def test_filters_let_through_what_matches_either(
    errors: Any, types: Any, error: Exception, is_retried: bool
) -> None:
    exponential = create_retry_strategy(
        RetryStrategyConfig(retryable_errors=errors, retryable_error_types=types)
    )
    linear = create_linear_retry_strategy(
        LinearRetryStrategyConfig(retryable_errors=errors, retryable_error_types=types)
    )
    assert exponential(error, 1).should_retry is is_retried
    assert linear(error, 1).should_retry is is_retried


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_attempts", 0),
        ("max_attempts", True),
        ("max_attempts", 2.0),
        ("initial_delay", 5),
        ("max_delay", None),
        ("jitter_strategy", "FULL"),
        ("retryable_errors", "timeout"),
        ("retryable_errors", [ValueError]),
        ("retryable_error_types", ValueError),
        ("retryable_error_types", ["ValueError"]),
    ],
)
@pytest.mark.parametrize("config", [RetryStrategyConfig, LinearRetryStrategyConfig])
def test_a_field_with_an_impossible_value_is_named(config: Any, field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        config(**{field: value})
    assert f"{config.__name__}.{field} was given {value!r}" in str(raised.value)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), "2", True])
def test_a_rate_is_finite_and_above_zero(rate: Any) -> None:
    with pytest.raises(ValidationError, match=r"RetryStrategyConfig\.backoff_rate"):
        RetryStrategyConfig(backoff_rate=rate)


def test_an_increment_is_a_duration() -> None:
    with pytest.raises(ValidationError, match=r"LinearRetryStrategyConfig\.increment"):
        LinearRetryStrategyConfig(increment=1)  # type: ignore[arg-type]


def test_the_config_of_the_other_strategy_is_refused() -> None:
    with pytest.raises(ValidationError, match="takes a RetryStrategyConfig"):
        create_retry_strategy(LinearRetryStrategyConfig())  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="takes a LinearRetryStrategyConfig"):
        create_linear_retry_strategy(RetryStrategyConfig())  # type: ignore[arg-type]
