"""Asynchronous code of the user inside steps: a loop of its own runs to its end in one step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution

BOTH_SCHEDULES = pytest.mark.parametrize("random_schedule", [False, True], ids=["in order", "random"])

variable: ContextVar[str] = ContextVar("variable", default="unset")


async def gather(*values: int) -> list[int]:
    async def one(value: int) -> int:
        await asyncio.sleep(0.001)
        return value * 2

    return list(await asyncio.gather(*(one(value) for value in values)))


async def sleep_in_virtual_time(seconds: float) -> str:
    await asyncio.sleep(0)
    time.sleep(seconds)
    await asyncio.sleep(0)
    return datetime.now().isoformat()


async def fail() -> None:
    await asyncio.sleep(0)
    raise LookupError("inside the loop")


@BOTH_SCHEDULES
def test_a_step_may_run_a_loop(random_schedule: bool) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        doubled = context.step(lambda: asyncio.run(gather(1, 2, 3)), name="gather")
        context.wait(minutes=1)
        return doubled

    assert corpus.make_runner(handler, random_schedule=random_schedule).run().value == [2, 4, 6]


@BOTH_SCHEDULES
def test_time_sleep_inside_a_loop_is_virtual(random_schedule: bool) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(lambda: asyncio.run(sleep_in_virtual_time(3600)), name="slow")

    began = time.perf_counter()
    result = corpus.make_runner(
        handler, random_schedule=random_schedule, invocation_timeout_seconds=7200
    ).run()
    assert result.value == "2026-01-01T01:00:00"
    assert result.virtual_elapsed == timedelta(hours=1)
    assert time.perf_counter() - began < 5


@BOTH_SCHEDULES
def test_loops_in_branches_do_not_see_each_other(random_schedule: bool) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def branch(index: int) -> Callable[[DurableContext], Any]:
            return lambda child: [
                child.step(lambda: asyncio.run(sleep_in_virtual_time(10 + index)), name=f"sleep-{index}"),
                child.step(lambda: asyncio.run(gather(index)), name=f"gather-{index}"),
            ]

        return context.parallel([branch(index) for index in range(3)]).get_results()

    result = corpus.make_runner(handler, random_schedule=random_schedule).run()
    assert result.value == [[f"2026-01-01T00:00:{10 + index}", [2 * index]] for index in range(3)]


def test_an_error_inside_a_loop_is_that_of_the_step() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        context.step(lambda: asyncio.run(fail()), name="doomed", config=corpus.ONCE)

    result = corpus.make_runner(handler).run()
    assert result.error is not None
    assert result.error.message == "inside the loop"


def test_a_crash_inside_a_loop_unwinds_it() -> None:
    unwound: list[str] = []

    async def hold() -> None:
        try:
            time.sleep(60)
        finally:
            unwound.append("finally")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        context.step(lambda: asyncio.run(hold()), name="slow")
        return "done"

    execution = corpus.make_runner(handler).start().advance(30).crash()
    assert unwound == ["finally"]
    assert execution.finish().value == "done"
    assert unwound == ["finally"] * 2


def test_context_variables_of_the_test_are_seen_inside_a_loop() -> None:
    async def read() -> str:
        await asyncio.sleep(0)
        return variable.get()

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(lambda: asyncio.run(read()), name="read")

    runner = corpus.make_runner(handler)
    variable.set("set by the test")
    assert runner.run().value == "set by the test"
