"""What the type checkers make of handlers: `make types` holds mypy and pyright to every line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, assert_type

from durable_sdk import (
    BatchResult,
    CompletionDecision,
    CompletionStatus,
    DurableContext,
    ParallelBranch,
    StepContext,
    WithRetryConfig,
    complete_batch,
    continue_batch,
    durable_execution,
    durable_parallel_branch,
    durable_step,
    durable_wait_for_callback,
    durable_with_child_context,
    with_retry,
)
from durable_sdk.concurrency.models import BatchItem
from durable_sdk.config import (
    ChildConfig,
    CompletionConfig,
    Duration,
    InvokeConfig,
    MapConfig,
    ParallelConfig,
    StepConfig,
)
from durable_sdk.execution import DurableHandler
from durable_sdk.retries import RetryDecision, create_retry_strategy
from durable_sdk.serdes import SerDes, SerDesContext
from durable_sdk.types import WaitForCallbackContext, WaitForConditionCheckContext
from durable_sdk.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)


class Order:
    """Something of the user's."""

    total: int = 0


class OrderSerDes(SerDes[Order]):
    def serialize(self, value: Order, serdes_context: SerDesContext) -> str:
        return str(value.total)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Order:
        return Order()


@durable_step
def charge(step: StepContext, order: Order, *, currency: str = "EUR") -> str:
    return f"{order.total} {currency}"


@durable_with_child_context
def ship(context: DurableContext, order: Order) -> int:
    return context.step(lambda: order.total)


@durable_wait_for_callback
def ask(callback_id: str, context: WaitForCallbackContext, whom: str) -> None:
    context.logger.info("%s asks %s", callback_id, whom)


@durable_parallel_branch("pack")
def pack(context: DurableContext, order: Order) -> int:
    return order.total


def plain_step() -> float:
    return 1.5


def step_with_context(step: StepContext) -> bytes:
    return str(step.attempt).encode()


def plain_child(context: DurableContext) -> Order:
    return Order()


def item(context: DurableContext, order: Order, index: int, orders: Sequence[Order]) -> str:
    return context.step(charge(order))


def steps(context: DurableContext, order: Order) -> None:
    assert_type(context.step(lambda: 1), int)
    assert_type(context.step(lambda step: "text"), str)
    assert_type(context.step(plain_step), float)
    assert_type(context.step(step_with_context, "name", StepConfig()), bytes)
    assert_type(context.step(charge(order, currency="USD"), name="charge"), str)
    assert_type(charge(StepContext(), order), str)


def children(context: DurableContext, order: Order) -> None:
    assert_type(context.run_in_child_context(lambda child: child.step(lambda: 1)), int)
    assert_type(context.run_in_child_context(plain_child), Order)
    assert_type(context.run_in_child_context(ship(order), "ship"), int)
    assert_type(context.run_in_child_context(plain_child, config=ChildConfig(is_virtual=True)), Order)
    virtual: ChildConfig[Order] = ChildConfig(is_virtual=True)
    assert_type(context.run_in_child_context(plain_child, None, virtual), Order)


def batches(context: DurableContext, orders: list[Order]) -> None:
    assert_type(context.map(orders, item), BatchResult[str])
    assert_type(context.map(orders, lambda child, order, index, all_: order.total), BatchResult[int])
    assert_type(context.map(range(3), lambda child, number, index, all_: number), BatchResult[int])
    assert_type(context.map(orders, item).get_results(), list[str])
    assert_type(context.map(orders, item).all[0], BatchItem[str])
    named: MapConfig[Order] = MapConfig(item_namer=lambda order, index: f"{order.total}-{index}")
    assert_type(context.map(orders, item, "batch", named), BatchResult[str])
    assert_type(context.map(orders, item, config=MapConfig(max_concurrency=2)), BatchResult[str])
    assert_type(context.parallel([plain_child, plain_child]), BatchResult[Order])
    assert_type(context.parallel([pack(order) for order in orders]), BatchResult[int])
    branches = [ParallelBranch(plain_child, "a"), ParallelBranch(plain_child)]
    assert_type(context.parallel(branches), BatchResult[Order])
    assert_type(context.parallel([ship(orders[0])], "batch", ParallelConfig()).get_results(), list[int])


def decide(status: CompletionStatus) -> CompletionDecision:
    return complete_batch() if status.items[0].name == "a" else continue_batch()


COMPLETION = CompletionConfig(should_complete=decide)


def invokes(context: DurableContext, order: Order) -> None:
    config: InvokeConfig[Order, Order] = InvokeConfig(OrderSerDes(), OrderSerDes())
    assert_type(context.invoke("f", {"a": 1}), Any)
    assert_type(context.invoke("f", order, "name"), Any)
    assert_type(context.invoke("f", order, "name", config), Order)
    assert_type(context.invoke("f", order, config=config), Order)
    assert_type(context.invoke("f", order, config=InvokeConfig(OrderSerDes(), OrderSerDes())), Order)


def callbacks(context: DurableContext) -> None:
    callback = context.create_callback("approval")
    assert_type(callback.callback_id, str)
    assert_type(callback.result(), Any | None)
    assert_type(context.wait_for_callback(ask("anna")), Any)
    assert_type(context.wait_for_callback(lambda callback_id, c: c.logger.info(callback_id)), Any)


def conditions(context: DurableContext) -> None:
    def check(state: int, check_context: WaitForConditionCheckContext) -> int:
        return state + check_context.attempt

    strategy = create_wait_strategy(WaitStrategyConfig[int](lambda state: state < 3))
    assert_type(strategy, Callable[[int, int], WaitForConditionDecision])
    assert_type(context.wait_for_condition(check, WaitForConditionConfig(strategy, 0)), int)
    assert_type(
        context.wait_for_condition(lambda state, c: state + 1, WaitForConditionConfig[int](strategy, 0)), int
    )


def waits(context: DurableContext) -> None:
    context.wait(Duration.from_minutes(5), "pause")
    context.wait(hours=1, minutes=30)


def retries(context: DurableContext) -> None:
    def attempt(inner: DurableContext, number: int) -> Order:
        return inner.step(Order)

    assert_type(with_retry(context, attempt), Order)
    assert_type(with_retry(context, lambda inner, number: inner.step(lambda: number)), int)
    config: WithRetryConfig[Order] = WithRetryConfig(
        create_retry_strategy(), child_context_config=ChildConfig(is_virtual=True)
    )
    assert_type(with_retry(context, attempt, config, "job"), Order)
    assert_type(with_retry(context, attempt, WithRetryConfig(lambda e, n: RetryDecision.no_retry())), Order)


@durable_execution
def handler(event: dict[str, Any], context: DurableContext) -> str:
    return context.step(charge(Order()))


@durable_execution(boto3_client=None)
def configured(event: Any, context: DurableContext) -> None:
    context.wait(seconds=1)


assert_type(handler, DurableHandler)
assert_type(configured, DurableHandler)


def calls() -> None:
    assert_type(handler({}, None), dict[str, Any])
    assert_type(handler.__name__, str)
