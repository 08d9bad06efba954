"""Conditions: the state from check to check, and every way in which polling ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, facts, invoke, outcome, run

from durable_sdk import (
    DurableContext,
    ExecutionError,
    RetryableSerDesError,
    SerDesError,
    ValidationError,
    WaitForConditionError,
)
from durable_sdk.config import Duration, JitterStrategy
from durable_sdk.serdes import PassThroughSerDes, SerDes
from durable_sdk.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)

PENDING = {"Status": "PENDING"}


def until(limit: int, delay_seconds: int = 5) -> Any:
    """Return a strategy that goes on while the state is below the limit."""

    def decide(state: int, attempt: int) -> WaitForConditionDecision:
        if state >= limit:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration(delay_seconds))

    return decide


def polling(seen: list[Any], **options: Any) -> Any:
    config = WaitForConditionConfig(**{"wait_strategy": until(3), "initial_state": 0, **options})

    def handler(event: Any, context: DurableContext) -> Any:
        def check(state: Any, check_context: Any) -> Any:
            seen.append((state, check_context.attempt))
            return state + 1

        return context.wait_for_condition(check, config, "poll")

    return handler


def test_each_check_is_given_the_state_of_the_one_before() -> None:
    service, seen = FakeLambda(), []
    assert run(polling(seen), service)["Result"] == "3"
    assert seen == [(0, 1), (1, 2), (2, 3)]
    assert service.actions == [
        ["START poll", "RETRY poll"],
        ["START poll", "RETRY poll"],
        ["START poll", "SUCCEED poll"],
    ]
    retry = service.requests[0][1]
    assert (retry["Type"], retry["SubType"]) == ("STEP", "WaitForCondition")
    assert retry["Payload"] == "1"
    assert retry["StepOptions"] == {"NextAttemptDelaySeconds": 5}
    assert "Error" not in retry


def test_a_finished_condition_answers_from_its_record() -> None:
    service, seen = FakeLambda(), []
    handler = polling(seen)
    run(handler, service)
    assert invoke(handler, service)["Result"] == "3"
    assert len(seen) == 3


def test_a_delay_below_a_second_is_a_second() -> None:
    service = FakeLambda()
    invoke(polling([], wait_strategy=until(3, delay_seconds=0)), service)
    assert service.requests[0][1]["StepOptions"] == {"NextAttemptDelaySeconds": 1}


def test_a_check_that_was_interrupted_is_given_the_same_state_again() -> None:
    service, seen = FakeLambda(), []
    handler = polling(seen)
    invoke(handler, service)
    service.elapse()
    service.fail(1, ConnectionError("lost"))
    with pytest.raises(Exception, match="lost"):
        invoke(handler, service)
    assert invoke(handler, service) == PENDING
    assert seen == [(0, 1), (1, 2), (1, 2)]


def test_an_interrupted_check_after_its_start_was_recorded_keeps_its_state() -> None:
    service, seen = FakeLambda(), []
    handler = polling(seen)
    invoke(handler, service)
    service.elapse()
    service.named("poll")["Status"] = "STARTED"
    assert invoke(handler, service) == PENDING
    assert service.actions[1] == ["RETRY poll"]
    assert seen == [(0, 1), (1, 2)]


def test_an_empty_state_is_a_state() -> None:
    service, seen = FakeLambda(), []

    def check(state: str, context: Any) -> str:
        seen.append(state)
        return "" if len(seen) < 3 else "end"

    def strategy(state: str, attempt: int) -> WaitForConditionDecision:
        if state:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration(1))

    config = WaitForConditionConfig(strategy, "initial", PassThroughSerDes())
    run(lambda event, context: context.wait_for_condition(check, config), service)
    assert seen == ["initial", "", ""]


def test_every_value_is_read_back_before_user_code_sees_it() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    class Upper(SerDes[str]):
        def serialize(self, value: str, serdes_context: Any) -> str:
            return value

        def deserialize(self, data: str, serdes_context: Any) -> str:
            return data.upper()

    def strategy(state: str, attempt: int) -> WaitForConditionDecision:
        seen.append(state)
        return WaitForConditionDecision.stop_polling()

    def check(state: str, context: Any) -> str:
        seen.append(state)
        return "checked"

    config = WaitForConditionConfig(strategy, "initial", Upper())
    output = run(lambda event, context: context.wait_for_condition(check, config), service)
    assert seen == ["INITIAL", "CHECKED"]
    assert output["Result"] == '"CHECKED"'


def test_a_strategy_cannot_change_the_state() -> None:
    service = FakeLambda()

    def strategy(state: list[int], attempt: int) -> WaitForConditionDecision:
        state.append(99)
        return WaitForConditionDecision.stop_polling()

    config = WaitForConditionConfig(strategy, [1])
    output = run(lambda event, context: context.wait_for_condition(lambda s, c: s, config), service)
    assert json.loads(output["Result"]) == [1]


def failing(error: Exception) -> Any:
    def fail(*args: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("where", ["check", "strategy"])
def test_an_error_of_user_code_fails_the_condition_without_a_retry(where: str) -> None:
    service = FakeLambda()
    seen: list[Any] = []
    check = failing(ValueError("no")) if where == "check" else (lambda state, context: state)
    config = WaitForConditionConfig(failing(ValueError("no")) if where == "strategy" else until(0), 0)

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: context.wait_for_condition(check, config, "poll")))

    invoke(handler, service)
    invoke(handler, service)
    assert service.actions == [["START poll", "FAIL poll"]]
    first, second = seen
    assert type(first) is WaitForConditionError
    assert first.error_type == "ValueError"
    assert facts(first) == facts(second)


def test_a_strategy_that_returns_no_decision_fails_the_condition() -> None:
    service = FakeLambda()
    seen: list[Any] = []
    config: Any = WaitForConditionConfig(lambda state, attempt: True, 0)  # type: ignore[arg-type, return-value]

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: context.wait_for_condition(lambda s, c: s, config, "poll")))

    invoke(handler, service)
    assert "returned True; it returns a WaitForConditionDecision" in str(seen[0])


def test_an_execution_error_ends_the_execution_and_leaves_no_record() -> None:
    service = FakeLambda()
    config = WaitForConditionConfig(until(3), 0)

    def handler(event: Any, context: DurableContext) -> None:
        context.wait_for_condition(failing(ExecutionError("stop here")), config, "poll")

    output = invoke(handler, service)
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.ExecutionError"
    assert "FAIL poll" not in service.updates


def test_a_retryable_error_fails_the_invocation_and_leaves_no_record() -> None:
    service = FakeLambda()
    config = WaitForConditionConfig(until(3), 0)

    def handler(event: Any, context: DurableContext) -> None:
        context.wait_for_condition(failing(RetryableSerDesError("again")), config, "poll")

    with pytest.raises(RetryableSerDesError):
        invoke(handler, service)
    assert "FAIL poll" not in service.updates


def test_a_state_that_cannot_be_stored_is_a_serdes_error_on_every_replay() -> None:
    service = FakeLambda()
    seen: list[Any] = []
    config: Any = WaitForConditionConfig(until(3), object())

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: context.wait_for_condition(lambda s, c: s, config, "poll")))

    invoke(handler, service)
    invoke(handler, service)
    first, second = seen
    assert type(first) is SerDesError
    assert "state of condition 'poll'" in str(first)
    assert facts(first) == facts(second)


def test_a_strategy_that_runs_out_of_attempts_fails_the_condition() -> None:
    service, seen = FakeLambda(), []
    strategy = create_wait_strategy(
        WaitStrategyConfig(lambda state: True, 2, jitter_strategy=JitterStrategy.NONE)
    )
    output = run(polling(seen, wait_strategy=strategy), service)
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.WaitForConditionError"
    message = "wait_for_condition exhausted 2 attempts before the condition was met"
    assert output["Error"]["ErrorMessage"] == message


def test_an_operation_inside_a_check_is_refused() -> None:
    service = FakeLambda()
    config = WaitForConditionConfig(until(3), 0)

    def handler(event: Any, context: DurableContext) -> None:
        context.wait_for_condition(lambda state, c: context.step(lambda: 1), config, "poll")

    output = invoke(handler, service)
    assert "inside the body of step 'poll'" in output["Error"]["ErrorMessage"]


@pytest.mark.parametrize(
    ("check", "config", "message"),
    [
        (None, WaitForConditionConfig(until(1), 0), "wait_for_condition takes a function"),
        (lambda state, context: state, None, "takes a WaitForConditionConfig"),
        (lambda state, context: state, Duration(5), "takes a WaitForConditionConfig"),
    ],
)
def test_what_is_missing_is_refused_and_takes_no_position(check: Any, config: Any, message: str) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError, match=message):
            context.wait_for_condition(check, config)
        context.wait(1, "first")

    invoke(handler, service)
    assert service.updates == ["START first"]
