"""Map: a branch for each item, its name, and what is refused before anything is recorded."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, invoke, outcome, run, statuses, twice

from durable_sdk import (
    BatchItemStatus,
    DurableContext,
    ParallelBranch,
    SerDesError,
    ValidationError,
    durable_with_child_context,
)
from durable_sdk.concurrency.models import CompletionReason
from durable_sdk.config import CompletionConfig, MapConfig, ParallelConfig

ALL = CompletionConfig.all_completed()
LARGE = 200_000


def double(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
    return branch.step(lambda: 2 * item)


def names(service: FakeLambda) -> list[str | None]:
    return [each.get("Name") for each in service.operations.values() if each["Type"] == "CONTEXT"]


def test_the_function_is_called_with_context_item_index_and_all_items() -> None:
    calls: list[Any] = []
    items = ("a", "b")

    def note(branch: DurableContext, item: str, index: int, inputs: Any) -> None:
        calls.append((type(branch), item, index, inputs is items))

    config: MapConfig[str] = MapConfig(max_concurrency=1)
    twice(lambda context: context.map(items, note, "batch", config), FakeLambda())
    assert calls == [(DurableContext, "a", 0, True), (DurableContext, "b", 1, True)]


def test_results_come_in_the_order_of_the_items() -> None:
    service = FakeLambda()
    first, replayed = twice(lambda context: context.map([3, 1, 2], double, "batch"), service)
    assert first == replayed
    assert first.get_results() == [6, 2, 4]
    assert first.completion_reason is CompletionReason.ALL_COMPLETED


def test_the_records_of_a_map_are_contexts_in_a_context() -> None:
    service = FakeLambda()
    twice(lambda context: context.map([3], lambda *call: 1, "batch"), service)
    assert service.actions[0] == ["START batch", "START map-item-0", "SUCCEED map-item-0"]
    assert service.actions[1] == ["SUCCEED batch"]
    assert service.named("batch")["SubType"] == "Map"
    assert service.named("map-item-0")["SubType"] == "MapIteration"
    assert service.named("map-item-0")["ParentId"] == service.named("batch")["Id"]


def test_a_map_ends_with_its_first_failure_unless_told_otherwise() -> None:
    def fails(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        raise ValueError(item)

    one_at_a_time: MapConfig[int] = MapConfig(max_concurrency=1)
    first, replayed = twice(lambda context: context.map([1, 2], fails, config=one_at_a_time), FakeLambda())
    assert first == replayed
    assert statuses(first) == "F"
    assert first.completion_reason is CompletionReason.FAILURE_TOLERANCE_EXCEEDED
    tolerant: MapConfig[int] = MapConfig(completion_config=ALL)
    (batch, _) = twice(lambda context: context.map([1, 2], fails, config=tolerant), FakeLambda())
    assert statuses(batch) == "FF"


@pytest.mark.parametrize("inputs", [[], (), "", range(0), deque()])
def test_a_map_of_nothing_has_completed(inputs: Any) -> None:
    service = FakeLambda()
    for batch in twice(lambda context: context.map(inputs, double, "batch"), service):
        assert batch.all == []
        assert batch.completion_reason is CompletionReason.ALL_COMPLETED
        assert batch.status is BatchItemStatus.SUCCEEDED
    assert service.actions[0] == ["START batch", "SUCCEED batch"]


@pytest.mark.parametrize("inputs", [range(3), (0, 1, 2), deque([0, 1, 2]), b"\x00\x01\x02"])
def test_any_sequence_can_be_mapped(inputs: Any) -> None:
    (batch, _) = twice(lambda context: context.map(inputs, double), FakeLambda())
    assert batch.get_results() == [0, 2, 4]


def test_items_are_named_after_their_position() -> None:
    service = FakeLambda()
    config: MapConfig[int] = MapConfig(max_concurrency=1)
    run(lambda event, context: context.map([7, 8], double, "batch", config).total_count, service)
    assert names(service) == ["batch", "map-item-0", "map-item-1"]


def test_an_item_namer_names_them_and_an_empty_name_is_kept() -> None:
    service = FakeLambda()
    config: MapConfig[Any] = MapConfig(
        max_concurrency=1, item_namer=lambda item, index: f"{item}-{index}" if item else ""
    )
    run(lambda event, context: context.map(["a", ""], lambda *c: 1, config=config).total_count, service)
    assert names(service) == [None, "a-0", None]


def test_the_item_namer_is_asked_for_every_item_on_every_replay() -> None:
    asked: list[Any] = []

    def namer(item: int, index: int) -> str:
        asked.append((item, index))
        return f"item {index}"

    config = MapConfig(item_namer=namer, max_concurrency=1, completion_config=CompletionConfig(1))
    first, _ = twice(lambda context: context.map([5, 6], double, config=config), FakeLambda())
    # The second item was never started.
    assert first.total_count == 1
    assert asked == [(5, 0), (6, 1)] * 2


def test_another_name_of_an_item_ends_the_execution() -> None:
    service = FakeLambda()
    prefix = ["then", "now"]

    def handler(event: Any, context: DurableContext) -> None:
        chosen = prefix.pop(0)
        config: MapConfig[int] = MapConfig(item_namer=lambda item, index: f"{chosen}-{index}")
        context.map([1], lambda branch, item, index, inputs: branch.wait(60), config=config)

    invoke(handler, service)
    output = invoke(handler, service)
    assert output["Error"]["ErrorType"].endswith("NonDeterministicExecutionError")
    assert "name checkpoint='then-0' current='now-0'" in output["Error"]["ErrorMessage"]


def refused(call: Any) -> Any:
    """Return the error of ``call(context)``, having checked that it took no position."""
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: call(context)))
        context.wait(1, "first")

    invoke(handler, service)
    assert service.updates == ["START first"]
    unrefused = FakeLambda()
    invoke(lambda event, context: context.wait(1, "first"), unrefused)
    assert service.named("first")["Id"] == unrefused.named("first")["Id"]
    return seen[0]


@pytest.mark.parametrize(
    "inputs",
    [{1, 2}, frozenset({1}), {"a": 1}, {"a": 1}.values(), iter([1]), (each for each in [1]), None, 5],
)
def test_inputs_without_an_order_are_refused(inputs: Any) -> None:
    error = refused(lambda context: context.map(inputs, double))
    assert isinstance(error, ValidationError)
    assert "map takes a sequence, whose order is the same on every replay" in str(error)
    assert "sorted(...)" in str(error)


@pytest.mark.parametrize("functions", [{len}, {"a": len}, iter([len]), None, 5])
def test_branches_without_an_order_are_refused_too(functions: Any) -> None:
    error = refused(lambda context: context.parallel(functions))
    assert isinstance(error, ValidationError)
    assert "parallel takes a list of functions" in str(error)


def test_one_function_is_no_list_of_branches() -> None:
    error = refused(lambda context: context.parallel(len))
    assert isinstance(error, ValidationError)
    assert str(error).endswith("got one function.")


async def asynchronous(branch: DurableContext, item: int, index: int, inputs: Any) -> None:
    pass


@durable_with_child_context
def decorated(context: DurableContext) -> None:
    pass


@pytest.mark.parametrize(
    "call",
    [
        lambda context: context.map([1], None),
        lambda context: context.map([1], "double"),
        lambda context: context.map([1], asynchronous),
        lambda context: context.map([1], decorated),
        lambda context: context.map([1], double, config=ParallelConfig()),
        lambda context: context.map([1], double, config={"max_concurrency": 1}),
        lambda context: context.map([1], double, "é"),
        lambda context: context.map([1], double, 5),
        lambda context: context.map([1], double, config=MapConfig(completion_config=CompletionConfig(2))),
        lambda context: context.map([], double, config=MapConfig(completion_config=CompletionConfig(1))),
        lambda context: context.map([1], double, config=MapConfig(item_namer=lambda item, index: index)),
        lambda context: context.map([1], double, config=MapConfig(item_namer=lambda item, index: None)),
        lambda context: context.map([1], double, config=MapConfig(item_namer=lambda item, index: "x" * 257)),
        lambda context: context.parallel([len, None]),
        lambda context: context.parallel([asynchronous]),
        lambda context: context.parallel([decorated]),
        lambda context: context.parallel([ParallelBranch(len, "é")]),
        lambda context: context.parallel([len], config=MapConfig()),
        lambda context: context.parallel([len], "x" * 257),
        lambda context: context.parallel([len], config=ParallelConfig(completion_config=CompletionConfig(2))),
    ],
)
def test_a_wrong_argument_takes_no_position(call: Any) -> None:
    assert isinstance(refused(call), ValidationError)


@pytest.mark.parametrize("func", [decorated, decorated()])
def test_a_decorated_function_is_refused_with_the_way_to_write_it(func: Any) -> None:
    error = refused(lambda context: context.map([1], func))
    assert isinstance(error, ValidationError)
    assert str(error).endswith("write lambda context, item, index, inputs: func(item)(context).")


def test_a_function_that_carries_a_name_gives_it() -> None:
    service = FakeLambda()

    def body(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        return item

    body._original_name = "doubling"  # type: ignore[attr-defined]
    run(lambda event, context: context.map([1], body).total_count, service)
    assert service.named("doubling")["SubType"] == "Map"


def test_an_item_namer_that_raises_takes_no_position() -> None:
    config: MapConfig[int] = MapConfig(item_namer=lambda item, index: str(1 // item))
    assert isinstance(refused(lambda context: context.map([1, 0], double, config=config)), ZeroDivisionError)


def test_an_item_whose_result_cannot_be_stored_fails() -> None:
    config: MapConfig[int] = MapConfig(completion_config=ALL)
    first, replayed = twice(
        lambda context: context.map([1, 2], lambda c, item, i, all_: object(), config=config), FakeLambda()
    )
    assert first == replayed
    assert statuses(first) == "FF"
    with pytest.raises(SerDesError):
        first.throw_if_error()


def test_the_envelope_of_a_large_map_is_written_byte_for_byte() -> None:
    service = FakeLambda()
    ran: list[int] = []
    config: MapConfig[int] = MapConfig(
        max_concurrency=1,
        completion_config=CompletionConfig(tolerated_failure_count=1),
        summary_generator=lambda batch: f"{batch.success_count} fine, é",
    )

    def body(branch: DurableContext, item: int, index: int, inputs: Any) -> str:
        if item == 1:
            raise ValueError("boom")
        return branch.step(lambda: ran.append(item) or str(item) * LARGE)

    first, replayed = twice(lambda context: context.map([0, 1, 2], body, "batch", config), service)
    assert service.named("batch")["ContextDetails"] == {
        "Result": '{"type": "MapResult", "totalCount": 3, "completionReason": "ALL_COMPLETED", '
        '"startedIndexes": [], "startedCount": 0, "successCount": 2, "failureCount": 1, '
        '"status": "FAILED", "summary": "2 fine, \\u00e9"}',
        "ReplayChildren": True,
    }
    assert first == replayed
    assert statuses(first) == "SFS"
    assert ran == [0, 2]


def large(branch: DurableContext, item: int, index: int, inputs: Any) -> str:
    return branch.step(lambda: "x" * LARGE)


def test_the_envelope_of_a_map_is_obeyed_on_replay() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.map([0, 1, 2], large, "batch"))
        context.wait(1)

    invoke(handler, service)
    details = service.named("batch")["ContextDetails"]
    details["Result"] = json.dumps(
        {
            "type": "MapResult",
            "totalCount": 2,
            "completionReason": "MIN_SUCCESSFUL_REACHED",
            "completedIndexes": [1],
        }
    )
    service.elapse()
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    assert statuses(seen[1]) == "RS"
    assert seen[1].completion_reason is CompletionReason.MIN_SUCCESSFUL_REACHED


def test_the_envelope_of_another_kind_of_batch_is_no_record() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.map([0, 1, 2], large, "batch"))
        context.wait(1)

    invoke(handler, service)
    details = service.named("batch")["ContextDetails"]
    details["Result"] = details["Result"].replace("MapResult", "ParallelResult").replace("3", "1")
    service.elapse()
    invoke(handler, service)
    assert seen[0] == seen[1]


def test_defect_s16_a_large_map_that_has_lost_an_item_ends_the_execution() -> None:
    service = FakeLambda()
    items = [0, 1, 2]

    def handler(event: Any, context: DurableContext) -> None:
        context.map(items, large, "batch")
        context.wait(1)

    invoke(handler, service)
    service.elapse()
    items.pop()
    output = invoke(handler, service)
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.NonDeterministicExecutionError"
    assert output["Error"]["ErrorMessage"] == (
        f"Non-deterministic batch at id={service.named('batch')['Id']!r}: 3 branches were recorded, "
        "and the handler now has 2."
    )


def test_a_large_item_is_not_handed_to_the_summary_generator_of_the_batch() -> None:
    service = FakeLambda()
    summarized: list[str] = []

    def summary(batch: Any) -> str:
        summarized.append(type(batch).__name__)
        return "all large"

    config: MapConfig[int] = MapConfig(summary_generator=summary)
    first, replayed = twice(
        lambda context: context.map([1], lambda *call: "x" * 300_000, "batch", config), service
    )
    assert first == replayed
    assert statuses(first) == "S"
    assert summarized == ["BatchResult"]
    assert service.named("map-item-0")["ContextDetails"] == {"Result": "", "ReplayChildren": True}


def test_maps_may_have_maps() -> None:
    def rows(branch: DurableContext, row: list[int], index: int, inputs: Any) -> list[int]:
        return branch.map(row, double).get_results()

    first, replayed = twice(lambda context: context.map([[1, 2], [], [3]], rows), FakeLambda())
    assert first == replayed
    assert first.get_results() == [[2, 4], [], [6]]
