"""Random workflows as data, and the handler that runs one.

Nothing in a workflow depends on the order in which branches happen to run: batches either run all branches or
one at a time, so there is one right outcome, which `straight_line` computes without any durable machinery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from durable_sdk import (
    BatchResult,
    CompletionDecision,
    CompletionStatus,
    DurableContext,
    DurableOperationError,
    ParallelBranch,
    WithRetryConfig,
    complete_batch,
    continue_batch,
    durable_execution,
    with_retry,
)
from durable_sdk.config import (
    CallbackConfig,
    ChildConfig,
    CompletionConfig,
    CompletionOutcome,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
)
from durable_sdk.retries import RetryPresets, RetryStrategyConfig, create_retry_strategy
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision


@dataclass(frozen=True)
class Step:
    """Fails ``failures`` times, with ``attempts`` in all."""

    name: str
    value: Any
    failures: int = 0
    attempts: int = 1
    at_most_once: bool = False


@dataclass(frozen=True)
class Wait:
    """Waits."""

    name: str
    seconds: int


@dataclass(frozen=True)
class Child:
    """A child context."""

    name: str
    body: tuple[Node, ...]
    virtual: bool = False


@dataclass(frozen=True)
class Batch:
    """A map or a parallel, all of whose branches run, or one after the other until ``stop`` is reached."""

    name: str
    kind: str
    branches: tuple[tuple[Node, ...], ...]
    flat: bool = False
    concurrency: int | None = None
    stop: str | None = None


@dataclass(frozen=True)
class Callback:
    """A callback. It "succeeds" or "fails" ``after`` so many seconds, "times out", "beats" for longer than
    its heartbeat timeout and then succeeds, or "goes silent" after some heartbeats."""

    name: str
    outcome: str
    value: str
    after: int
    submits: bool = True


@dataclass(frozen=True)
class Condition:
    """Polls until the state reaches ``checks``; the check fails when it reaches ``fails_at``."""

    name: str
    checks: int
    fails_at: int | None = None


@dataclass(frozen=True)
class Invoke:
    """Calls a function that returns its payload, or fails."""

    name: str
    function: str
    value: Any


@dataclass(frozen=True)
class Retry:
    """Runs its body again until it has failed ``failures`` times, with ``attempts`` in all."""

    name: str
    body: tuple[Node, ...]
    failures: int
    attempts: int


@dataclass(frozen=True)
class Guard:
    """Catches what its body raises."""

    body: tuple[Node, ...]


Node = Step | Wait | Child | Batch | Callback | Condition | Invoke | Retry | Guard
Body = tuple[Node, ...]

DELAY_SECONDS = 3
CALLBACK_TIMEOUT_SECONDS = 50
HEARTBEAT_TIMEOUT_SECONDS = 20
INVOKED_TIMEOUT_SECONDS = 90
INPUT = {"number": 17}


def nodes(body: Body) -> list[Node]:
    """Return all nodes, at every depth."""
    found: list[Node] = []
    for node in body:
        found.append(node)
        inner: tuple[Body, ...] = getattr(node, "branches", None) or (getattr(node, "body", ()),)
        for part in inner:
            found += nodes(part)
    return found


def handler_of(body: Body) -> Callable[..., Any]:
    """Return a durable handler that runs the workflow."""

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return [event, run_body(context, body)]

    return handler


def run_body(context: DurableContext, body: Body) -> list[Any]:
    """Run nodes one after the other."""
    return [run_node(context, node) for node in body]


def _step(context: DurableContext, node: Step) -> Any:
    def body(step: Any) -> Any:
        if step.attempt <= node.failures:
            raise ConnectionError(f"{node.name} failed")
        return node.value

    semantics = StepSemantics.AT_LEAST_ONCE_PER_RETRY
    if node.at_most_once:
        semantics = StepSemantics.AT_MOST_ONCE_PER_RETRY
    strategy = create_retry_strategy(RetryStrategyConfig(node.attempts, Duration(DELAY_SECONDS)))
    return context.step(body, node.name, StepConfig(strategy, semantics))


def _stop(stop: str | None) -> CompletionConfig:
    match stop:
        case None:
            return CompletionConfig.all_completed()
        case "first failure":
            return CompletionConfig.all_successful()
        case "first success":
            return CompletionConfig.first_successful()
        case "two failures":
            return CompletionConfig(tolerated_failure_count=1)
        case "half":
            return CompletionConfig(tolerated_failure_percentage=50)
        case "two ended":
            return CompletionConfig(should_complete=two_ended)
        case other:
            raise AssertionError(other)


def two_ended(status: CompletionStatus) -> CompletionDecision:
    """End a batch when two of its branches have ended."""
    if status.completed_count < 2:
        return continue_batch()
    return complete_batch(
        CompletionOutcome.FAILED if status.failure_count == 2 else CompletionOutcome.SUCCEEDED
    )


def _batch(context: DurableContext, node: Batch) -> Any:
    nesting = NestingType.FLAT if node.flat else NestingType.NESTED
    options: dict[str, Any] = {
        "max_concurrency": node.concurrency,
        "completion_config": _stop(node.stop),
        "nesting_type": nesting,
    }
    result: BatchResult[Any]
    if node.kind == "map":
        indexes = list(range(len(node.branches)))
        result = context.map(
            indexes,
            lambda inner, item, index, inputs: run_body(inner, node.branches[item]),
            node.name,
            MapConfig(**options),
        )
    else:
        functions = [
            ParallelBranch(lambda inner, body=body: run_body(inner, body), f"b{index}")
            for index, body in enumerate(node.branches)
        ]
        result = context.parallel(functions, node.name, ParallelConfig(**options))
    items = [
        [item.index, item.status.value, item.result, item.error and [item.error.type, item.error.message]]
        for item in result.all
    ]
    return [result.completion_reason.value, result.status.value, items]


def _callback(context: DurableContext, node: Callback) -> Any:
    timeout = Duration(CALLBACK_TIMEOUT_SECONDS if node.outcome == "times out" else 0)
    beats = node.outcome in ("beats", "goes silent")
    heartbeat_timeout = Duration(HEARTBEAT_TIMEOUT_SECONDS if beats else 0)
    if node.submits:
        config = WaitForCallbackConfig(timeout, heartbeat_timeout, retry_strategy=RetryPresets.none())
        return context.wait_for_callback(lambda callback_id, inner: None, node.name, config)
    callback = context.create_callback(node.name, CallbackConfig(timeout, heartbeat_timeout))
    context.step(lambda: "sent", f"{node.name} sent")
    return callback.result()


def _condition(context: DurableContext, node: Condition) -> Any:
    def check(state: int, inner: Any) -> int:
        if state == node.fails_at:
            raise ValueError(f"{node.name} broke")
        return state + 1

    def strategy(state: int, attempt: int) -> WaitForConditionDecision:
        if state >= node.checks:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration(DELAY_SECONDS))

    return context.wait_for_condition(check, WaitForConditionConfig(strategy, 0), node.name)


def _retry(context: DurableContext, node: Retry) -> Any:
    def body(inner: DurableContext, attempt: int) -> Any:
        result = run_body(inner, node.body)
        if attempt <= node.failures:
            raise RuntimeError(f"{node.name} failed")
        return result

    strategy = create_retry_strategy(RetryStrategyConfig(node.attempts, Duration(DELAY_SECONDS)))
    return with_retry(context, body, WithRetryConfig(strategy), node.name)


def run_node(context: DurableContext, node: Node) -> Any:
    """Run a node."""
    match node:
        case Step():
            return _step(context, node)
        case Wait(name, seconds):
            context.wait(seconds, name)
            return None
        case Child(name, body, virtual):
            config: ChildConfig[Any] = ChildConfig(is_virtual=virtual)
            return context.run_in_child_context(lambda inner: run_body(inner, body), name, config)
        case Batch():
            return _batch(context, node)
        case Callback():
            return _callback(context, node)
        case Condition():
            return _condition(context, node)
        case Invoke(name, function, value):
            return context.invoke(function, value, name)
        case Retry():
            return _retry(context, node)
        case Guard(body):
            try:
                return run_body(context, body)
            except DurableOperationError as error:
                return ["caught", type(error).__name__, error.error_type, error.message]
