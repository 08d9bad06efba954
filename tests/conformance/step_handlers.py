"""Handlers of the requirements for steps."""

from __future__ import annotations

import json
import os
from typing import Any

from durable_sdk import DurableContext, StepContext, StepError, durable_execution, durable_step
from durable_sdk.config import Duration, JitterStrategy, StepConfig, StepSemantics
from durable_sdk.retries import RetryDecision, RetryPresets, RetryStrategyConfig, create_retry_strategy
from durable_sdk.serdes import SerDes, SerDesContext

NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


class TransientError(Exception):
    """Passes by itself."""


class PermanentError(Exception):
    """Does not."""


def retrying(attempts: int, delay_seconds: int = 1, **options: Any) -> StepConfig:
    """Return a configuration with so many attempts, a constant delay apart."""
    strategy = create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=attempts,
            initial_delay=Duration.from_seconds(delay_seconds),
            backoff_rate=1,
            jitter_strategy=JitterStrategy.NONE,
            **options,
        )
    )
    return StepConfig(retry_strategy=strategy)


@durable_step
def give(step_context: StepContext, value: Any) -> Any:
    """Return the value."""
    return value


@durable_step
def greet(step_context: StepContext, name: str) -> str:
    """Return a greeting."""
    return f"Hello, {name}!"


@durable_step
def greet_loudly(step_context: StepContext, name: str) -> str:
    """Return a greeting and log it."""
    step_context.logger.info("Greeting step started for: %s", name)
    greeting = f"Hello, {name}!"
    step_context.logger.info("Greeting step completed with: %s", greeting)
    return greeting


@durable_step
def succeed_at(step_context: StepContext, attempt: int, error: type[Exception] = ConnectionError) -> str:
    """Raise until the attempt of that number."""
    if step_context.attempt < attempt:
        raise error(f"attempt {step_context.attempt} failed")
    return "Operation succeeded"


@durable_step
def fail(step_context: StepContext, message: str) -> Any:
    """Raise."""
    raise ValueError(message)


@durable_step
def log_and_die(step_context: StepContext, text: str) -> str:
    """Log the text and end the process, in the first attempt."""
    step_context.logger.info("step runs with %s", text)
    if step_context.attempt == 1:
        os._exit(1)
    return text


@durable_execution
def greets(event: Any, context: DurableContext) -> str:
    return context.step(greet(event))


@durable_execution
def second_depends_on_first(event: Any, context: DurableContext) -> str:
    first = context.step(give("first"))
    return context.step(give(f"{first}_second"))


@durable_execution
def returns_nothing(event: Any, context: DurableContext) -> None:
    return context.step(lambda step_context: None)


@durable_execution
def logs_in_a_step(event: Any, context: DurableContext) -> str:
    return context.step(greet_loudly(event))


@durable_execution
def step_then_wait(event: Any, context: DurableContext) -> str:
    def body(step_context: StepContext) -> str:
        step_context.logger.info("step executed")
        return "cached_value"

    value = context.step(body)
    context.wait(Duration.from_seconds(1))
    return value


@durable_execution
def retried(event: Any, context: DurableContext) -> str:
    return context.step(succeed_at(2), config=retrying(3))


@durable_execution
def retried_by_default(event: Any, context: DurableContext) -> str:
    return context.step(succeed_at(3))


@durable_execution
def retried_if_transient(event: Any, context: DurableContext) -> str:
    def strategy(error: Exception, attempts_made: int) -> RetryDecision:
        if isinstance(error, TransientError):
            return RetryDecision.retry(Duration.from_seconds(1))
        return RetryDecision.no_retry()

    return context.step(succeed_at(2, TransientError), config=StepConfig(retry_strategy=strategy))


@durable_execution
def dies_at_most_once(event: Any, context: DurableContext) -> str:
    config = StepConfig(
        retry_strategy=RetryPresets.none(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY
    )
    return context.step(log_and_die(event), name="at_most_once_flaky_step", config=config)


@durable_execution
def fails(event: Any, context: DurableContext) -> Any:
    return context.step(fail("it broke"), config=NO_RETRY)


# What follows is for requirements of our own.


class Shouting(SerDes[str]):
    """Stores a text in capitals, and does not bring it back."""

    def serialize(self, value: str, serdes_context: SerDesContext) -> str:
        return value.upper()

    def deserialize(self, data: str, serdes_context: SerDesContext) -> str:
        return data


class Broken(SerDes[Any]):
    """Cannot store anything."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        raise TypeError("cannot be stored")

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)


@durable_execution
def stored_by_a_custom_serdes(event: Any, context: DurableContext) -> str:
    return context.step(give(event), config=StepConfig(serdes=Shouting()))


@durable_execution
def cannot_be_stored(event: Any, context: DurableContext) -> Any:
    return context.step(
        give(event), config=StepConfig(serdes=Broken(), retry_strategy=retrying(3).retry_strategy)
    )


@durable_execution
def named_by_hand(event: Any, context: DurableContext) -> Any:
    return context.step(give(event), name="chosen")


@durable_execution
def named_after_function(event: Any, context: DurableContext) -> Any:
    return context.step(give(event))


@durable_execution
def failure_is_caught(event: Any, context: DurableContext) -> Any:
    try:
        return context.step(fail("it broke"), config=NO_RETRY)
    except StepError as error:
        return context.step(give(f"recovered from {error}"))


@durable_execution
def caught_failure_then_wait(event: Any, context: DurableContext) -> Any:
    try:
        outcome = context.step(fail("it broke"), config=NO_RETRY)
    except StepError as error:
        outcome = [str(error), error.error_type]
    context.wait(Duration.from_seconds(1))
    return outcome


@durable_execution
def retries_run_out(event: Any, context: DurableContext) -> Any:
    return context.step(fail("never"), config=retrying(3))


@durable_execution
def backs_off(event: Any, context: DurableContext) -> Any:
    strategy = create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=5,
            initial_delay=Duration.from_seconds(2),
            max_delay=Duration.from_seconds(5),
            backoff_rate=2,
            jitter_strategy=JitterStrategy.NONE,
        )
    )
    return context.step(succeed_at(4), config=StepConfig(retry_strategy=strategy))


@durable_execution
def retries_one_type_only(event: Any, context: DurableContext) -> Any:
    config = retrying(3, retryable_error_types=[TransientError])
    return context.step(succeed_at(3, PermanentError), config=config)


@durable_execution
def retries_by_message(event: Any, context: DurableContext) -> Any:
    config = retrying(3, retryable_errors=["attempt 1"])
    return context.step(succeed_at(3, PermanentError), config=config)


@durable_execution
def dies_at_most_once_and_retries(event: Any, context: DurableContext) -> str:
    config = StepConfig(
        retry_strategy=retrying(2).retry_strategy,
        step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
    )
    return context.step(log_and_die(event), name="careful", config=config)


@durable_execution
def raises(event: Any, context: DurableContext) -> Any:
    context.step(give("done"))
    raise PermanentError("not in a step")


@durable_execution
def large_step(event: Any, context: DurableContext) -> int:
    return len(context.step(lambda step_context: "x" * 800_000, name="large"))


@durable_execution
def large_result(event: Any, context: DurableContext) -> str:
    return context.step(give("x"), name="seed") * (6 * 1024 * 1024 - 10)


@durable_execution
def structured(event: Any, context: DurableContext) -> Any:
    value = context.step(give((event, {"nested": [1, 2.5, None, True]})))
    context.wait(Duration.from_seconds(1))
    return [type(value).__name__, *value]
