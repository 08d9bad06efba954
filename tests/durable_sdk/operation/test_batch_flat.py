"""FLAT nesting: branches without records, whose operations lie in the batch itself."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, invoke, run, start, statuses, twice, wait_for

from durable_sdk import ChildContextError, DurableContext, RetryableSerDesError, SerDesError
from durable_sdk.concurrency.models import CompletionReason
from durable_sdk.config import (
    CompletionConfig,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
)
from durable_sdk.identifier import operation_id
from durable_sdk.retries import RetryPresets
from durable_sdk.serdes import JsonSerDes

FLAT = ParallelConfig(max_concurrency=1, nesting_type=NestingType.FLAT)
NESTED = ParallelConfig(max_concurrency=1)
TOLERANT = ParallelConfig(
    max_concurrency=1, completion_config=CompletionConfig.all_completed(), nesting_type=NestingType.FLAT
)
FIRST = ParallelConfig(completion_config=CompletionConfig.first_successful(), nesting_type=NestingType.FLAT)
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())
LARGE = 200_000


def step(name: str, value: Any = None) -> Any:
    return lambda branch: branch.step(lambda: value, name)


def test_operations_have_the_batch_as_parent_and_ids_under_their_branch() -> None:
    service = FakeLambda()
    twice(lambda context: context.parallel([step("a"), step("b")], "batch", FLAT), service)
    batch = service.named("batch")["Id"]
    assert batch == operation_id(None, 1)
    for index, name in enumerate("ab"):
        operation = service.named(name)
        assert operation["Id"] == operation_id(operation_id(batch, index), 1)
        assert operation["ParentId"] == batch
    assert service.updates[:6] == [
        "START batch",
        "START a",
        "SUCCEED a",
        "START b",
        "SUCCEED b",
        "SUCCEED batch",
    ]


def test_the_ids_are_those_of_nested_branches() -> None:
    ids = []
    for config in (FLAT, NESTED):
        service = FakeLambda()
        twice(lambda context, config=config: context.parallel([step("a")], "batch", config), service)
        ids.append(service.named("a")["Id"])
    assert ids[0] == ids[1]


def test_contexts_inside_a_flat_branch_are_recorded_in_the_batch() -> None:
    service = FakeLambda()

    def branch(context: DurableContext) -> Any:
        return context.run_in_child_context(lambda child: child.step(lambda: 1, "deep"), "child")

    twice(lambda context: context.parallel([branch], "batch", FLAT), service)
    assert service.named("child")["ParentId"] == service.named("batch")["Id"]
    assert service.named("deep")["ParentId"] == service.named("child")["Id"]


def test_a_map_can_be_flat() -> None:
    service = FakeLambda()
    config: MapConfig[int] = MapConfig(nesting_type=NestingType.FLAT)
    first, replayed = twice(
        lambda context: context.map(
            [1, 2], lambda c, item, i, all_: c.step(lambda: item, f"s{item}"), "batch", config
        ),
        service,
    )
    assert first == replayed
    assert first.get_results() == [1, 2]
    assert {each["Name"] for each in service.operations.values() if each["Type"] == "CONTEXT"} == {"batch"}


def test_a_flat_branch_knows_that_it_is_virtual() -> None:
    flat, _ = twice(lambda context: context.parallel([lambda c: c.is_virtual], config=FLAT), FakeLambda())
    nested, _ = twice(lambda context: context.parallel([lambda c: c.is_virtual], config=NESTED), FakeLambda())
    assert (flat.get_results(), nested.get_results()) == ([True], [False])


def test_branches_run_again_until_the_batch_has_ended_but_their_operations_do_not() -> None:
    service = FakeLambda()
    bodies: list[str] = []
    steps: list[str] = []

    def first(branch: DurableContext) -> str:
        bodies.append("first")
        return branch.step(lambda: steps.append("first") or "a")

    def second(branch: DurableContext) -> str:
        bodies.append("second")
        branch.wait(60)
        return branch.step(lambda: steps.append("second") or "b")

    one, two = twice(
        lambda context: context.parallel(
            [first, second], "batch", ParallelConfig(nesting_type=NestingType.FLAT)
        ),
        service,
    )
    assert one == two
    assert one.get_results() == ["a", "b"]
    assert sorted(bodies) == ["first", "first", "second", "second"]
    assert steps == ["first", "second"]


def test_a_finished_flat_batch_answers_from_its_record() -> None:
    bodies: list[int] = []
    one, two = twice(
        lambda context: context.parallel([lambda branch: bodies.append(1)], "batch", FLAT), FakeLambda()
    )
    assert one == two
    assert bodies == [1]


def failing(branch: DurableContext) -> None:
    raise ValueError("boom")


def failing_step(branch: DurableContext) -> None:
    branch.step(lambda: failing(branch), "failing", NO_RETRY)


def test_a_failed_flat_branch_is_the_same_item_as_a_nested_one() -> None:
    batches = []
    for nesting in NestingType:
        config = ParallelConfig(completion_config=CompletionConfig.all_completed(), nesting_type=nesting)
        branches = [failing, failing_step, lambda branch: object(), step("fine", 1)]
        batches += twice(
            lambda context, config=config, branches=branches: context.parallel(branches, "batch", config),
            FakeLambda(),
        )
    assert all(batch == batches[0] for batch in batches)
    assert statuses(batches[0]) == "FFFS"
    assert [error.type for error in batches[0].get_errors()] == [
        "ValueError",
        "durable_sdk.exceptions.StepError",
        "durable_sdk.exceptions.SerDesError",
    ]
    with pytest.raises(ChildContextError, match="boom"):
        batches[0].throw_if_error()


def test_the_result_of_a_flat_branch_is_read_back() -> None:
    config = ParallelConfig(nesting_type=NestingType.FLAT, item_serdes=JsonSerDes())
    first, replayed = twice(lambda context: context.parallel([lambda c: (1, 2)], config=config), FakeLambda())
    assert first == replayed
    assert first.get_results() == [[1, 2]]


def test_a_retryable_error_in_a_flat_branch_fails_the_invocation() -> None:
    service = FakeLambda()
    errors = [RetryableSerDesError("passing")]

    def flaky(branch: DurableContext) -> str:
        branch.step(lambda: 1, "before")
        if errors:
            raise errors.pop()
        return "done"

    def handler(event: Any, context: DurableContext) -> Any:
        return context.parallel([flaky], "batch", TOLERANT).get_results()

    with pytest.raises(RetryableSerDesError):
        invoke(handler, service)
    assert invoke(handler, service)["Result"] == '["done"]'
    assert service.updates.count("START before") == 1


@pytest.mark.parametrize("nesting", list(NestingType))
def test_defect_s2_an_abandoned_branch_starts_no_new_work(nesting: NestingType) -> None:
    service = FakeLambda()
    ran: list[str] = []
    over, begun = threading.Event(), threading.Event()
    config = ParallelConfig(completion_config=CompletionConfig.first_successful(), nesting_type=nesting)

    def fast(branch: DurableContext) -> str:
        wait_for(begun)
        return "fast"

    def slow(branch: DurableContext) -> None:
        begun.set()
        wait_for(over)
        branch.step(lambda: ran.append("late"), "late")

    def handler(event: Any, context: DurableContext) -> str:
        batch = context.parallel([fast, slow], "batch", config)
        over.set()
        return statuses(batch)

    assert start(handler, service).result()["Result"] == '"SR"'
    assert ran == []
    assert service.updates[-1] == "SUCCEED batch"


def mismatch(then: ParallelConfig, now: ParallelConfig, branch: Any) -> tuple[FakeLambda, dict[str, Any]]:
    """Return the service, and the error of an unfinished batch whose nesting has been changed."""
    service = FakeLambda()
    configs = [then, now]

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([branch, lambda c: c.wait(60)], "batch", configs.pop(0))

    assert invoke(handler, service) == {"Status": "PENDING"}
    output = invoke(handler, service)
    assert output["Status"] == "FAILED"
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.NonDeterministicExecutionError"
    return service, output["Error"]


TWO_NESTED = ParallelConfig(completion_config=CompletionConfig.all_completed())
TWO_FLAT = ParallelConfig(completion_config=CompletionConfig.all_completed(), nesting_type=NestingType.FLAT)


@pytest.mark.parametrize("branch", [step("inside"), lambda branch: branch.wait(60, "inside")])
def test_a_nested_batch_cannot_become_flat(branch: Any) -> None:
    service, error = mismatch(TWO_NESTED, TWO_FLAT, branch)
    ids = {each["Id"] for each in service.operations.values() if each.get("SubType") == "ParallelBranch"}
    message = error["ErrorMessage"]
    assert message in {
        f"Non-deterministic branch nesting at id={each!r}: checkpoint contains a NESTED branch context "
        "but current nesting is FLAT"
        for each in ids
    }


def test_a_flat_batch_cannot_become_nested() -> None:
    service, error = mismatch(TWO_FLAT, TWO_NESTED, lambda branch: branch.wait(60, "inside"))
    batch = service.named("batch")["Id"]
    messages = {
        f"Non-deterministic operation identity at id={operation_id(operation_id(batch, index), 1)!r}: "
        f"parent_id checkpoint={batch!r} current={operation_id(batch, index)!r}"
        for index in (0, 1)
    }
    # The wait of the second branch has no name, and no other difference.
    assert error["ErrorMessage"] in messages


def large(value: str, ran: list[str]) -> Any:
    return lambda branch: branch.step(lambda: ran.append(value) or value * LARGE)


def test_a_large_flat_batch_is_rebuilt_by_running_its_branches_over_their_records() -> None:
    service = FakeLambda()
    ran: list[str] = []
    branches = [large("a", ran), failing, large("c", ran), failing_step]
    first, replayed = twice(lambda context: context.parallel(branches, "batch", TOLERANT), service)
    details = service.named("batch")["ContextDetails"]
    assert details["ReplayChildren"] is True
    assert first == replayed
    assert statuses(first) == "SFSF"
    assert ran == ["a", "c"]


def large_and_abandoned(ran: list[str]) -> tuple[FakeLambda, list[Any], Any]:
    service = FakeLambda()
    batches: list[Any] = []
    over, begun = threading.Event(), threading.Event()
    config = ParallelConfig(
        completion_config=CompletionConfig(min_successful=2), nesting_type=NestingType.FLAT
    )

    def slow(branch: DurableContext) -> None:
        ran.append("slow begins")
        branch.step(lambda: 1, "slow")
        begun.set()
        wait_for(over)
        branch.step(lambda: ran.append("late"), "late")

    def third(branch: DurableContext) -> Any:
        wait_for(begun)
        return large("c", ran)(branch)

    def handler(event: Any, context: DurableContext) -> None:
        batches.append(context.parallel([large("a", ran), slow, third], "batch", config))
        over.set()
        context.wait(1)

    def replay() -> None:
        service.elapse()
        assert invoke(handler, service)["Status"] == "SUCCEEDED"

    assert invoke(handler, service) == {"Status": "PENDING"}
    return service, batches, replay


def test_an_abandoned_branch_of_a_large_flat_batch_stays_abandoned_and_does_not_run_again() -> None:
    ran: list[str] = []
    _, batches, replay = large_and_abandoned(ran)
    ran.clear()
    replay()
    assert statuses(batches[0]) == "SRS"
    assert batches[0] == batches[1]
    assert ran == []


def test_a_large_flat_batch_without_a_record_of_its_own_starts_no_new_work_either() -> None:
    ran: list[str] = []
    service, batches, replay = large_and_abandoned(ran)
    service.named("batch")["ContextDetails"]["Result"] = "another SDK's"
    requests = len(service.requests)
    ran.clear()
    replay()
    assert batches[1].get_results() == batches[0].get_results()
    assert batches[1].completion_reason is CompletionReason.MIN_SUCCESSFUL_REACHED
    assert "late" not in ran
    assert not any("late" in update for request in service.actions[requests:] for update in request)


def test_a_step_that_was_interrupted_in_an_abandoned_branch_does_not_run_again() -> None:
    ran: list[str] = []
    service, batches, replay = large_and_abandoned(ran)
    service.named("batch")["ContextDetails"]["Result"] = None
    # As if the invocation had ended while the step of the abandoned branch ran.
    service.named("slow")["Status"] = "STARTED"
    service.named("slow")["StepDetails"] = {}
    replay()
    assert "SUCCEED slow" not in service.updates[service.updates.index("SUCCEED batch") :]
    assert batches[1].get_results() == batches[0].get_results()


def test_an_operation_that_a_large_flat_batch_did_not_record_ends_the_execution() -> None:
    service = FakeLambda()
    ran: list[str] = []
    grown: list[bool] = []

    def branch(context: DurableContext) -> str:
        text: str = large("a", ran)(context) + large("b", ran)(context)
        if grown:
            context.step(lambda: ran.append("new"), "new")
        return text

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([branch], "batch", FLAT)
        context.wait(1)

    invoke(handler, service)
    grown.append(True)
    service.elapse()
    output = invoke(handler, service)
    batch = service.named("batch")["Id"]
    assert output["Error"]["ErrorMessage"] == (
        f"Non-deterministic child context at id={batch!r}: it has ended, and now calls an operation that was "
        f"not recorded, at id={operation_id(operation_id(batch, 0), 3)!r}"
    )
    assert ran == ["a", "b"]


def test_names_of_flat_branches_are_free_to_change() -> None:
    service = FakeLambda()
    names = ["then", "now"]

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([ParallelBranch(lambda c: c.wait(60), names.pop(0))], "batch", FLAT)

    assert invoke(handler, service) == {"Status": "PENDING"}
    service.elapse()
    assert invoke(handler, service)["Status"] == "SUCCEEDED"


def test_batches_in_flat_batches_are_recorded_in_the_outer_one() -> None:
    service = FakeLambda()

    def outer(branch: DurableContext) -> Any:
        return branch.parallel([step("deep", 1)], "inner", FLAT).get_results()

    first, replayed = twice(lambda context: context.parallel([outer], "outer", FLAT), service)
    assert first == replayed
    assert first.get_results() == [[1]]
    assert service.named("inner")["ParentId"] == service.named("outer")["Id"]
    assert service.named("deep")["ParentId"] == service.named("inner")["Id"]


def test_an_unserializable_result_is_thrown_as_a_serdes_error() -> None:
    (batch, _) = twice(
        lambda context: context.parallel([lambda c: object()], "batch", TOLERANT), FakeLambda()
    )
    with pytest.raises(SerDesError):
        batch.throw_if_error()


def test_a_flat_branch_that_waits_is_resumed_within_the_invocation() -> None:
    service = FakeLambda()
    service.elapse_on_refresh = True
    resumed = threading.Event()

    def waiting(branch: DurableContext) -> str:
        branch.wait(1, "pause")
        resumed.set()
        return "waited"

    def busy(branch: DurableContext) -> str:
        wait_for(resumed)
        return "busy"

    def handler(event: Any, context: DurableContext) -> Any:
        return context.parallel([waiting, busy], config=TWO_FLAT).get_results()

    assert run(handler, service)["Result"] == '["waited", "busy"]'
    assert service.updates.count("START pause") == 1
