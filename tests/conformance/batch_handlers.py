"""Handlers of the requirements for parallel and map, which share most of what they do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from conformance.step_handlers import NO_RETRY, fail, give, retrying, succeed_at

from durable_sdk import BatchResult, DurableContext, ParallelBranch, durable_execution
from durable_sdk.config import (
    CompletionDecision,
    CompletionOutcome,
    CompletionStatus,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    complete_batch,
    continue_batch,
)
from durable_sdk.serdes import SerDes, SerDesContext

Body = Callable[[DurableContext], Any]

# More than 256 KiB with two of them: too much to be stored as the result of a batch.
LARGE = 200_000


class Wrapping(SerDes[Any]):
    """Stores a value inside an object."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps({"wrapped": value})

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)["wrapped"]


class Joining(SerDes[BatchResult[str]]):
    """Stores a batch as its results behind a prefix."""

    def __init__(self, succeeded: Callable[[Sequence[str]], BatchResult[str]]) -> None:
        self._succeeded = succeeded

    def serialize(self, value: BatchResult[str], serdes_context: SerDesContext) -> str:
        return "OPSERDE:" + ",".join(value.get_results())

    def deserialize(self, data: str, serdes_context: SerDesContext) -> BatchResult[str]:
        return self._succeeded(data.removeprefix("OPSERDE:").split(","))


def all_succeeded(results: Sequence[str]) -> BatchResult[str]:
    """Return the batch in which every branch has succeeded."""
    items = [
        {"index": index, "status": "SUCCEEDED", "result": result, "error": None}
        for index, result in enumerate(results)
    ]
    return BatchResult.from_dict({"all": items, "completionReason": "ALL_COMPLETED"})


def constant(value: Any) -> Body:
    """Return a branch that returns the value."""
    return lambda branch: value


def step_of(value: Any) -> Body:
    """Return a branch that returns the value by way of a step."""
    return lambda branch: branch.step(give(value))


def raising(message: str) -> Body:
    """Return a branch that raises."""

    def body(branch: DurableContext) -> Any:
        raise ValueError(message)

    return body


def step_after_a_wait(value: Any) -> Body:
    """Return a branch that waits, and then returns the value by way of a step."""

    def body(branch: DurableContext) -> Any:
        branch.wait(Duration.from_seconds(1))
        return branch.step(give(value))

    return body


def counts(batch: BatchResult[Any]) -> dict[str, Any]:
    """Return what a batch says of itself."""
    return {
        "completionReason": batch.completion_reason.value,
        "status": batch.status.value,
        "successCount": batch.success_count,
        "failureCount": batch.failure_count,
        "totalCount": batch.total_count,
    }


def parallel(
    *branches: Body | ParallelBranch[Any],
    name: str | None = None,
    show: Callable[[BatchResult[Any]], Any] = BatchResult.get_results,
    wait: bool = False,
    **options: Any,
) -> Callable[..., Any]:
    """Return a handler that runs the branches, one at a time unless ``options`` say otherwise.

    It returns what ``show`` makes of the batch. ``wait`` lets it suspend in between, so that it is replayed.
    """
    config = ParallelConfig(**({"max_concurrency": 1} | options))

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        batch = context.parallel(list(branches), name=name, config=config)
        if wait:
            context.wait(Duration.from_seconds(1))
        return show(batch)

    return handler


def mapped(
    items: Sequence[Any] | None,
    func: Callable[..., Any],
    name: str | None = None,
    show: Callable[[BatchResult[Any]], Any] = BatchResult.get_results,
    wait: bool = False,
    **options: Any,
) -> Callable[..., Any]:
    """Return a handler that maps the items, or else its input; otherwise like `parallel`."""
    config = MapConfig(**({"max_concurrency": 1} | options))

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        batch = context.map(event if items is None else items, func, name=name, config=config)
        if wait:
            context.wait(Duration.from_seconds(1))
        return show(batch)

    return handler


def greet_in_a_step(branch: DurableContext, item: str, index: int, items: Sequence[str]) -> Any:
    return branch.step(give(f"Hello, {item}!"))


def add_index(branch: DurableContext, item: int, index: int, items: Sequence[int]) -> int:
    return item + index


def itself(branch: DurableContext, item: Any, index: int, items: Sequence[Any]) -> Any:
    return item


def capitals(branch: DurableContext, item: str, index: int, items: Sequence[str]) -> str:
    return item.upper()


def tenfold(branch: DurableContext, item: int, index: int, items: Sequence[int]) -> int:
    return item * 10


def call(branch: DurableContext, item: Body, index: int, items: Sequence[Body]) -> Any:
    """Map functions to what they return."""
    return item(branch)


def throw(batch: BatchResult[Any]) -> Any:
    """Raise the first error of the batch."""
    batch.throw_if_error()


@durable_execution
def nested_parallel(event: Any, context: DurableContext) -> Any:
    config = ParallelConfig(max_concurrency=1)

    def outer(branch: DurableContext) -> Any:
        inner = branch.parallel([step_of("i1"), step_of("i2")], name="inner", config=config)
        return inner.get_results()

    return context.parallel([outer], name="outer", config=config).get_results()


def wrongly_configured(options: dict[str, Any]) -> Callable[..., Any]:
    """Return a handler whose options are made while it runs, for they are refused then."""

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        made = {name: option() if callable(option) else option for name, option in options.items()}
        return context.parallel([constant(1), constant(2)], config=ParallelConfig(**made)).get_results()

    return handler


# What follows is for requirements of our own.


@durable_execution
def nested_map(event: Any, context: DurableContext) -> Any:
    config: MapConfig = MapConfig(max_concurrency=1)

    def outer(branch: DurableContext, item: list[int], index: int, items: Sequence[list[int]]) -> Any:
        return branch.map(item, tenfold, name="inner", config=config).get_results()

    return context.map([[1, 2], [3]], outer, name="outer", config=config).get_results()


def two_are_enough(status: CompletionStatus) -> CompletionDecision:
    """Complete with the second success."""
    return complete_batch() if status.success_count >= 2 else continue_batch()


def one_failure_is_too_many(status: CompletionStatus) -> CompletionDecision:
    """Complete as failed with the first failure."""
    return complete_batch(CompletionOutcome.FAILED) if status.failure_count else continue_batch()


FLAT = NestingType.FLAT
RETRIED = retrying(3)


def retried_step(branch: DurableContext) -> Any:
    """Do a step that fails at first."""
    return branch.step(succeed_at(2), config=RETRIED)


def failing_step(branch: DurableContext) -> Any:
    """Do a step that fails for good."""
    return branch.step(fail("broken"), config=NO_RETRY)


def long_wait(branch: DurableContext) -> str:
    """Wait an hour."""
    branch.wait(Duration.from_hours(1))
    return "an hour later"


def order_of_waits(*seconds: int) -> list[Body]:
    """Return branches that wait so long, and then return how long."""

    def branch_of(count: int) -> Body:
        def body(branch: DurableContext) -> int:
            branch.wait(Duration.from_seconds(count))
            return branch.step(give(count))

        return body

    return [branch_of(count) for count in seconds]
