"""What is fine is not reported."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import (
    ChildConfig,
    CompletionConfig,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    StepSemantics,
)
from durable_sdk.exceptions import ExecutionError, InvocationError, StepError
from durable_sdk.retries import RetryPresets, with_retry
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision
from pytest_durable.errors import NonDeterminismError

Found = Callable[..., str]

NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())
COUNTED: list[str] = []


def one() -> int:
    return 1


def fails() -> None:
    raise ValueError("no")


def reads_for_logging(event: Any, context: DurableContext) -> int:
    began, lot, key = time.time(), random.random(), uuid.uuid4()
    logging.getLogger("orders").warning("%s %s %s %s", began, lot, key, os.environ.get("_X_AMZN_TRACE_ID"))
    context.logger.info("began at %s", datetime.now())
    context.wait(60, "pause")
    return context.step(lambda: int(time.time() + random.random() + len(os.urandom(4))) * 0, "draw")


def counts_outside(event: Any, context: DurableContext) -> int:
    COUNTED.append("handler")
    context.step(lambda: COUNTED.append("step"), "count")
    context.wait(60)
    return context.step(lambda: len(COUNTED) * 0, "look")


def passes_what_counts(event: Any, context: DurableContext) -> None:
    COUNTED.append("handler")
    context.step(lambda counted=COUNTED: counted.append("step"), "count")
    context.wait(60)
    context.step(lambda counted=COUNTED: counted.append("again"), "count again")


def only_adds(event: Any, context: DurableContext) -> int:
    log: list[str] = []

    def a() -> None:
        log.append("a")

    def b() -> None:
        log.append("b")

    context.step(a, "a")
    context.wait(60)
    context.step(b, "b")
    return 1


def catches(event: Any, context: DurableContext) -> str:
    with contextlib.suppress(StepError):
        context.step(fails, "fails", NO_RETRY)
    try:
        context.run_in_child_context(lambda child: child.step(fails, "inner", NO_RETRY), "child")
    except Exception as error:
        return type(error).__name__
    return "none"


def fails_for_good(event: Any, context: DurableContext) -> None:
    context.step(one, "one")
    raise ValueError("the handler itself")


def ends_in_an_execution_error(event: Any, context: DurableContext) -> None:
    def gives_up() -> None:
        raise ExecutionError("no such customer")

    context.step(gives_up, "look up")


def asks_for_another_sandbox(event: Any, context: DurableContext) -> None:
    raise InvocationError("disk full")


def refuses_a_payload(event: Any, context: DurableContext) -> str:
    try:
        context.invoke("pay", object())
    except Exception:
        return context.step(lambda: "refused", "note")
    return "sent"


def retried(event: Any, context: DurableContext) -> int:
    attempts = context.step(lambda: len(COUNTED) * 0, "start")

    def flaky() -> int:
        COUNTED.append("attempt")
        if COUNTED.count("attempt") % 3:
            raise ConnectionError("again")
        return 7

    return attempts + context.step(flaky, "flaky")


def retried_at_most_once(event: Any, context: DurableContext) -> int:
    config = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    return context.step(one, "careful", config)


def retried_as_a_group(event: Any, context: DurableContext) -> int:
    def group(inner: DurableContext, attempt: int) -> int:
        if attempt < 3:
            inner.step(fails, "fails", NO_RETRY)
        return inner.step(one, "works")

    return with_retry(context, group)


def polled(event: Any, context: DurableContext) -> int:
    def strategy(state: int, attempt: int) -> WaitForConditionDecision:
        if attempt < 3:
            return WaitForConditionDecision.continue_waiting(5)
        return WaitForConditionDecision.stop_polling()

    config = WaitForConditionConfig(initial_state=0, wait_strategy=strategy)
    return context.wait_for_condition(lambda state, check: state + 1, config, "until")


def first_of_many(event: Any, context: DurableContext) -> Any:
    def slow(branch: DurableContext) -> str:
        branch.wait(50)
        branch.step(one, "after")
        return "slow"

    def fast(branch: DurableContext) -> str:
        branch.step(one, "at once")
        branch.wait(5)
        return branch.step(lambda: "fast", "done")

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    first = context.parallel([slow, fast, slow], "race", config)
    context.wait(100)
    return context.step(lambda: first.get_results(), "finish")


def mapped(event: Any, context: DurableContext) -> Any:
    def branch(child: DurableContext, item: int, index: int, items: Any) -> int:
        child.wait(item)
        return child.step(lambda: item * 2, f"double {item}")

    config = MapConfig(max_concurrency=2)
    flat = MapConfig(nesting_type=NestingType.FLAT)
    doubled = context.map([3, 1, 2], branch, "doubled", config).get_results()
    return doubled + context.map([3, 1, 2], branch, "flat", flat).get_results()


def nested(event: Any, context: DurableContext) -> Any:
    def outer(child: DurableContext, item: int, index: int, items: Any) -> Any:
        inner = [lambda leaf, n=n: leaf.step(lambda: n + item, f"leaf {n}") for n in range(3)]
        return child.parallel(inner, "inner").get_results()

    return context.map(list(range(4)), outer, "outer").get_results()


def large(event: Any, context: DurableContext) -> int:
    def child(inner: DurableContext) -> str:
        inner.step(one, "inside")
        return "x" * 300_000

    text = context.run_in_child_context(child, "large")
    batch = context.map([1, 2], lambda c, i, n, a: c.step(lambda: "y" * 200_000, "half"), "batch")
    context.wait(60)
    return len(text) + len(batch.get_results()[0])


def virtual(event: Any, context: DurableContext) -> int:
    config: ChildConfig[int] = ChildConfig(is_virtual=True)
    made = context.run_in_child_context(lambda child: child.step(one, "inside"), "virtual", config)
    context.wait(60)
    return made + context.run_in_child_context(lambda child: 5, "empty", config)


def sleeps(event: Any, context: DurableContext) -> int:
    time.sleep(3)
    context.wait(60)
    time.sleep(3)
    return context.step(one, "after")


def polls_a_branch(event: Any, context: DurableContext) -> Any:
    seen: list[int] = []

    def waits(branch: DurableContext) -> int:
        while not seen:
            time.sleep(1)
        return branch.step(one, "seen")

    def tells(branch: DurableContext) -> int:
        branch.step(one, "tell")
        seen.append(1)
        return 1

    return context.parallel([waits, tells]).get_results()


def not_json(event: Any, context: DurableContext) -> Any:
    return context.step(lambda: [1, (2, 3), {4: 5}], "values")


def object_results(event: Any, context: DurableContext) -> str:
    made = object()
    context.step(lambda: str(made is not None), "same")
    raise RuntimeError(f"no {made!r}")


HANDLERS = (
    reads_for_logging,
    counts_outside,
    passes_what_counts,
    only_adds,
    catches,
    fails_for_good,
    ends_in_an_execution_error,
    asks_for_another_sandbox,
    refuses_a_payload,
    retried,
    retried_at_most_once,
    retried_as_a_group,
    polled,
    first_of_many,
    mapped,
    nested,
    large,
    virtual,
    sleeps,
    polls_a_branch,
    not_json,
    object_results,
)


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_is_not_reported(found: Found, handler: Callable[..., Any]) -> None:
    COUNTED.clear()
    assert found(handler) == ""


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("handler", [first_of_many, mapped, nested, retried_as_a_group])
def test_it_is_not_reported_under_any_order(found: Found, handler: Callable[..., Any], seed: int) -> None:
    COUNTED.clear()
    assert found(handler, random_schedule=True, seed=seed) == ""


def approves(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback("early")
    answer = context.wait_for_callback(lambda callback_id, inner: None, "approval")
    return [answer, callback.result(), context.invoke("pay", {"amount": 3})]


def test_callbacks_and_invokes_are_not_reported_at_any_moment_of_a_run() -> None:
    runner = corpus.make_runner(durable_execution(approves), traces_operations=True)
    runner.on_callback("approval").succeed("yes", after="2h")
    runner.on_callback("early").succeed("soon", after="1h")
    runner.on_invoke("pay").returns({"id": 1})
    execution = runner.start()
    execution.until_suspended()
    runner.check_replay()
    assert execution.finish().value == ["yes", "soon", {"id": 1}]
    runner.check_replay()
    runner.close()


def test_executions_that_are_stopped_time_out_or_crash_are_not_reported() -> None:
    def waits(event: Any, context: DurableContext) -> None:
        context.step(one, "one")
        context.wait(3600, "long")
        context.step(one, "two")

    runner = corpus.make_runner(durable_execution(waits), traces_operations=True)
    stopped = runner.start(name="stopped")
    stopped.until_suspended()
    stopped.stop("enough")
    assert runner.run(timeout=60).status == "TIMED_OUT"
    crashed = runner.start(name="crashed")
    crashed.until("one")
    crashed.crash()
    assert crashed.finish().status == "SUCCEEDED"
    runner.check_replay()
    runner.release()


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_the_corpus_is_silent_but_for_what_reads_the_time(case: corpus.Case) -> None:
    runner = corpus.runner_of(case, traces_operations=True)
    runner.run(case.input)
    if case.name == "too_slow_for_its_invocation":
        with pytest.raises(NonDeterminismError, match="Cause: the time, read outside a step"):
            runner.check_replay()
    else:
        runner.check_replay()
    runner.release()
