"""Wait strategies: the delays, the end of polling, and what their configs refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from durable_sdk import _runtime
from durable_sdk._runtime import ThreadRuntime
from durable_sdk.config import Duration, JitterStrategy
from durable_sdk.exceptions import ValidationError, WaitForConditionError
from durable_sdk.retries import RetryStrategyConfig
from durable_sdk.serdes import JsonSerDes
from durable_sdk.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)


def always(state: Any) -> bool:
    return True


def delays(attempts: int, **options: Any) -> list[int]:
    strategy = create_wait_strategy(WaitStrategyConfig(always, **options))
    return [strategy(None, attempt).delay_seconds for attempt in range(1, attempts + 1)]


class Chance(ThreadRuntime):
    """Draws the same number always."""

    def __init__(self, drawn: float) -> None:
        super().__init__()
        self.drawn = drawn

    def random(self) -> float:
        return self.drawn


def test_a_decision_tells_its_delay_in_seconds() -> None:
    decision = WaitForConditionDecision.continue_waiting(Duration(7))
    assert (decision.should_continue, decision.delay, decision.delay_seconds) == (True, Duration(7), 7)
    assert WaitForConditionDecision.stop_polling() == WaitForConditionDecision(False, Duration())


@pytest.mark.parametrize("delay", [5, 5.0, None, "5s"])
def test_a_decision_refuses_a_delay_that_is_no_duration(delay: Any) -> None:
    with pytest.raises(ValidationError, match=r"WaitForConditionDecision\.delay was given "):
        WaitForConditionDecision.continue_waiting(delay)


def test_the_defaults_are_awss() -> None:
    config = WaitStrategyConfig(always)
    assert config.max_attempts == 60
    assert (config.initial_delay_seconds, config.max_delay_seconds) == (5, 300)
    assert config.backoff_rate == 1.5
    assert config.jitter_strategy is JitterStrategy.FULL


def test_delays_grow_by_the_rate_are_rounded_up_and_capped() -> None:
    assert delays(12, jitter_strategy=JitterStrategy.NONE) == [
        5,
        8,
        12,
        17,
        26,
        38,
        57,
        86,
        129,
        193,
        289,
        300,
    ]
    assert delays(
        4,
        initial_delay=Duration(3),
        max_delay=Duration(10),
        backoff_rate=2,
        jitter_strategy=JitterStrategy.NONE,
    ) == [3, 6, 10, 10]


@pytest.mark.parametrize(
    ("jitter", "drawn", "expected"),
    [
        (JitterStrategy.FULL, 0.0, [1, 1]),
        (JitterStrategy.FULL, 0.5, [5, 10]),
        (JitterStrategy.HALF, 0.0, [5, 10]),
        (JitterStrategy.HALF, 0.5, [8, 15]),
        (JitterStrategy.NONE, 0.5, [10, 20]),
    ],
)
def test_jitter_is_drawn_from_the_runtime(jitter: JitterStrategy, drawn: float, expected: list[int]) -> None:
    token = _runtime.current.set(Chance(drawn))
    try:
        assert delays(2, initial_delay=Duration(10), backoff_rate=2, jitter_strategy=jitter) == expected
    finally:
        _runtime.current.reset(token)


def test_no_delay_is_below_a_second() -> None:
    assert delays(2, initial_delay=Duration(0), jitter_strategy=JitterStrategy.NONE) == [1, 1]


def test_a_strategy_survives_any_number_of_attempts() -> None:
    strategy = create_wait_strategy(
        WaitStrategyConfig(always, 10**6, backoff_rate=1e300, jitter_strategy=JitterStrategy.NONE)
    )
    assert strategy(None, 10**5).delay_seconds == 300


def test_polling_goes_on_while_the_function_of_the_state_says_so() -> None:
    strategy = create_wait_strategy(WaitStrategyConfig[int](lambda state: state < 3))
    assert strategy(2, 1).should_continue
    assert strategy(3, 1) == WaitForConditionDecision.stop_polling()


def test_a_condition_that_is_met_at_the_last_attempt_is_met() -> None:
    strategy = create_wait_strategy(WaitStrategyConfig[int](lambda state: state < 3, max_attempts=2))
    assert strategy(3, 2) == WaitForConditionDecision.stop_polling()
    assert strategy(3, 9) == WaitForConditionDecision.stop_polling()


@pytest.mark.parametrize("attempt", [2, 3])
def test_attempts_that_run_out_are_an_error(attempt: int) -> None:
    strategy = create_wait_strategy(WaitStrategyConfig(always, max_attempts=2))
    assert strategy(0, 1).should_continue
    with pytest.raises(
        WaitForConditionError,
        match=r"^wait_for_condition exhausted 2 attempts before the condition was met$",
    ):
        strategy(0, attempt)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("should_continue_polling", None),
        ("should_continue_polling", True),
        ("max_attempts", 0),
        ("max_attempts", 1.0),
        ("max_attempts", True),
        ("initial_delay", 5),
        ("max_delay", None),
        ("backoff_rate", 0),
        ("backoff_rate", -1),
        ("backoff_rate", float("inf")),
        ("backoff_rate", float("nan")),
        ("backoff_rate", "2"),
        ("backoff_rate", True),
        ("jitter_strategy", "FULL"),
    ],
)
def test_a_field_with_an_impossible_value_is_named(field: str, value: Any) -> None:
    options: dict[str, Any] = {"should_continue_polling": always, field: value}
    with pytest.raises(ValidationError, match=f"WaitStrategyConfig.{field} was given "):
        WaitStrategyConfig(**options)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("wait_strategy", None),
        ("wait_strategy", WaitStrategyConfig(always)),
        ("serdes", JsonSerDes),
        ("serdes", "json"),
    ],
)
def test_a_condition_with_an_impossible_field_names_it(field: str, value: Any) -> None:
    options: dict[str, Any] = {"wait_strategy": always, "initial_state": 0, field: value}
    with pytest.raises(ValidationError, match=f"WaitForConditionConfig.{field}"):
        WaitForConditionConfig(**options)


@pytest.mark.parametrize("config", [None, RetryStrategyConfig(), always])
def test_the_config_of_another_strategy_is_refused(config: Any) -> None:
    with pytest.raises(ValidationError, match="create_wait_strategy takes a WaitStrategyConfig"):
        create_wait_strategy(config)


def test_configs_can_be_made_with_their_type_argument() -> None:
    strategy: Callable[[int, int], WaitForConditionDecision]
    strategy = create_wait_strategy(WaitStrategyConfig[int](lambda state: state < 3))
    assert WaitForConditionConfig[int](strategy, 0).initial_state == 0
