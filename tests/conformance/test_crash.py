"""Conformance of executions whose process ends in the middle of something."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from conformance.batch_handlers import constant
from conformance.driver import Case, check, success
from conformance.expected import (
    error,
    execution_succeeded,
    invocation_completed,
    started,
    step,
    succeeded,
    waited,
)
from conformance.matching import ABSENT, ANY
from conformance.wait_for_condition_handlers import up_to

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import Duration, MapConfig, ParallelConfig

KILLED = invocation_completed(error("Runtime.ExitError"))

Die = Callable[[], None]


def dying(body: Callable[[Any, DurableContext, Die], Any]) -> Callable[..., Any]:
    """Return a durable handler with a function that ends the process where it is first called.

    Not before everything that was begun has been sent, which nothing waits for.
    """
    calls: list[int] = []

    def die() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            time.sleep(1)
            os._exit(1)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return body(event, context, die)

    return handler


def between_steps(event: Any, context: DurableContext, die: Die) -> Any:
    first = context.step(lambda step_context: 1)
    die()
    return [first, context.step(lambda step_context: 2)]


def at_the_end(event: Any, context: DurableContext, die: Die) -> Any:
    value = context.step(lambda step_context: 1)
    die()
    return value


def before_a_wait(event: Any, context: DurableContext, die: Die) -> Any:
    die()
    context.wait(Duration.from_seconds(1))


def after_a_child(event: Any, context: DurableContext, die: Die) -> Any:
    value = context.run_in_child_context(lambda child: child.step(lambda step_context: 1))
    die()
    return value


def between_the_steps_of_a_child(event: Any, context: DurableContext, die: Die) -> Any:
    def body(child: DurableContext) -> Any:
        first = child.step(lambda step_context: 1)
        die()
        return [first, child.step(lambda step_context: 2)]

    return context.run_in_child_context(body)


def in_the_second_check(event: Any, context: DurableContext, die: Die) -> Any:
    def check(state: int, check_context: Any) -> int:
        if check_context.attempt == 2:
            die()
        return state + 1

    return context.wait_for_condition(check, up_to(3))


def after_a_callback_began(event: Any, context: DurableContext, die: Die) -> Any:
    callback = context.create_callback(name="approval")
    die()
    return callback.result()


def in_a_submitter(event: Any, context: DurableContext, die: Die) -> Any:
    return context.wait_for_callback(lambda callback_id, submitter_context: die(), name="ask")


def in_the_second_item(event: Any, context: DurableContext, die: Die) -> Any:
    def body(item_context: DurableContext, item: int, index: int, items: Any) -> Any:
        if index == 1:
            die()
        return item * 10

    config: MapConfig = MapConfig(max_concurrency=1)
    return context.map([1, 2, 3], body, config=config).get_results()


def beside_a_finished_branch(event: Any, context: DurableContext, die: Die) -> Any:
    def second(branch: DurableContext) -> str:
        die()
        return "second"

    config = ParallelConfig(max_concurrency=None)
    return context.parallel([constant("first"), second], config=config).get_results()


CASES = [
    Case(
        id="between-steps",
        handler=between_steps,
        result=[1, 2],
        history=[step("FIRST", payload="1"), KILLED, step("SECOND", payload="2"), execution_succeeded()],
    ),
    Case(
        id="at-the-end",
        handler=at_the_end,
        result=1,
        history=[step("STEP", payload="1"), KILLED, execution_succeeded("1")],
    ),
    Case(
        id="before-a-wait",
        handler=before_a_wait,
        history=[KILLED, waited(1, "WAIT"), execution_succeeded("null")],
    ),
    Case(
        id="after-a-child",
        handler=after_a_child,
        result=1,
        history=[
            started("RunInChildContext", "CHILD"),
            step("STEP", "CHILD"),
            succeeded("RunInChildContext", "CHILD", payload="1"),
            KILLED,
            execution_succeeded("1"),
        ],
    ),
    Case(
        id="between-the-steps-of-a-child",
        handler=between_the_steps_of_a_child,
        result=[1, 2],
        history=[
            started("RunInChildContext", "CHILD"),
            step("FIRST", "CHILD"),
            KILLED,
            step("SECOND", "CHILD"),
            succeeded("RunInChildContext", "CHILD", payload="[1,2]"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="in-a-check-whose-state-is-kept",
        handler=in_the_second_check,
        result=3,
        history=[
            started("WaitForCondition", "POLL"),
            succeeded("WaitForCondition", "POLL", payload="1", attempt=1, delay=1),
            invocation_completed(),
            started("WaitForCondition", "POLL"),
            KILLED,
            succeeded("WaitForCondition", "POLL", payload="2", attempt=2, delay=1),
            invocation_completed(),
            started("WaitForCondition", "POLL"),
            succeeded("WaitForCondition", "POLL", payload="3", attempt=3),
            execution_succeeded("3"),
        ],
    ),
    Case(
        id="after-a-callback-began-which-is-not-created-again",
        handler=after_a_callback_began,
        answers=[success("yes", after=10)],
        result='"yes"',
        history=[
            started("Callback", "CALLBACK", name="approval", CallbackId=ANY, Timeout=ABSENT),
            KILLED,
            invocation_completed(),
            succeeded("Callback", "CALLBACK", name="approval"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="in-a-submitter-which-gets-the-same-callback",
        handler=in_a_submitter,
        answers=[success("yes", after=10)],
        result='"yes"',
        history=[
            started("WaitForCallback", "ASK"),
            started("Callback", "CALLBACK", "ASK"),
            started("Step", "STEP", "ASK"),
            KILLED,
            succeeded("Step", "STEP", "ASK", attempt=1),
            invocation_completed(),
            succeeded("Callback", "CALLBACK", "ASK"),
            succeeded("WaitForCallback", "ASK"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="in-an-item-of-a-map-whose-others-are-not-run-again",
        handler=in_the_second_item,
        result=[10, 20, 30],
        history=[
            started("Map", "BATCH"),
            started("MapIteration", "ITEM0", "BATCH"),
            succeeded("MapIteration", "ITEM0", "BATCH", payload="10"),
            started("MapIteration", "ITEM1", "BATCH"),
            KILLED,
            succeeded("MapIteration", "ITEM1", "BATCH", payload="20"),
            started("MapIteration", "ITEM2", "BATCH"),
            succeeded("MapIteration", "ITEM2", "BATCH", payload="30"),
            succeeded("Map", "BATCH"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="beside-a-branch-that-has-finished",
        handler=beside_a_finished_branch,
        result=["first", "second"],
        history=[
            started("Parallel", "BATCH"),
            started("ParallelBranch", "BRANCH0", "BATCH"),
            succeeded("ParallelBranch", "BRANCH0", "BATCH"),
            started("ParallelBranch", "BRANCH1", "BATCH"),
            KILLED,
            succeeded("ParallelBranch", "BRANCH1", "BATCH"),
            succeeded("Parallel", "BATCH"),
            execution_succeeded(),
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_execution_survives_the_end_of_its_process(case: Case) -> None:
    # A handler of its own for each run: it remembers that its process has ended once.
    check(replace(case, handler=dying(case.handler)))
