"""Options of operations: their defaults, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.config import (
    CallbackConfig,
    ChildConfig,
    CompletionConfig,
    Duration,
    InvokeConfig,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
)
from durable_sdk.exceptions import ValidationError
from durable_sdk.retries import RetryPresets, RetryStrategyConfig
from durable_sdk.serdes import JsonSerDes


def test_a_step_runs_at_least_once_unless_told_otherwise() -> None:
    assert StepConfig().step_semantics is StepSemantics.AT_LEAST_ONCE_PER_RETRY
    strategy = RetryPresets.none()
    config = StepConfig(strategy, StepSemantics.AT_MOST_ONCE_PER_RETRY, JsonSerDes(), sub_type="A")
    assert config.retry_strategy is strategy


@pytest.mark.parametrize("sub_type", [None, "", "a", "A-b_9", "x" * 32])
def test_a_sub_type_is_a_short_label_or_nothing(sub_type: str | None) -> None:
    assert StepConfig(sub_type=sub_type).sub_type == sub_type
    assert ChildConfig(sub_type=sub_type).sub_type == sub_type
    assert CallbackConfig(sub_type=sub_type).sub_type == sub_type
    assert WaitForCallbackConfig(sub_type=sub_type).sub_type == sub_type


@pytest.mark.parametrize("sub_type", ["a b", "é", "x" * 33, "a\n", 3])
@pytest.mark.parametrize("config", [StepConfig, ChildConfig, CallbackConfig, WaitForCallbackConfig])
def test_any_other_sub_type_is_refused(config: Any, sub_type: Any) -> None:
    with pytest.raises(ValidationError, match="sub_type must be 1 to 32 characters") as raised:
        config(sub_type=sub_type)
    assert repr(sub_type) in str(raised.value)


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        (StepConfig, "retry_strategy", RetryStrategyConfig()),
        (StepConfig, "step_semantics", "AT_MOST_ONCE_PER_RETRY"),
        (StepConfig, "serdes", JsonSerDes),
        (StepConfig, "serdes", "json"),
        (ChildConfig, "serdes", JsonSerDes),
        (ChildConfig, "summary_generator", "text"),
        (CompletionConfig, "min_successful", 0),
        (CompletionConfig, "min_successful", 1.0),
        (CompletionConfig, "tolerated_failure_count", -1),
        (CompletionConfig, "tolerated_failure_count", True),
        (CompletionConfig, "tolerated_failure_percentage", -0.1),
        (CompletionConfig, "tolerated_failure_percentage", 101),
        (CompletionConfig, "tolerated_failure_percentage", float("nan")),
        (CompletionConfig, "tolerated_failure_percentage", True),
        (CompletionConfig, "tolerated_failure_percentage", "5"),
        (ParallelConfig, "max_concurrency", 0),
        (ParallelConfig, "max_concurrency", "2"),
        (ParallelConfig, "completion_config", None),
        (ParallelConfig, "serdes", JsonSerDes),
        (ParallelConfig, "item_serdes", JsonSerDes),
        (ParallelConfig, "summary_generator", 3),
        (ParallelConfig, "nesting_type", "FLAT"),
        (MapConfig, "max_concurrency", 0),
        (MapConfig, "max_concurrency", True),
        (MapConfig, "completion_config", {}),
        (MapConfig, "serdes", "json"),
        (MapConfig, "item_serdes", JsonSerDes),
        (MapConfig, "summary_generator", "text"),
        (MapConfig, "nesting_type", None),
        (MapConfig, "item_namer", "name"),
        (ChildConfig, "is_virtual", None),
        (ChildConfig, "is_virtual", 1),
        (InvokeConfig, "serdes_payload", JsonSerDes),
        (InvokeConfig, "serdes_result", "json"),
        (InvokeConfig, "tenant_id", ""),
        (InvokeConfig, "tenant_id", 5),
        (CallbackConfig, "timeout", 5),
        (CallbackConfig, "timeout", None),
        (CallbackConfig, "timeout", Duration(100_000_000)),
        (CallbackConfig, "heartbeat_timeout", "5m"),
        (CallbackConfig, "heartbeat_timeout", Duration(100_000_000)),
        (CallbackConfig, "serdes", JsonSerDes),
        (WaitForCallbackConfig, "timeout", 5),
        (WaitForCallbackConfig, "heartbeat_timeout", 5),
        (WaitForCallbackConfig, "serdes", "json"),
        (WaitForCallbackConfig, "retry_strategy", RetryStrategyConfig()),
    ],
)
def test_a_field_with_an_impossible_value_is_named(config: Any, field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=f"{config.__name__}.{field} was given "):
        config(**{field: value})


def test_completion_presets_are_what_their_names_say() -> None:
    assert CompletionConfig.first_successful() == CompletionConfig(min_successful=1)
    assert CompletionConfig.all_completed() == CompletionConfig(tolerated_failure_percentage=100)
    assert CompletionConfig.all_successful() == CompletionConfig(
        tolerated_failure_count=0, tolerated_failure_percentage=0
    )
    assert ParallelConfig().completion_config == CompletionConfig.all_successful()


def test_more_successes_than_branches_are_refused() -> None:
    CompletionConfig(min_successful=2).check_total(2)
    CompletionConfig().check_total(0)
    with pytest.raises(ValidationError, match="min_successful is 3, but the batch has 2 branches"):
        CompletionConfig(min_successful=3).check_total(2)


def test_a_branch_can_be_called_like_its_function() -> None:
    branch = ParallelBranch(lambda number: number + 1, "add")
    assert branch(1) == 2
    assert branch.name == "add"
    assert ParallelBranch[int](len).name is None


def test_a_map_has_no_criteria_unless_told_otherwise() -> None:
    config: MapConfig[Any] = MapConfig()
    assert config.completion_config == CompletionConfig()
    assert (config.max_concurrency, config.item_namer) == (None, None)
    assert config.nesting_type is ParallelConfig().nesting_type is NestingType.NESTED


def test_a_callback_has_no_limits_unless_told_otherwise() -> None:
    for config in (CallbackConfig(), WaitForCallbackConfig()):
        assert (config.timeout_seconds, config.heartbeat_timeout_seconds) == (0, 0)
        assert config.serdes is None


def test_options_come_in_the_order_of_awss_configs() -> None:
    serdes, strategy = JsonSerDes(), RetryPresets.none()
    callback = WaitForCallbackConfig(Duration(3), Duration(2), serdes, strategy, sub_type="A")
    assert (callback.timeout_seconds, callback.heartbeat_timeout_seconds) == (3, 2)
    assert (callback.serdes, callback.retry_strategy, callback.sub_type) == (serdes, strategy, "A")
    child: ChildConfig[Any] = ChildConfig(serdes, "A", str, True)
    assert (child.sub_type, child.summary_generator, child.is_virtual) == ("A", str, True)
    invoke: InvokeConfig[Any, Any] = InvokeConfig(serdes, None, "tenant")
    assert (invoke.serdes_payload, invoke.serdes_result, invoke.tenant_id) == (serdes, None, "tenant")
    completion = CompletionConfig(1, 2, 3)
    namer = str.format
    batch: MapConfig[Any] = MapConfig(4, completion, serdes, None, str, NestingType.FLAT, namer)
    assert (batch.max_concurrency, batch.completion_config) == (4, completion)
    assert (batch.nesting_type, batch.item_namer) == (NestingType.FLAT, namer)


def test_a_callback_may_wait_for_just_under_a_hundred_million_seconds() -> None:
    assert CallbackConfig(Duration(99_999_999)).timeout_seconds == 99_999_999


def test_generic_configs_can_be_made_with_their_type_arguments() -> None:
    assert MapConfig[int](max_concurrency=1).max_concurrency == 1
    assert ChildConfig[int](is_virtual=True).is_virtual
    assert InvokeConfig[int, str](tenant_id="a").tenant_id == "a"


@pytest.mark.parametrize(
    "config", [StepConfig(), CallbackConfig(), InvokeConfig(), ChildConfig(), MapConfig(), ParallelConfig()]
)
def test_a_config_cannot_be_changed(config: Any) -> None:
    with pytest.raises(AttributeError):
        config.serdes = None
