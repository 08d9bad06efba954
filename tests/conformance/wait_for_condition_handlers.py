"""Handlers of the requirements for wait_for_condition."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from durable_sdk import DurableContext, WaitForConditionError, durable_execution
from durable_sdk.config import Duration, JitterStrategy
from durable_sdk.serdes import SerDes, SerDesContext
from durable_sdk.types import WaitForConditionCheckContext
from durable_sdk.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)

Strategy = Callable[[Any, int], WaitForConditionDecision]


class Backwards(SerDes[str]):
    """Stores a text from its end to its beginning, behind a mark."""

    def serialize(self, value: str, serdes_context: SerDesContext) -> str:
        return "state:" + value[::-1]

    def deserialize(self, data: str, serdes_context: SerDesContext) -> str:
        return data.removeprefix("state:")[::-1]


def until(is_met: Callable[[Any], bool], delay_seconds: int = 1) -> Strategy:
    """Return a strategy that polls at constant intervals until the state is as wanted."""

    def strategy(state: Any, attempts_made: int) -> WaitForConditionDecision:
        if is_met(state):
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration.from_seconds(delay_seconds))

    return strategy


def increment(state: int, check_context: WaitForConditionCheckContext) -> int:
    """Count."""
    check_context.logger.info("check %s of state %s", check_context.attempt, state)
    return state + 1


def up_to(limit: int, start: int = 0, delay_seconds: int = 1) -> WaitForConditionConfig[int]:
    """Return a configuration that lets `increment` count up to a limit."""
    return WaitForConditionConfig(until(lambda state: state >= limit, delay_seconds), start)


@durable_execution
def counts(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(increment, up_to(event))


@durable_execution
def counts_by_name(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(increment, up_to(event), name="poll-status")


@durable_execution
def counts_every_two_seconds(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(increment, up_to(event, delay_seconds=2))


def raises(state: Any, check_context: WaitForConditionCheckContext) -> Any:
    """Raise."""
    raise ValueError("the check broke")


@durable_execution
def check_raises(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(raises, up_to(2))


@durable_execution
def threads_an_object(event: Any, context: DurableContext) -> Any:
    def check(state: dict[str, Any], check_context: WaitForConditionCheckContext) -> dict[str, Any]:
        attempts = state["attempts"] + 1
        return {"status": "DONE" if attempts >= 2 else "PENDING", "attempts": attempts}

    config = WaitForConditionConfig(
        until(lambda state: state["status"] == "DONE"), {"status": "PENDING", "attempts": 0}
    )
    return context.wait_for_condition(check, config)


@durable_execution
def stores_by_a_custom_serdes(event: Any, context: DurableContext) -> Any:
    config = WaitForConditionConfig(until(lambda state: len(state) >= 2), "", Backwards())
    return context.wait_for_condition(lambda state, check_context: state + "x", config)


@durable_execution
def one_seeds_the_other(event: Any, context: DurableContext) -> Any:
    first = context.wait_for_condition(increment, up_to(2))
    return context.wait_for_condition(increment, up_to(4, start=first))


# What follows is for requirements of our own.


@durable_execution
def catches(event: Any, context: DurableContext) -> Any:
    try:
        outcome = context.wait_for_condition(raises, up_to(2))
    except WaitForConditionError as error:
        outcome = [str(error), error.error_type]
    context.wait(Duration.from_seconds(1))
    return outcome


@durable_execution
def raises_later(event: Any, context: DurableContext) -> Any:
    def check(state: int, check_context: WaitForConditionCheckContext) -> int:
        if check_context.attempt == 2:
            raise ValueError("the second check broke")
        return state + 1

    return context.wait_for_condition(check, up_to(3))


def backing_off(max_attempts: int) -> Strategy:
    """Return a strategy that waits 1, 2, 4, 5, 5... seconds, and never finds what it looks for."""
    return create_wait_strategy(
        WaitStrategyConfig(
            should_continue_polling=lambda state: state < 100,
            max_attempts=max_attempts,
            initial_delay=Duration.from_seconds(1),
            max_delay=Duration.from_seconds(5),
            backoff_rate=2,
            jitter_strategy=JitterStrategy.NONE,
        )
    )


@durable_execution
def gives_up(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(increment, WaitForConditionConfig(backing_off(event), 0))


@durable_execution
def counts_then_waits(event: Any, context: DurableContext) -> Any:
    count = context.wait_for_condition(increment, up_to(2))
    context.wait(Duration.from_seconds(1))
    return count


@durable_execution
def counts_in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.wait_for_condition(increment, up_to(2)))


@durable_execution
def counts_in_branches(event: Any, context: DurableContext) -> Any:
    branches = [
        lambda branch, limit=limit: branch.wait_for_condition(increment, up_to(limit)) for limit in event
    ]
    return context.parallel(branches).get_results()


@durable_execution
def stays_empty(event: Any, context: DurableContext) -> Any:
    """Thread a state whose stored text is empty."""

    class Plain(SerDes[str]):
        def serialize(self, value: str, serdes_context: SerDesContext) -> str:
            return value

        def deserialize(self, data: str, serdes_context: SerDesContext) -> str:
            return data

    def check(state: str, check_context: WaitForConditionCheckContext) -> str:
        check_context.logger.info("saw %s", json.dumps(state))
        return "" if check_context.attempt == 1 else "done"

    config = WaitForConditionConfig(until(lambda state: state == "done"), "initial", Plain())
    return context.wait_for_condition(check, config)
