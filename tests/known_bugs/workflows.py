"""Workflows that find the planted defects. Run by `test_known_bugs`, in a process of its own.

The handlers are right, and their tests pass with an SDK that is. Only `forgetful` is wrong: what an SDK
must do there is to notice.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from durable_sdk import DurableContext, ParallelBranch, durable_execution
from durable_sdk.config import CompletionConfig, Duration, MapConfig, ParallelConfig, StepConfig
from durable_sdk.retries import RetryPresets

FIRST = ParallelConfig(completion_config=CompletionConfig.first_successful())


def work(context: DurableContext, *names: str) -> str:
    """Make a step for each name."""
    for name in names:
        context.step(lambda: None, name=name)
    return names[0]


@durable_execution
def early_end(event: Any, context: DurableContext) -> str:
    """The batch ends with its first branch, and the other waits, unless something has taken time."""

    def branch(inner: DurableContext, seconds: int, *names: str) -> str:
        inner.wait(seconds=seconds, name="wait")
        return work(inner, *names)

    branches = [
        ParallelBranch(lambda inner: branch(inner, 2, "a"), name="quick"),
        ParallelBranch(lambda inner: branch(inner, 6, "b", "c", "d"), name="slow"),
    ]
    batch = context.parallel(branches, name="race", config=FIRST)
    context.wait(seconds=1, name="pause")
    return batch.get_results()[0]


@pytest.mark.durable_execution(handler=early_end)
@pytest.mark.durable_explore
def test_early_end(durable_runner: Any) -> None:
    assert durable_runner.run().raise_for_status().value in ("a", "b")


def wait_and_work(context: DurableContext, seconds: int, index: int, inputs: Any) -> int:
    context.wait(seconds=seconds, name="wait")
    work(context, "after")
    return seconds


@durable_execution
def waits_in_branches(event: Any, context: DurableContext) -> list[int]:
    """The branches wait for as long as one another."""
    return context.map([2, 2], wait_and_work, name="waits").get_results()


@pytest.mark.durable_execution(handler=waits_in_branches)
@pytest.mark.durable_explore
def test_waits_in_branches(durable_runner: Any) -> None:
    assert durable_runner.run().raise_for_status().value == [2, 2]


SANDBOXES = itertools.count()


@durable_execution
def forgetful(event: Any, context: DurableContext) -> list[str]:
    """Every invocation takes another way, which an SDK has to notice."""
    name = "debit" if next(SANDBOXES) == 0 else "credit"
    return [name, context.step(lambda: name, name=name)]


@pytest.mark.durable_execution(handler=forgetful)
@pytest.mark.durable_explore
def test_other_operation(durable_runner: Any) -> None:
    global SANDBOXES
    SANDBOXES = itertools.count()
    result = durable_runner.run()
    if result.status == "FAILED":
        assert "Non-deterministic operation identity" in result.error.message
    else:
        asked, got = result.value
        assert asked == got, f"step {asked!r} was answered with the result of {got!r}"


def long_work(context: DurableContext) -> str:
    context.step(lambda: time.sleep(30), name="long")
    return "long"


def wait_in_turn(context: DurableContext, *seconds: int) -> int:
    for number, duration in enumerate(seconds, 1):
        context.wait(seconds=duration, name=f"wait {number}")
    return sum(seconds)


@durable_execution
def equal_times(event: Any, context: DurableContext) -> list[Any]:
    """Two branches wait, while a third works: until the same moment, if the second has to begin again.

    An invocation that failed is repeated after 5 seconds.
    """
    branches = [
        ParallelBranch(long_work, name="works"),
        ParallelBranch(lambda inner: wait_in_turn(inner, 10), name="ten"),
        ParallelBranch(lambda inner: wait_in_turn(inner, 2, 3), name="two and three"),
    ]
    return context.parallel(branches, name="all").get_results()


@pytest.mark.durable_execution(handler=equal_times)
@pytest.mark.durable_explore
def test_equal_times(durable_runner: Any) -> None:
    assert durable_runner.run().raise_for_status().value == ["long", 10, 5]


LEDGER: list[Any] = []


def act_and_work(context: DurableContext, *names: str) -> str:
    for name in names:
        context.step(lambda _, name=name: LEDGER[0].record(name, key=name), name=name)
    return names[0]


@durable_execution
def records_at_once(event: Any, context: DurableContext) -> list[str]:
    """Branches have something to record at the same time."""
    branches = [
        ParallelBranch(lambda inner: act_and_work(inner, "a", "b"), name="left"),
        ParallelBranch(lambda inner: act_and_work(inner, "c", "d"), name="right"),
    ]
    return context.parallel(branches, name="both").get_results()


@pytest.mark.durable_execution(handler=records_at_once)
@pytest.mark.durable_explore
def test_branches_record_at_once(durable_runner: Any, durable_effects: Any) -> None:
    LEDGER[:] = [durable_effects]
    assert durable_runner.run().raise_for_status().value == ["a", "c"]


PATIENT = StepConfig(retry_strategy=RetryPresets.fixed(Duration.from_seconds(5)))


def item_work(context: DurableContext, item: int, index: int, items: Any) -> int:
    return context.step(lambda: item, name="item", config=PATIENT)


@durable_execution
def one_at_a_time(event: Any, context: DurableContext) -> list[int]:
    """A branch begins when the one before it has ended."""
    config = MapConfig(max_concurrency=1)
    return context.map([1, 2], item_work, name="items", config=config).get_results()


@pytest.mark.durable_execution(handler=one_at_a_time)
@pytest.mark.durable_explore
def test_one_at_a_time(durable_runner: Any) -> None:
    assert durable_runner.run().raise_for_status().value == [1, 2]
