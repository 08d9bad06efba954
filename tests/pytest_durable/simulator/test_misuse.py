"""Handlers that do what they must not: each ends the test with its reason, and none hangs or passes."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution, durable_step
from durable_sdk.exceptions import ValidationError
from pytest_durable import faults
from pytest_durable.errors import DurableStuckError, NonDeterminismError, UsageError
from pytest_durable.simulator.injector import Injector


def in_a_thread(context: DurableContext) -> Any:
    def call() -> None:
        with pytest.raises(UsageError):
            context.step(lambda: 1)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def in_a_pool(context: DurableContext) -> Any:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda number: context.step(lambda: number), range(3)))


def in_a_coroutine(context: DurableContext) -> Any:
    return asyncio.run(asyncio.to_thread(context.step, lambda: 1))


@pytest.mark.parametrize("misuse", [in_a_thread, in_a_pool, in_a_coroutine])
def test_a_durable_operation_in_a_thread_of_the_handlers_own_ends_the_run(
    misuse: Callable[[DurableContext], Any],
) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return misuse(context)

    execution = corpus.make_runner(handler).start()
    with pytest.raises(UsageError, match=r"use context\.parallel"):
        execution.finish()
    # What was refused has not been recorded either.
    assert execution.result().operations == []


def test_a_branch_that_blocks_on_another_is_reported_even_if_the_handler_catches_everything() -> None:
    opened = threading.Event()

    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        try:
            context.parallel([lambda branch: opened.wait(), lambda branch: opened.set()])
        except Exception:
            return "caught"
        return "done"

    execution = corpus.make_runner(handler, stall_seconds=0.2).start()
    try:
        with pytest.raises(
            DurableStuckError, match=r"branch-0 has had the turn for 0\.2 seconds of real time"
        ):
            execution.finish()
        assert "FAILED" not in {operation.status for operation in execution.result().operations}
    finally:
        # Lets the blocked thread go.
        opened.set()


def test_a_lock_that_is_held_across_a_durable_operation_is_reported_soon_and_by_its_lines() -> None:
    lock = threading.Lock()

    def guarded(branch: DurableContext) -> int:
        with lock:
            return branch.step(lambda _: 1, name="inside")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.parallel([guarded, guarded]).get_results()

    began = time.monotonic()
    with pytest.raises(DurableStuckError) as caught:
        corpus.make_runner(handler).run()
    assert time.monotonic() - began < 10
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("branch-1 blocks on a lock, queue or event that only another branch would")
    assert "hold none across a durable operation" in lines[0]
    assert re.fullmatch(r"  branch-1 is at test_misuse\.py:\d+: with lock:", lines[1])
    assert re.search(r"branch-0 is parked at test_misuse\.py:\d+: return branch\.step", lines[-1])
    # Whoever held it has been unwound, and has let it go.
    assert lock.acquire(timeout=5)


def once(context: DurableContext) -> Any:
    while True:
        try:
            return context.step(lambda _: 1, name="inside")
        except BaseException:
            pass


def twice(context: DurableContext) -> Any:
    while True:
        try:
            return once(context)
        except BaseException:
            pass


def kept(context: DurableContext) -> Any:
    errors = []
    while True:
        try:
            return context.step(lambda _: 1, name="inside")
        except BaseException as error:
            errors.append(error)


def in_a_branch(context: DurableContext) -> Any:
    return context.parallel([once, once]).get_results()


@pytest.mark.parametrize("code", [once, twice, kept, in_a_branch])
def test_code_that_catches_everything_for_ever_is_ended_when_its_sandbox_has_died(
    code: Callable[[DurableContext], Any],
) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return code(context)

    before = sys.gettrace()
    runner = corpus.make_runner(handler, injector=Injector([faults.crash(after_step="inside")]))
    with pytest.raises(DurableStuckError) as caught:
        runner.run()
    assert "goes on after its sandbox has died" in str(caught.value)
    assert "Catch Exception instead" in str(caught.value)
    assert re.search(r"is at test_misuse\.py:\d+: return context\.step", str(caught.value))
    assert sys.gettrace() is before


@pytest.mark.parametrize("code", [once, twice, in_a_branch])
def test_a_replay_of_code_that_catches_everything_for_ever_ends(
    code: Callable[[DurableContext], Any],
) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return code(context)

    before = sys.gettrace()
    runner = corpus.make_runner(handler, traces_operations=True)
    assert runner.run().status == "SUCCEEDED"
    # In a branch it differs from no run; in the handler itself it does.
    with suppress(NonDeterminismError):
        runner.check_replay()
    assert sys.gettrace() is before


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit(), BaseException("odd")], ids=repr)
def test_an_unusual_exception_is_a_failed_invocation_as_on_lambda(error: BaseException) -> None:
    runs: list[int] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        runs.append(1)
        if len(runs) == 1:
            raise error
        return "done"

    result = corpus.make_runner(handler).run()
    assert result.value == "done"
    assert len(result.invocations) == 2


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        (lambda context: context.step(lambda: 1), "step"),
        (lambda context: context.wait(seconds=1), "wait"),
        (lambda context: context.parallel([lambda branch: 1]), "parallel"),
        (lambda context: context.run_in_child_context(lambda child: 1), "child"),
    ],
)
def test_an_operation_inside_a_step_is_refused_and_names_the_step(inner: Any, what: str) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(lambda: inner(context), name="outer")

    result = corpus.make_runner(handler).run()
    assert result.status == "FAILED"
    assert len(result.invocations) == 1
    assert "inside the body of step 'outer'" in (result.error.message if result.error else "")


def test_an_async_handler_or_step_is_refused_where_it_is_written() -> None:
    async def later(event: Any, context: Any) -> None: ...

    with pytest.raises(ValidationError, match=r"async def .*later cannot be a durable handler"):
        durable_execution(later)
    with pytest.raises(ValidationError, match=r"async def .*later cannot be a step"):
        durable_step(later)


def test_a_decorated_step_that_was_not_called_is_named_with_what_to_write() -> None:
    @durable_step
    def greet(step_context: Any, name: str) -> str:
        return name

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(greet)

    result = corpus.make_runner(handler).run()
    assert result.operations == []
    assert "pass greet(...) with its arguments" in (result.error.message if result.error else "")


def test_a_failure_in_a_handler_whose_limit_is_reached_names_the_operation_that_repeats() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        while True:
            context.wait(seconds=1, name="again")

    runner = corpus.make_runner(handler, limits=corpus.Limits(invocations=200))
    with pytest.raises(Exception, match=r"invoked 200 times, .* WAIT 'again'"):
        runner.run()
