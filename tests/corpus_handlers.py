"""Handlers of the corpus: sequences, contexts, branches, callbacks, invokes; and the scripts that answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from durable_sdk import DurableContext, ParallelBranch, StepContext, durable_execution, durable_step
from durable_sdk.config import (
    CallbackConfig,
    ChildConfig,
    CompletionConfig,
    Duration,
    JitterStrategy,
    ParallelConfig,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
)
from durable_sdk.exceptions import CallbackTimeoutError, InvokeError, StepError
from durable_sdk.retries import RetryPresets, RetryStrategyConfig, create_retry_strategy
from pytest_durable.simulator.runner import LocalRunner

ONCE = StepConfig(retry_strategy=RetryPresets.none())
EVERY_TEN_SECONDS = StepConfig(retry_strategy=RetryPresets.fixed(Duration.from_seconds(10)))
WITH_JITTER = StepConfig(
    retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=5, initial_delay=Duration(20)))
)
DOUBLING = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=6,
            initial_delay=Duration(1),
            backoff_rate=2,
            jitter_strategy=JitterStrategy.NONE,
        )
    )
)


@durable_step
def echo(step_context: StepContext, value: Any) -> Any:
    """Return the value."""
    return value


@durable_step
def fail(step_context: StepContext, message: str) -> Any:
    """Raise."""
    raise ValueError(message)


@durable_step
def fail_before(step_context: StepContext, attempt: int) -> int:
    """Raise until the attempt of that number."""
    if step_context.attempt < attempt:
        raise ConnectionError(f"attempt {step_context.attempt}")
    return step_context.attempt


@durable_step
def sleep(step_context: StepContext, seconds: float) -> str:
    """Sleep in the step, and return what the time is then."""
    time.sleep(seconds)
    return datetime.now().isoformat()


@durable_execution
def sequential(event: dict, context: DurableContext) -> int:
    total = 0
    for number in range(event["steps"]):
        total += context.step(echo(number), name=f"step-{number}")
    return total


@durable_execution
def waiting(event: dict, context: DurableContext) -> list:
    before = context.step(echo("before"))
    context.wait(seconds=30, name="short")
    context.wait(days=30, name="long")
    return [before, context.step(echo("after"))]


def nest(context: DurableContext, depth: int) -> int:
    """Do a step and go one context deeper."""
    done = context.step(echo(depth), name=f"at-{depth}")
    if depth > 1:
        done += context.run_in_child_context(lambda child: nest(child, depth - 1), name=f"below-{depth}")
    if depth == 2:
        context.wait(seconds=7, name="pause")
    return done


@durable_execution
def nested_children(event: dict, context: DurableContext) -> int:
    return nest(context, event["depth"])


def chain(*lengths: int, prefix: str = "step") -> list[Callable[[DurableContext], Any]]:
    """Return a branch for each length, that does so many steps."""

    def branch(index: int, length: int) -> Callable[[DurableContext], Any]:
        return lambda context: [
            context.step(echo([index, step]), name=f"{prefix}-{index}-{step}") for step in range(length)
        ]

    return [branch(index, length) for index, length in enumerate(lengths)]


@durable_execution
def parallel_steps(event: dict, context: DurableContext) -> list:
    return context.parallel(chain(2, 2, 2), name="all").get_results()


def _wait_and_retry(index: int) -> ParallelBranch[Any]:
    def branch(context: DurableContext) -> list:
        context.wait(seconds=3 * index + 1, name=f"wait-{index}")
        attempt = context.step(fail_before(1 + index % 3), name=f"retry-{index}", config=WITH_JITTER)
        return [index, attempt]

    return ParallelBranch(branch, name=f"branch-{index}")


@durable_execution
def parallel_waits_and_retries(event: dict, context: DurableContext) -> list:
    branches = [_wait_and_retry(index) for index in range(event["branches"])]
    return context.parallel(branches, name="work").get_results()


@durable_execution
def nested_parallel(event: dict, context: DurableContext) -> list:
    def outer(index: int) -> Callable[[DurableContext], Any]:
        def branch(child: DurableContext) -> Any:
            inner = child.parallel(chain(1, 2, prefix=f"inner-{index}"), name="inner")
            child.wait(seconds=index + 1, name="settle")
            return inner.get_results()

        return branch

    return context.parallel([outer(index) for index in range(3)], name="outer").get_results()


@durable_execution
def retries_with_jitter(event: dict, context: DurableContext) -> list:
    return [
        context.step(fail_before(4), name="first", config=WITH_JITTER),
        context.step(fail_before(3), name="second", config=WITH_JITTER),
    ]


@durable_execution
def failing_step(event: dict, context: DurableContext) -> None:
    context.step(echo("fine"))
    context.step(fail("no luck"), name="doomed", config=ONCE)


@durable_execution
def caught_failure(event: dict, context: DurableContext) -> str:
    try:
        context.step(fail("caught"), name="doomed", config=EVERY_TEN_SECONDS)
    except StepError as error:
        return context.step(echo(f"compensated for {error}"), name="compensate")
    return "not reached"


@durable_execution
def at_most_once(event: dict, context: DurableContext) -> int:
    config = StepConfig(
        retry_strategy=RetryPresets.fixed(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY
    )
    return context.step(fail_before(2), name="careful", config=config)


@durable_execution
def sleeping_branches(event: dict, context: DurableContext) -> list:
    def branch(seconds: float) -> Callable[[DurableContext], Any]:
        return lambda child: [child.step(sleep(seconds)), child.step(sleep(seconds / 2))]

    return context.parallel([branch(seconds) for seconds in (3, 0.25, 1.5, 3)]).get_results()


@durable_execution
def too_slow_for_its_execution(event: dict, context: DurableContext) -> None:
    for _ in range(5):
        context.wait(hours=1)


@durable_execution
def too_slow_for_its_invocation(event: dict, context: DurableContext) -> str:
    # Remembered outside the sandbox, by way of virtual time: only the first two attempts are slow.
    began = datetime.fromisoformat(event["began"])
    elapsed = (datetime.now() - began).total_seconds()
    return context.step(sleep(100 if elapsed < 60 else 1), name="slow")


@durable_execution
def raising(event: dict, context: DurableContext) -> None:
    context.step(echo(1))
    raise LookupError("nothing there")


@durable_execution
def large_results(event: dict, context: DurableContext) -> list:
    def fetch(child: DurableContext) -> str:
        return child.step(echo("x"), name="fetch") * 300_000

    large = context.run_in_child_context(fetch, name="large", config=ChildConfig())
    parts = context.parallel([lambda child: fetch(child), lambda child: fetch(child)], name="parts")
    context.wait(minutes=1)
    return [len(large), *(len(part) for part in parts.get_results())]


@durable_execution
def first_of_several(event: dict, context: DurableContext) -> list:
    def quick(child: DurableContext) -> str:
        return child.step(echo("quick"))

    def slow(child: DurableContext) -> str:
        child.step(sleep(20), name="slow")
        return child.step(echo("too late"), name="orphan")

    def patient(child: DurableContext) -> str:
        child.wait(hours=1)
        return child.step(echo("too late"), name="orphan")

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    result = context.parallel([slow, patient, quick], name="race", config=config)
    return [result.get_results(), result.completion_reason.value]


@durable_execution
def limited_concurrency(event: dict, context: DurableContext) -> list:
    def branch(index: int) -> Callable[[DurableContext], Any]:
        def body(child: DurableContext) -> int:
            child.wait(seconds=10, name=f"wait-{index}")
            return child.step(echo(index), name=f"step-{index}")

        return body

    config = ParallelConfig(max_concurrency=2)
    return context.parallel([branch(index) for index in range(5)], config=config).get_results()


@durable_execution
def tolerated_failures(event: dict, context: DurableContext) -> list:
    branches = [
        *chain(1, 1),
        lambda child: child.step(fail("one of three"), config=ONCE),
    ]
    config = ParallelConfig(completion_config=CompletionConfig.all_completed())
    batch = context.parallel(branches, config=config)
    return [batch.success_count, batch.failure_count]


@durable_execution
def crashing(event: dict, context: DurableContext) -> str:
    seconds = int(datetime.now().timestamp()) % 60
    done = context.step(echo("kept"), name="kept")
    if seconds < 10:
        raise SystemExit(3)
    return done


@durable_execution
def callbacks(event: dict, context: DurableContext) -> list:
    early = context.create_callback(name="early")
    beating = context.wait_for_callback(
        lambda callback_id, _: None,
        name="beating",
        config=WaitForCallbackConfig(heartbeat_timeout=Duration(60)),
    )
    try:
        config = CallbackConfig(timeout=Duration(3600))
        context.create_callback(name="missed", config=config).result()
    except CallbackTimeoutError as error:
        missed = str(error)
    context.wait(minutes=5, name="pause")
    return [early.result(), beating, missed]


def script_callbacks(runner: LocalRunner) -> None:
    """Answer the callbacks of `callbacks`, each in another way."""
    runner.on_callback("early").succeed("at once", early=True)
    runner.on_callback("beating").heartbeat(every=50, times=3).succeed({"beats": 3}, duplicate=True)
    runner.on_callback("missed").succeed("too late", late=True)


@durable_execution
def callbacks_in_branches(event: dict, context: DurableContext) -> list:
    def branch(index: int) -> Callable[[DurableContext], Any]:
        return lambda child: [
            child.wait_for_callback(lambda callback_id, _: None, name=f"ask-{index}"),
            child.step(sleep(index / 2), name=f"sleep-{index}"),
        ][0]

    return context.parallel([branch(index) for index in range(4)], name="work").get_results()


def script_branches(runner: LocalRunner) -> None:
    """Answer the callbacks of `callbacks_in_branches`, two at one instant."""
    for index, after in enumerate((None, 10, 10, 0.25)):
        runner.on_callback(f"ask-{index}").succeed(f"answer {index}", after=after)


@durable_execution
def invoked(event: Any, context: DurableContext) -> Any:
    left = event["left"]
    context.wait(seconds=left + 1, name="pause")
    if left == 0:
        return []
    return [left, *context.invoke("invoked", {"left": left - 1}, name="next")]


@durable_execution
def invokes(event: dict, context: DurableContext) -> list:
    def branch(name: str, payload: Any) -> Callable[[DurableContext], Any]:
        return lambda child: child.invoke(name, payload, name=f"call-{name}")

    calls = [branch("invoked", {"left": 2}), branch("slow", 7), branch("scripted", None)]
    results = context.parallel(calls, name="calls").get_results()
    try:
        context.invoke("unknown", None, name="missing")
    except InvokeError as error:
        results.append(error.error_type)
    return results


def script_invokes(runner: LocalRunner) -> None:
    """Register and script the functions of `invokes`."""

    def slow(event: Any, lambda_context: Any) -> str:
        time.sleep(event)
        return datetime.now().isoformat()

    runner.register_durable_function("invoked", invoked).register_function("slow", slow)
    runner.on_invoke("scripted").returns({"id": 1}, after="2s")
