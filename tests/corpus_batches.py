"""Handlers of the corpus that map, poll, retry blocks and nest all of it, and the scripts that answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from corpus_handlers import ONCE, WITH_JITTER, echo, fail, fail_before, sleep

from durable_sdk import (
    CompletionDecision,
    CompletionStatus,
    DurableContext,
    StepContext,
    complete_batch,
    continue_batch,
    durable_execution,
    with_retry,
)
from durable_sdk.config import (
    ChildConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    WaitForCallbackConfig,
)
from durable_sdk.plugin import (
    DurableInstrumentationPlugin,
    InvocationStartInfo,
    PropagationInput,
    PropagationMetadata,
)
from durable_sdk.retries import RetryStrategyConfig, WithRetryConfig, create_retry_strategy
from durable_sdk.waits import WaitForConditionConfig, WaitStrategyConfig, create_wait_strategy
from pytest_durable.simulator.runner import LocalRunner


def _work(child: DurableContext, item: int, index: int, items: Sequence[int]) -> list:
    child.wait(seconds=1 + item % 3, name=f"wait-{item}")
    return [item, child.step(fail_before(1 + item % 2), name=f"work-{item}", config=WITH_JITTER)]


@durable_execution
def mapping(event: dict, context: DurableContext) -> list:
    config = MapConfig(max_concurrency=3, item_namer=lambda item, index: f"item-{item}")
    return context.map(event["items"], _work, name="all", config=config).get_results()


@durable_execution
def flat_mapping(event: dict, context: DurableContext) -> list:
    config = MapConfig(nesting_type=NestingType.FLAT)
    return context.map(event["items"], _work, name="all", config=config).get_results()


@durable_execution
def tolerant_mapping(event: dict, context: DurableContext) -> list:
    def body(child: DurableContext, item: int, index: int, items: Sequence[int]) -> int:
        return child.step(fail("odd") if item % 2 else echo(item), name=f"step-{item}", config=ONCE)

    config = MapConfig(max_concurrency=1, completion_config=CompletionConfig(tolerated_failure_count=1))
    batch = context.map(range(6), body, name="half", config=config)
    return [batch.completion_reason.value, batch.failure_count]


@durable_execution
def nested_maps(event: dict, context: DurableContext) -> list:
    def inner(child: DurableContext, item: int, index: int, items: Sequence[int]) -> int:
        child.wait(seconds=item + 1, name=f"pause-{item}")
        return child.step(echo(item * 10), name=f"times-{item}")

    def outer(child: DurableContext, item: int, index: int, items: Sequence[int]) -> list:
        # Every second one leaves no records of its branches.
        nesting = NestingType.FLAT if item % 2 else NestingType.NESTED
        batch = child.map(range(item), inner, name=f"inner-{item}", config=MapConfig(nesting_type=nesting))
        return batch.get_results()

    return context.map([1, 2, 3], outer, name="outer").get_results()


@durable_execution
def empty_batches(event: dict, context: DurableContext) -> list:
    return [
        context.map([], _work, name="nothing").completion_reason.value,
        context.parallel([], name="nobody").get_results(),
    ]


@durable_execution
def custom_completion(event: dict, context: DurableContext) -> list:
    def enough(status: CompletionStatus) -> CompletionDecision:
        done = [item.index for item in status.items if item.status is not None]
        return complete_batch() if status.success_count >= 2 and 0 in done else continue_batch()

    def branch(index: int) -> Any:
        def body(child: DurableContext) -> int:
            child.wait(seconds=10 * (index + 1), name=f"wait-{index}")
            return child.step(echo(index), name=f"step-{index}")

        return body

    config = ParallelConfig(completion_config=CompletionConfig(should_complete=enough))
    batch = context.parallel([branch(index) for index in range(4)], name="enough", config=config)
    return [batch.get_results(), batch.completion_reason.value, batch.total_count]


@durable_execution
def conditions(event: dict, context: DurableContext) -> list:
    def check(state: dict, _: Any) -> dict:
        return {"polls": state["polls"] + 1}

    def until(polls: int) -> WaitForConditionConfig[dict]:
        strategy = create_wait_strategy(
            WaitStrategyConfig(
                should_continue_polling=lambda state: state["polls"] < polls, initial_delay=Duration(3)
            )
        )
        return WaitForConditionConfig(wait_strategy=strategy, initial_state={"polls": 0})

    def branch(polls: int) -> Any:
        return lambda child: child.wait_for_condition(check, until(polls), name=f"until-{polls}")["polls"]

    first = context.wait_for_condition(check, until(3), name="alone")["polls"]
    return [first, *context.parallel([branch(1), branch(4)], name="both").get_results()]


@durable_execution
def retried_block(event: dict, context: DurableContext) -> int:
    def block(child: DurableContext, attempt: int) -> int:
        done = child.step(echo(attempt), name="first")
        child.wait(seconds=2, name="pause")
        if attempt < 3:
            raise ConnectionError(f"attempt {attempt}")
        return done

    strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=4, initial_delay=Duration(30)))
    return with_retry(context, block, WithRetryConfig(retry_strategy=strategy), name="block")


@durable_execution
def virtual_children(event: dict, context: DurableContext) -> list:
    def inside(child: DurableContext) -> int:
        child.wait(seconds=5, name="pause")
        return child.step(echo(1), name="step")

    def around(child: DurableContext) -> int:
        return 1 + child.run_in_child_context(inside, name="recorded", config=ChildConfig(sub_type="Custom"))

    virtual = ChildConfig(is_virtual=True)
    return [
        context.run_in_child_context(inside, name="virtual", config=virtual),
        context.run_in_child_context(around, name="outer", config=virtual),
    ]


@durable_execution
def mapped_callbacks(event: dict, context: DurableContext) -> list:
    def body(child: DurableContext, item: str, index: int, items: Sequence[str]) -> str:
        config = WaitForCallbackConfig(timeout=Duration(3600), sub_type="Approval")
        answer = child.wait_for_callback(lambda callback_id, _: None, name=f"ask-{item}", config=config)
        child.step(sleep(0.5), name="settle")
        return answer

    return context.map(event["people"], body, name="people").get_results()


def script_mapped_callbacks(runner: LocalRunner) -> None:
    """Answer the callbacks of `mapped_callbacks`."""
    runner.on_callback("ask-ann").succeed("yes", after="2m")
    runner.on_callback("ask-bob").succeed("no", early=True)
    runner.on_callback("ask-eve").heartbeat(every="30s", times=2).succeed("perhaps")


class _Tracing(DurableInstrumentationPlugin):
    def provide_propagation_metadata(self, info: PropagationInput) -> PropagationMetadata:
        return PropagationMetadata(f"Root=1-{info.target_function_name}")


class _TracingFactory:
    def create_plugin(self, info: InvocationStartInfo, /) -> DurableInstrumentationPlugin:
        return _Tracing()


@durable_execution(plugins=[_TracingFactory()])
def mapped_invokes(event: dict, context: DurableContext) -> list:
    def body(child: DurableContext, item: int, index: int, items: Sequence[int]) -> Any:
        return child.invoke("double" if item % 2 else "plain:live", item, name=f"call-{item}")

    return context.map(range(4), body, name="calls").get_results()


@durable_execution
def double(event: int, context: DurableContext) -> int:
    context.wait(seconds=event, name="pause")
    return context.step(echo(2 * event), name="double")


def script_mapped_invokes(runner: LocalRunner) -> None:
    """Register the functions of `mapped_invokes`."""

    def plain(event: int, lambda_context: Any) -> str:
        time.sleep(event)
        return datetime.now().isoformat()

    runner.register_durable_function("double", double).register_function("plain:live", plain)


@durable_execution
def scripted_steps(event: dict, context: DurableContext) -> list:
    def body(child: DurableContext) -> Any:
        return child.step(echo("real"), name="charge", config=WITH_JITTER)

    first = context.step(echo("real"), name="charge", config=WITH_JITTER)
    return [first, context.run_in_child_context(body, name="orders")]


def script_steps(runner: LocalRunner) -> None:
    """Stand in for the steps of `scripted_steps`."""

    def stand_in(step_context: StepContext) -> str:
        time.sleep(2)
        return f"attempt {step_context.attempt}"

    runner.on_step("charge").raises(TimeoutError("gateway")).then.calls(stand_in)
    runner.on_step("orders/charge").raises(ConnectionError).then.calls_real()
