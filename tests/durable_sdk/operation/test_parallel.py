"""Parallel: branches, their results, early ends, and large batches, on real threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import (
    TIMEOUT_SECONDS,
    FakeLambda,
    ServiceError,
    facts,
    invoke,
    run,
    start,
    statuses,
    wait_for,
)

from durable_sdk import (
    BatchItemStatus,
    ChildContextError,
    DurableContext,
    ExecutionError,
    InvocationError,
    RetryableSerDesError,
    ValidationError,
)
from durable_sdk.concurrency.models import CompletionReason
from durable_sdk.config import CompletionConfig, ParallelBranch, ParallelConfig, StepConfig
from durable_sdk.exceptions import CheckpointError
from durable_sdk.retries import RetryPresets
from durable_sdk.serdes import ExtendedTypeSerDes, JsonSerDes

ALL_COMPLETED = CompletionReason.ALL_COMPLETED
MIN_SUCCESSFUL = CompletionReason.MIN_SUCCESSFUL_REACHED
TOO_MANY_FAILED = CompletionReason.FAILURE_TOLERANCE_EXCEEDED
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())
ALL = ParallelConfig(completion_config=CompletionConfig.all_completed())
FIRST = ParallelConfig(completion_config=CompletionConfig.first_successful())
LARGE = 200_000

Branch = Callable[[DurableContext], Any]


def step(value: Any, name: str | None = None) -> Branch:
    return lambda branch: branch.step(lambda: value, name)


def failing(message: str = "boom") -> Branch:
    def body(branch: DurableContext) -> Any:
        raise ValueError(message)

    return body


def raising(error: BaseException) -> Branch:
    def body(branch: DurableContext) -> Any:
        raise error

    return body


def batch_of(service: FakeLambda, *branches: Any, config: ParallelConfig | None = None) -> list[Any]:
    """Run the branches, then a wait; return the batch as the first run and the replay saw it."""
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.parallel(branches, "batch", config))
        context.wait(1)

    assert run(handler, service)["Status"] == "SUCCEEDED"
    return seen


def test_results_come_in_the_order_of_the_branches() -> None:
    service = FakeLambda()
    second_done = threading.Event()

    def first(branch: DurableContext) -> str:
        wait_for(second_done)
        return branch.step(lambda: "a")

    def second(branch: DurableContext) -> str:
        result: str = branch.step(lambda: "b")
        second_done.set()
        return result

    for batch in batch_of(service, first, second):
        assert batch.get_results() == ["a", "b"]
        assert batch.completion_reason is CompletionReason.ALL_COMPLETED
        assert batch.status is BatchItemStatus.SUCCEEDED


def test_branches_run_at_the_same_time() -> None:
    meet = threading.Barrier(5, timeout=TIMEOUT_SECONDS)
    batch, _ = batch_of(FakeLambda(), *[lambda branch: meet.wait() >= 0] * 5)
    assert batch.get_results() == [True] * 5


def test_the_records_of_a_batch_are_contexts_in_a_context() -> None:
    service = FakeLambda()
    batch_of(service, step(1, "a"), config=ParallelConfig(max_concurrency=1))
    assert service.actions[:3] == [
        ["START batch", "START parallel-branch-0", "START a", "SUCCEED a"],
        ["SUCCEED parallel-branch-0"],
        ["SUCCEED batch"],
    ]
    assert service.named("batch")["SubType"] == "Parallel"
    assert service.named("parallel-branch-0")["SubType"] == "ParallelBranch"
    stored = json.loads(service.named("batch")["ContextDetails"]["Result"])
    assert stored["t"] == "br"
    assert stored["v"]["completionReason"] == {"t": "s", "v": "ALL_COMPLETED"}


def test_at_most_so_many_branches_are_unfinished_at_a_time() -> None:
    lock = threading.Lock()
    running: list[int] = []
    most: list[int] = []
    started: list[int] = []
    pair = threading.Barrier(2, timeout=TIMEOUT_SECONDS)

    def branch(index: int) -> Branch:
        def body(branch: DurableContext) -> None:
            with lock:
                started.append(index)
                running.append(index)
                most.append(len(running))
            if index < 2:
                pair.wait()
            with lock:
                running.remove(index)

        return body

    batch_of(FakeLambda(), *map(branch, range(6)), config=ParallelConfig(max_concurrency=2))
    assert max(most) == 2
    assert sorted(started[:2]) == [0, 1]
    assert sorted(started) == list(range(6))


def test_one_at_a_time_is_in_the_order_of_the_branches() -> None:
    order: list[int] = []
    branches = [lambda branch, index=index: order.append(index) for index in range(5)]
    batch_of(FakeLambda(), *branches, config=ParallelConfig(max_concurrency=1))
    assert order == [0, 1, 2, 3, 4]


def test_a_branch_that_waits_keeps_its_slot() -> None:
    service = FakeLambda()
    started: list[str] = []

    def first(branch: DurableContext) -> None:
        branch.wait(60)

    def handler(event: Any, context: DurableContext) -> None:
        branches = [first, lambda branch: started.append("second")]
        context.parallel(branches, config=ParallelConfig(max_concurrency=1))

    assert invoke(handler, service) == {"Status": "PENDING"}
    assert started == []
    service.elapse()
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    assert started == ["second"]


def test_an_empty_batch_has_completed() -> None:
    service = FakeLambda()
    for batch in batch_of(service):
        assert batch.all == []
        assert batch.completion_reason is CompletionReason.ALL_COMPLETED
    assert service.actions[0] == ["START batch", "SUCCEED batch"]


def test_more_successes_than_branches_are_refused_before_anything_is_recorded() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError, match="it could never succeed"):
            context.parallel([], config=FIRST)

    run(handler, service)
    assert service.requests == []


@pytest.mark.parametrize(
    ("completion", "outcomes", "ends_as", "reason"),
    [
        (CompletionConfig.all_successful(), "SSS", "SSS", ALL_COMPLETED),
        (CompletionConfig.all_successful(), "SFS", "SF", TOO_MANY_FAILED),
        (CompletionConfig(), "FS", "F", TOO_MANY_FAILED),
        (CompletionConfig.all_completed(), "FSF", "FSF", ALL_COMPLETED),
        (CompletionConfig.first_successful(), "FSS", "FS", MIN_SUCCESSFUL),
        (CompletionConfig.first_successful(), "FF", "FF", ALL_COMPLETED),
        (CompletionConfig(min_successful=2), "SS", "SS", ALL_COMPLETED),
        (
            CompletionConfig(tolerated_failure_count=1),
            "FSFS",
            "FSF",
            CompletionReason.FAILURE_TOLERANCE_EXCEEDED,
        ),
        (
            CompletionConfig(tolerated_failure_percentage=50),
            "FF",
            "FF",
            CompletionReason.FAILURE_TOLERANCE_EXCEEDED,
        ),
        (CompletionConfig(tolerated_failure_percentage=25), "FSSS", "FSSS", ALL_COMPLETED),
    ],
)
def test_the_criteria_end_a_batch_and_tell_why(
    completion: CompletionConfig, outcomes: str, ends_as: str, reason: CompletionReason
) -> None:
    branches = [step(1) if outcome == "S" else failing() for outcome in outcomes]
    # One at a time, so that which branches have ended is no matter of luck.
    config = ParallelConfig(max_concurrency=1, completion_config=completion)
    first, replayed = batch_of(FakeLambda(), *branches, config=config)
    assert statuses(first) == ends_as
    assert first.completion_reason is reason
    assert first == replayed


def test_a_failed_branch_does_not_raise_and_its_error_is_the_raw_one() -> None:
    service = FakeLambda()

    def fails_in_a_step(branch: DurableContext) -> None:
        branch.step(failing("in the step"), config=NO_RETRY)

    first, replayed = batch_of(service, failing(), fails_in_a_step, step(object()), config=ALL)
    assert first == replayed
    assert [(error.type, error.message) for error in first.get_errors()][:2] == [
        ("ValueError", "boom"),
        ("durable_sdk.exceptions.StepError", "in the step"),
    ]
    assert first.get_errors()[2].type == "durable_sdk.exceptions.SerDesError"
    with pytest.raises(ChildContextError, match="boom"):
        first.throw_if_error()
    assert service.named("batch")["Status"] == "SUCCEEDED"
    assert service.named("parallel-branch-0")["Status"] == "FAILED"


def test_the_error_of_a_branch_looks_the_same_on_replay() -> None:
    first, replayed = batch_of(FakeLambda(), failing(), config=ALL)
    errors = []
    for batch in (first, replayed):
        with pytest.raises(ChildContextError) as caught:
            batch.throw_if_error()
        errors.append(facts(caught.value))
    assert errors[0] == errors[1]


def abandoned(late: Branch) -> tuple[FakeLambda, dict[str, Any], list[Any]]:
    """Run a batch that ends with its first branch while ``late`` has yet to begin what it does."""
    service = FakeLambda()
    batches: list[Any] = []
    over, begun = threading.Event(), threading.Event()

    def fast(branch: DurableContext) -> str:
        wait_for(begun)
        return "fast"

    def slow(branch: DurableContext) -> Any:
        begun.set()
        wait_for(over)
        return late(branch)

    def handler(event: Any, context: DurableContext) -> None:
        batches.append(context.parallel([fast, slow], "batch", FIRST))
        over.set()

    return service, start(handler, service).result(), batches


def test_a_batch_that_has_enough_leaves_the_others_started() -> None:
    service, output, (batch,) = abandoned(lambda branch: "slow")
    assert output["Status"] == "SUCCEEDED"
    assert statuses(batch) == "SR"
    assert batch.completion_reason is CompletionReason.MIN_SUCCESSFUL_REACHED
    assert service.named("parallel-branch-1")["Status"] == "STARTED"


@pytest.mark.parametrize(
    "operation",
    [
        lambda branch, body: branch.step(body, "late"),
        lambda branch, body: branch.run_in_child_context(lambda child: child.step(body, "late"), "late"),
        lambda branch, body: branch.parallel([lambda inner: inner.step(body, "late")], "late"),
        lambda branch, body: (branch.wait(1, "late"), branch.step(body, "late")),
    ],
)
def test_an_abandoned_branch_records_nothing_new_and_starts_no_body(operation: Any) -> None:
    ran: list[str] = []

    def late(branch: DurableContext) -> None:
        try:
            operation(branch, lambda: ran.append("body"))
        except Exception:
            raise AssertionError("an abandoned branch cannot catch that it is one") from None

    service, output, _ = abandoned(late)
    assert output["Status"] == "SUCCEEDED"
    assert ran == []
    assert not any("late" in update for update in service.updates)
    assert service.updates[-1] == "SUCCEED batch"


def test_branches_that_were_never_started_are_missing() -> None:
    config = ParallelConfig(max_concurrency=1, completion_config=CompletionConfig.first_successful())
    first, replayed = batch_of(FakeLambda(), step(1), step(2), step(3), config=config)
    assert [item.index for item in first.all] == [0]
    assert first == replayed


def test_recorded_branches_do_not_run_again_in_an_unfinished_batch() -> None:
    service = FakeLambda()
    ran: list[str] = []

    def handler(event: Any, context: DurableContext) -> Any:
        def note(name: str) -> Branch:
            return lambda branch: ran.append(name) or name

        def waiting(branch: DurableContext) -> str:
            branch.wait(60)
            return "waited"

        return context.parallel([note("a"), waiting, failing()], config=ALL).get_results()

    assert run(handler, service)["Result"] == '["a", "waited"]'
    assert ran == ["a"]


def test_a_branch_whose_wait_is_over_is_resumed_within_the_invocation() -> None:
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
        return context.parallel([waiting, busy]).get_results()

    assert invoke(handler, service)["Result"] == '["waited", "busy"]'
    assert service.requests.count([]) == 1
    assert service.updates.count("START pause") == 1


def test_a_branch_whose_retry_is_due_is_resumed_within_the_invocation() -> None:
    service = FakeLambda()
    service.elapse_on_refresh = True
    retried = threading.Event()
    attempts: list[int] = []

    def flaky(branch: DurableContext) -> str:
        def body(step: Any) -> str:
            attempts.append(step.attempt)
            if step.attempt == 1:
                raise ValueError
            retried.set()
            return "retried"

        return branch.step(body, "flaky")

    def busy(branch: DurableContext) -> str:
        wait_for(retried)
        return "busy"

    def handler(event: Any, context: DurableContext) -> Any:
        return context.parallel([flaky, busy]).get_results()

    assert invoke(handler, service)["Result"] == '["retried", "busy"]'
    assert attempts == [1, 2]


def test_a_batch_in_which_everyone_waits_suspends() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.parallel([lambda b: b.wait(1), lambda b: b.wait(2)]).success_count

    assert invoke(handler, service) == {"Status": "PENDING"}
    service.elapse()
    assert invoke(handler, service)["Result"] == "2"


@pytest.mark.parametrize("error", [RetryableSerDesError("passing"), CheckpointError("passing")])
def test_a_retryable_error_lets_the_others_end_and_then_fails_the_invocation(error: InvocationError) -> None:
    service = FakeLambda()
    errors = [error]

    def flaky(branch: DurableContext) -> str:
        if errors:
            raise errors.pop()
        return "flaky"

    def handler(event: Any, context: DurableContext) -> Any:
        config = ParallelConfig(max_concurrency=1, completion_config=CompletionConfig.all_completed())
        return context.parallel([flaky, step("other", "other")], "batch", config).get_results()

    with pytest.raises(type(error), match="passing"):
        invoke(handler, service)
    assert "SUCCEED other" in service.updates
    assert not any(update in {"FAIL parallel-branch-0", "SUCCEED batch"} for update in service.updates)
    assert invoke(handler, service)["Result"] == '["flaky", "other"]'


def test_a_retryable_error_wins_over_a_suspension() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([raising(InvocationError("passing")), lambda branch: branch.wait(60)], config=ALL)

    with pytest.raises(InvocationError, match="passing"):
        invoke(handler, FakeLambda())


def test_no_criteria_tolerate_an_execution_error() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([raising(ExecutionError("stop")), step(1)], "batch", ALL)

    output = invoke(handler, service)
    assert output["Error"] == {
        "ErrorMessage": "stop",
        "ErrorType": "durable_sdk.exceptions.ExecutionError",
    }
    assert not {"FAIL parallel-branch-0", "FAIL batch", "SUCCEED batch"} & set(service.updates)


@pytest.mark.parametrize("control", [SystemExit(3), KeyboardInterrupt()])
def test_the_end_of_the_process_in_a_branch_leaves_the_handler(control: BaseException) -> None:
    with pytest.raises(type(control)):
        invoke(lambda event, context: context.parallel([raising(control)], config=ALL), FakeLambda())


def test_another_name_of_a_branch_ends_the_execution() -> None:
    service = FakeLambda()
    names = ["then", "now"]

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([ParallelBranch(lambda branch: branch.wait(60), names.pop(0))], config=ALL)

    invoke(handler, service)
    output = invoke(handler, service)
    assert output["Error"]["ErrorType"].endswith("NonDeterministicExecutionError")
    assert "name checkpoint='then' current='now'" in output["Error"]["ErrorMessage"]


def test_a_failed_checkpoint_in_a_branch_fails_the_invocation() -> None:
    service = FakeLambda()
    service.fail(0, ServiceError("ServiceException", 500))
    with pytest.raises(CheckpointError):
        invoke(lambda event, context: context.parallel([step(1), step(2)], config=ALL), service)
    assert len(service.requests) == 1


def test_a_withdrawn_token_in_a_branch_ends_the_invocation_as_pending() -> None:
    service = FakeLambda()
    service.revoked_at = 0
    output = invoke(lambda event, context: context.parallel([step(1), step(2)], config=ALL), service)
    assert output == {"Status": "PENDING"}


def test_branches_may_have_branches() -> None:
    def inner(number: int) -> Branch:
        return lambda branch: branch.parallel([step(number), step(number + 1)]).get_results()

    batch, replayed = batch_of(FakeLambda(), inner(1), inner(10))
    assert batch.get_results() == [[1, 2], [10, 11]]
    assert batch == replayed


def test_items_and_batch_are_stored_by_the_serdes_of_their_config() -> None:
    service = FakeLambda()
    config = ParallelConfig(serdes=ExtendedTypeSerDes(), item_serdes=JsonSerDes())
    batch, replayed = batch_of(service, step((1, 2)), config=config)
    assert service.named("parallel-branch-0")["ContextDetails"]["Result"] == "[1, 2]"
    assert batch.get_results() == replayed.get_results() == [[1, 2]]


def large(index: int, ran: list[int]) -> Branch:
    def body(branch: DurableContext) -> str:
        return branch.step(lambda: ran.append(index) or str(index) * LARGE)

    return body


def test_a_large_batch_is_recorded_in_outline_and_rebuilt_from_its_branches() -> None:
    service = FakeLambda()
    ran: list[int] = []
    config = ParallelConfig(max_concurrency=1, completion_config=CompletionConfig.all_completed())
    first, replayed = batch_of(service, large(0, ran), failing(), large(2, ran), config=config)
    assert service.named("batch")["ContextDetails"] == {
        "Result": json.dumps(
            {
                "type": "ParallelResult",
                "totalCount": 3,
                "completionReason": "ALL_COMPLETED",
                "startedIndexes": [],
                "startedCount": 0,
                "successCount": 2,
                "failureCount": 1,
                "status": "FAILED",
            }
        ),
        "ReplayChildren": True,
    }
    assert first == replayed
    assert first.get_results() == ["0" * LARGE, "2" * LARGE]
    assert ran == [0, 2]


def test_a_summary_is_part_of_the_record() -> None:
    service = FakeLambda()
    config = ParallelConfig(summary_generator=lambda result: f"{result.success_count} fine")
    batch_of(service, large(0, []), large(1, []), config=config)
    record = json.loads(service.named("batch")["ContextDetails"]["Result"])
    assert record["summary"] == "2 fine"


def large_and_abandoned() -> tuple[FakeLambda, list[Any], Callable[[], None]]:
    """Run a large batch of which one branch was abandoned; return what replays it."""
    service = FakeLambda()
    batches: list[Any] = []
    over = threading.Event()
    config = ParallelConfig(completion_config=CompletionConfig(min_successful=2))

    def slow(branch: DurableContext) -> None:
        branch.step(lambda: 1, "slow")
        wait_for(over)

    def handler(event: Any, context: DurableContext) -> None:
        branches = [large(0, []), slow, large(2, [])]
        batches.append(context.parallel(branches, "batch", config))
        over.set()
        context.wait(1)

    def replay() -> None:
        service.elapse()
        assert invoke(handler, service)["Status"] == "SUCCEEDED"

    assert invoke(handler, service) == {"Status": "PENDING"}
    return service, batches, replay


def test_branches_that_were_abandoned_stay_so_when_a_large_batch_is_rebuilt() -> None:
    service, batches, replay = large_and_abandoned()
    record = json.loads(service.named("batch")["ContextDetails"]["Result"])
    assert record["startedIndexes"] == [1]
    replay()
    first, replayed = batches
    assert statuses(first) == "SRS"
    assert first == replayed


def test_a_record_names_the_few_that_ended_if_most_did_not() -> None:
    service = FakeLambda()
    batches: list[Any] = []
    over = threading.Event()
    both = threading.Barrier(3, timeout=TIMEOUT_SECONDS)

    def fast(branch: DurableContext) -> str:
        both.wait()
        # Just small enough to be stored itself; the batch around it is not.
        return "x" * 262_100

    def slow(branch: DurableContext) -> None:
        branch.step(lambda: 1)
        if not over.is_set():
            both.wait()
        wait_for(over)

    def handler(event: Any, context: DurableContext) -> None:
        batches.append(context.parallel([slow, fast, slow], "batch", FIRST))
        over.set()
        context.wait(1)

    assert run(handler, service)["Status"] == "SUCCEEDED"
    record = json.loads(service.named("batch")["ContextDetails"]["Result"])
    assert record["completedIndexes"] == [1]
    assert "startedIndexes" not in record
    first, replayed = batches
    assert statuses(first) == "RSR"
    assert first == replayed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, MIN_SUCCESSFUL),
        ({"completionReason": "FAILURE_TOLERANCE_EXCEEDED"}, TOO_MANY_FAILED),
        ({"startedIndexes": None, "completedIndexes": [0, 2]}, MIN_SUCCESSFUL),
    ],
)
def test_a_record_is_obeyed(changes: dict[str, Any], reason: CompletionReason) -> None:
    service, batches, replay = large_and_abandoned()
    details = service.named("batch")["ContextDetails"]
    details["Result"] = json.dumps(json.loads(details["Result"]) | changes)
    replay()
    assert statuses(batches[1]) == "SRS"
    assert batches[1].completion_reason is reason


VALID = {"type": "ParallelResult", "totalCount": 3, "completionReason": "ALL_COMPLETED", "startedIndexes": []}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no json",
        "[]",
        "5",
        "{}",
        json.dumps(VALID | {"type": "MapResult"}),
        json.dumps(VALID | {"completionReason": "INVENTED"}),
        json.dumps(VALID | {"totalCount": True}),
        json.dumps(VALID | {"totalCount": -1}),
        json.dumps(VALID | {"startedIndexes": [True]}),
        json.dumps(VALID | {"startedIndexes": [3]}),
        json.dumps(VALID | {"startedIndexes": [-1]}),
        json.dumps(VALID | {"startedIndexes": "0"}),
        json.dumps(VALID | {"startedIndexes": None}),
    ],
)
def test_without_a_valid_record_the_branches_tell(text: str | None) -> None:
    service, batches, replay = large_and_abandoned()
    service.named("batch")["ContextDetails"]["Result"] = text
    replay()
    first, replayed = batches
    assert first == replayed


def test_a_large_batch_that_has_lost_a_branch_ends_the_execution() -> None:
    service = FakeLambda()
    branches = [large(0, []), large(1, []), large(2, [])]

    def handler(event: Any, context: DurableContext) -> int:
        count = context.parallel(branches, "batch").total_count
        context.wait(1)
        return count

    assert invoke(handler, service) == {"Status": "PENDING"}
    service.elapse()
    branches.pop()
    output = invoke(handler, service)
    assert output["Status"] == "FAILED"
    assert output["Error"]["ErrorType"].endswith("NonDeterministicExecutionError")


def test_a_branch_that_the_record_calls_ended_must_have_ended() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([large(0, []), large(1, [])], "batch")
        context.wait(1)

    invoke(handler, service)
    service.named("parallel-branch-1")["Status"] = "STARTED"
    output = invoke(handler, service)
    assert output["Error"]["ErrorType"].endswith("NonDeterministicExecutionError")
    assert output["Error"]["ErrorMessage"].endswith(
        "recorded terminal branch requires a terminal NESTED branch context checkpoint, got status='STARTED'"
    )


def test_branches_that_were_never_started_are_missing_without_a_record_too() -> None:
    service = FakeLambda()
    batches: list[Any] = []
    config = ParallelConfig(max_concurrency=1, completion_config=CompletionConfig.first_successful())

    def handler(event: Any, context: DurableContext) -> None:
        batches.append(context.parallel([lambda branch: "x" * 300_000, step(2)], "batch", config))
        context.wait(1)

    invoke(handler, service)
    service.named("batch")["ContextDetails"]["Result"] = "another SDK's"
    service.elapse()
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    first, replayed = batches
    assert statuses(first) == "S"
    assert first == replayed


def test_a_branch_that_succeeded_but_cannot_be_read_does_not_become_a_failed_one() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([large(0, []), large(1, [])], "batch")
        context.wait(1)

    invoke(handler, service)
    service.named("parallel-branch-1")["ContextDetails"]["Result"] = "torn"
    output = invoke(handler, service)
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.SerDesError"


def test_a_branch_that_is_large_itself_is_rebuilt_too() -> None:
    ran: list[int] = []

    def branch(context: DurableContext) -> str:
        context.step(lambda: ran.append(1))
        return "x" * 300_000

    first, replayed = batch_of(FakeLambda(), branch, step(2))
    assert first == replayed
    assert ran == [1]


def test_an_abandoned_branch_does_not_repeat_an_interrupted_step_either() -> None:
    service = FakeLambda()
    ran: list[str] = []
    over, begun = threading.Event(), threading.Event()
    interrupted = [True]

    def fast(branch: DurableContext) -> None:
        branch.wait(1)
        wait_for(begun)

    def slow(branch: DurableContext) -> None:
        if not interrupted[0]:
            begun.set()
            wait_for(over)
        branch.step(lambda: ran.append("body"), "late")
        branch.wait(60)

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([fast, slow], "batch", FIRST)
        over.set()

    assert invoke(handler, service) == {"Status": "PENDING"}
    # As if the invocation had died in the body.
    service.named("late")["Status"] = "STARTED"
    del service.named("late")["StepDetails"]
    ran.clear()
    interrupted.clear()
    interrupted.append(False)
    service.elapse()
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    assert ran == []
