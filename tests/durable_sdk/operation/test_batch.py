"""What map and parallel have in common: custom completion, their records, and bounds on what runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import (
    TIMEOUT_SECONDS,
    FakeLambda,
    invoke,
    outcome,
    run,
    start,
    statuses,
    twice,
    wait_for,
)

from durable_sdk import (
    BatchCompletionError,
    BatchItemStatus,
    ChildContextError,
    CompletionDecision,
    CompletionItemStatus,
    CompletionOutcome,
    CompletionStatus,
    DurableContext,
    complete_batch,
    continue_batch,
)
from durable_sdk._branch_tasks import MAX_TASKS
from durable_sdk._runtime import ThreadRuntime
from durable_sdk.concurrency.executor import MAX_RUNNING
from durable_sdk.concurrency.models import CompletionReason
from durable_sdk.config import (
    CompletionConfig,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
)
from durable_sdk.exceptions import InvocationError
from durable_sdk.retries import RetryPresets

SUCCEEDED, FAILED = CompletionReason.CUSTOM_COMPLETION_SUCCEEDED, CompletionReason.CUSTOM_COMPLETION_FAILED
BATCHES = {"Map": "map-item", "Parallel": "parallel-branch"}

Predicate = Callable[[CompletionStatus], Any]


def batch(
    context: DurableContext,
    kind: str,
    bodies: list[Callable[[DurableContext], Any]],
    completion: CompletionConfig | None = None,
    **options: Any,
) -> Any:
    """Run the bodies as the branches of a map or of a parallel, one at a time unless told otherwise."""
    options = {"max_concurrency": 1, "completion_config": completion or CompletionConfig()} | options
    if kind == "Parallel":
        return context.parallel(bodies, "batch", ParallelConfig(**options))
    return context.map(bodies, lambda c, body, i, all_: body(c), "batch", MapConfig(**options))


def custom(predicate: Predicate) -> CompletionConfig:
    return CompletionConfig(should_complete=predicate)


def value(result: Any) -> Callable[[DurableContext], Any]:
    return lambda branch: result


def failing(branch: DurableContext) -> Any:
    raise ValueError("boom")


def when(
    condition: Callable[[CompletionStatus], bool], outcome_: CompletionOutcome | None = None
) -> Predicate:
    chosen = outcome_ or CompletionOutcome.SUCCEEDED
    return lambda status: complete_batch(chosen) if condition(status) else continue_batch()


def items(status: CompletionStatus) -> str:
    """Return the statuses of all items as initials, R for a running one and - for one not started."""
    letters = {None: "-", BatchItemStatus.STARTED: "R"}
    return "".join(letters.get(item.status) or item.status.value[0] for item in status.items)


@pytest.mark.parametrize("kind", BATCHES)
def test_a_predicate_ends_a_batch_as_succeeded(kind: str) -> None:
    service = FakeLambda()
    completion = custom(when(lambda status: status.success_count == 2))
    first, replayed = twice(
        lambda context: batch(context, kind, [value(1), failing, value(2), value(3)], completion), service
    )
    assert first == replayed
    assert statuses(first) == "SFS"
    assert first.completion_reason is SUCCEEDED
    # Its word counts, not the failed branch.
    assert first.status is BatchItemStatus.SUCCEEDED
    assert first.has_failure
    with pytest.raises(ChildContextError, match="boom"):
        first.throw_if_error()


@pytest.mark.parametrize("kind", BATCHES)
def test_a_predicate_ends_a_batch_as_failed(kind: str) -> None:
    completion = custom(when(lambda status: status.success_count == 1, CompletionOutcome.FAILED))
    first, replayed = twice(
        lambda context: batch(context, kind, [value(1), value(2)], completion), FakeLambda()
    )
    assert first == replayed
    assert statuses(first) == "S"
    assert first.completion_reason is FAILED
    assert first.status is BatchItemStatus.FAILED
    with pytest.raises(BatchCompletionError) as caught:
        first.throw_if_error()
    assert str(caught.value) == "Batch completed as failed by should_complete (CUSTOM_COMPLETION_FAILED)"
    assert caught.value.completion_reason is FAILED
    assert caught.value.error_type == "durable_sdk.concurrency.models.BatchCompletionError"


@pytest.mark.parametrize("kind", BATCHES)
def test_a_predicate_is_asked_first_and_after_each_end_with_every_branch(kind: str) -> None:
    asked: list[Any] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(
            (
                items(status),
                status.success_count,
                status.failure_count,
                status.completed_count,
                status.total_count,
            )
        )
        return continue_batch()

    first, _ = twice(
        lambda context: batch(context, kind, [value(1), failing, value(2)], custom(predicate)), FakeLambda()
    )
    # The replay answers from the record and asks nothing.
    assert asked == [
        ("---", 0, 0, 0, 3),
        ("S--", 1, 0, 1, 3),
        ("SF-", 1, 1, 2, 3),
        ("SFS", 2, 1, 3, 3),
    ]
    # Failures alone never stop the batch.
    assert first.completion_reason is CompletionReason.ALL_COMPLETED
    assert first.status is BatchItemStatus.FAILED


def test_a_predicate_is_asked_after_a_suspension_but_not_after_a_mere_resume() -> None:
    service = FakeLambda()
    service.elapse_on_refresh = True
    asked: list[str] = []
    recorded, suspended, resumed = threading.Event(), threading.Event(), threading.Event()
    runs: list[int] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(items(status))
        if len(asked) == 2:
            suspended.set()
        return continue_batch()

    def waiting(branch: DurableContext) -> None:
        runs.append(1)
        # So that no start of the other branch is on its way when the wait asks what is new.
        wait_for(recorded)
        branch.wait(1)
        wait_for(suspended)
        resumed.set()
        branch.create_callback("first").result()

    def busy(branch: DurableContext) -> None:
        branch.step(lambda: 1)
        recorded.set()
        wait_for(resumed)
        branch.create_callback("second").result()

    def handler(event: Any, context: DurableContext) -> None:
        batch(context, "Parallel", [waiting, busy], custom(predicate), max_concurrency=None)

    assert invoke(handler, service) == {"Status": "PENDING"}
    # Before the start, after the wait of the first branch, and when each waits for its callback.
    assert asked == ["--", "RR", "RR", "RR"]
    assert len(runs) == 2


@pytest.mark.parametrize("kind", BATCHES)
def test_branches_that_run_are_started_for_the_predicate(kind: str) -> None:
    asked: list[str] = []
    begun = threading.Event()

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(items(status))
        return continue_batch()

    def slow(branch: DurableContext) -> None:
        begun.set()
        wait_for(over)

    over = threading.Event()

    def fast(branch: DurableContext) -> None:
        wait_for(begun)

    def watched(status: CompletionStatus) -> CompletionDecision:
        if status.completed_count == 1:
            over.set()
        return predicate(status)

    run(
        lambda event, context: (
            batch(context, kind, [slow, fast], custom(watched), max_concurrency=2).status.value
        ),
        FakeLambda(),
    )
    assert asked == ["--", "RS", "SS"]


def test_a_predicate_is_told_the_names_that_the_handler_gave() -> None:
    asked: list[CompletionStatus] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(status)
        return complete_batch()

    branches = [ParallelBranch(value(1), "a"), value(2), ParallelBranch(value(3), "")]
    config = ParallelConfig(completion_config=custom(predicate))
    invoke(lambda event, context: context.parallel(branches, config=config).total_count, FakeLambda())
    assert asked[0].items == (
        CompletionItemStatus(0, "a"),
        CompletionItemStatus(1, None),
        CompletionItemStatus(2, ""),
    )
    namer: MapConfig[str] = MapConfig(completion_config=custom(predicate), item_namer=lambda item, i: item)
    invoke(lambda event, context: context.map(["x"], lambda *c: 1, config=namer).total_count, FakeLambda())
    assert asked[1].items == (CompletionItemStatus(0, "x"),)


@pytest.mark.parametrize("kind", BATCHES)
@pytest.mark.parametrize(("chosen", "reason"), [("SUCCEEDED", SUCCEEDED), ("FAILED", FAILED)])
def test_a_predicate_may_end_a_batch_before_its_first_branch(
    kind: str, chosen: str, reason: CompletionReason
) -> None:
    service = FakeLambda()
    completion = custom(when(lambda status: True, CompletionOutcome(chosen)))
    first, replayed = twice(lambda context: batch(context, kind, [failing], completion), service)
    assert first == replayed
    assert first.all == []
    assert first.completion_reason is reason
    assert service.actions[0] == ["START batch", "SUCCEED batch"]


@pytest.mark.parametrize("kind", BATCHES)
def test_the_decision_at_the_last_branch_beats_that_all_have_completed(kind: str) -> None:
    completion = custom(when(lambda status: status.completed_count == 2))
    first, _ = twice(lambda context: batch(context, kind, [value(1), value(2)], completion), FakeLambda())
    assert statuses(first) == "SS"
    assert first.completion_reason is SUCCEEDED


@pytest.mark.parametrize("kind", BATCHES)
@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (complete_batch(), SUCCEEDED),
        (complete_batch(CompletionOutcome.FAILED), FAILED),
        (continue_batch(), CompletionReason.ALL_COMPLETED),
    ],
)
def test_an_empty_batch_asks_once_and_obeys(
    kind: str, decision: CompletionDecision, reason: CompletionReason
) -> None:
    asked: list[CompletionStatus] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(status)
        return decision

    first, replayed = twice(lambda context: batch(context, kind, [], custom(predicate)), FakeLambda())
    assert first == replayed
    assert first.completion_reason is reason
    assert asked == [CompletionStatus(0, 0, 0, 0, ())]


@pytest.mark.parametrize("kind", BATCHES)
def test_a_predicate_that_raises_fails_the_batch(kind: str) -> None:
    service = FakeLambda()
    first, replayed = twice(
        lambda context: batch(context, kind, [value(1)], custom(lambda status: {}[status])), service
    )
    for error in (first, replayed):
        assert type(error) is ChildContextError
        assert error.error_type == "KeyError"
    assert service.actions[0] == ["START batch", "FAIL batch"]


@pytest.mark.parametrize("kind", BATCHES)
@pytest.mark.parametrize("answer", [True, False, "SUCCEEDED", CompletionOutcome.SUCCEEDED, 0])
def test_a_predicate_that_returns_no_decision_fails_the_batch(kind: str, answer: Any) -> None:
    first, replayed = twice(
        lambda context: batch(context, kind, [value(1)], custom(lambda status: answer)), FakeLambda()
    )
    for error in (first, replayed):
        assert type(error) is ChildContextError
        assert error.error_type == "TypeError"
        assert "it returns complete_batch(...) or continue_batch()" in str(error)


def test_defect_s11_a_predicate_that_returns_nothing_is_asked_once_for_each_event() -> None:
    asked: list[str] = []

    def predicate(status: CompletionStatus) -> None:
        asked.append(items(status))

    first, _ = twice(
        lambda context: batch(context, "Parallel", [value(1), value(2)], custom(predicate)), FakeLambda()
    )
    assert asked == ["--", "S-", "SS"]
    assert first.completion_reason is CompletionReason.ALL_COMPLETED


def test_a_predicate_abandons_the_branches_that_run() -> None:
    service = FakeLambda()
    over, begun = threading.Event(), threading.Event()

    def slow(branch: DurableContext) -> None:
        begun.set()
        wait_for(over)
        branch.step(lambda: 1, "late")

    def fast(branch: DurableContext) -> None:
        wait_for(begun)

    def handler(event: Any, context: DurableContext) -> str:
        completion = custom(when(lambda status: status.success_count == 1))
        result = batch(context, "Parallel", [slow, fast], completion, max_concurrency=None)
        over.set()
        return statuses(result)

    assert start(handler, service).result()["Result"] == '"RS"'
    assert service.updates[-1] == "SUCCEED batch"


def test_a_batch_that_is_resumed_asks_from_the_start_again() -> None:
    asked: list[str] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(items(status))
        return continue_batch()

    def handler(event: Any, context: DurableContext) -> None:
        bodies: list[Any] = [value(1), lambda branch: branch.wait(1)]
        batch(context, "Map", bodies, custom(predicate))

    run(handler, FakeLambda())
    assert asked == ["--", "S-", "SR", "--", "S-", "SS"]


def test_a_predicate_runs_on_the_thread_that_asked_for_the_batch() -> None:
    threads: list[threading.Thread] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        threads.append(threading.current_thread())
        return continue_batch()

    def handler(event: Any, context: DurableContext) -> None:
        threads.append(threading.current_thread())
        batch(context, "Map", [value(1), value(2)], custom(predicate))

    invoke(handler, FakeLambda())
    assert set(threads) == {threads[0]}


@pytest.mark.parametrize("kind", BATCHES)
def test_a_custom_reason_is_part_of_the_stored_result_and_of_a_large_ones_envelope(kind: str) -> None:
    asked: list[int] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(status.completed_count)
        return when(lambda each: each.completed_count == 1, CompletionOutcome.FAILED)(status)

    service = FakeLambda()
    # Just small enough to be stored itself; the batch around it is not.
    first, replayed = twice(
        lambda context: batch(context, kind, [value("x" * 262_100), value(2)], custom(predicate)), service
    )
    assert first == replayed
    assert asked == [0, 1]
    assert service.named("batch")["ContextDetails"] == {
        "Result": f'{{"type": "{kind}Result", "totalCount": 1, '
        '"completionReason": "CUSTOM_COMPLETION_FAILED", "startedIndexes": [], "startedCount": 0, '
        '"successCount": 1, "failureCount": 0, "status": "FAILED"}',
        "ReplayChildren": True,
    }


def test_a_record_of_another_sdk_asks_the_predicate_once() -> None:
    service = FakeLambda()
    asked: list[str] = []
    seen: list[Any] = []

    def predicate(status: CompletionStatus) -> CompletionDecision:
        asked.append(items(status))
        return when(lambda each: each.completed_count == 1)(status)

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(batch(context, "Map", [value("x" * 262_100), value(2)], custom(predicate)))
        context.wait(1)

    invoke(handler, service)
    service.named("batch")["ContextDetails"]["Result"] = "another SDK's"
    service.elapse()
    asked.clear()
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    assert asked == ["S-"]
    assert seen[0] == seen[1]


def test_an_uncaught_batch_completion_error_is_known_again_at_the_next_boundary() -> None:
    completion = custom(when(lambda status: True, CompletionOutcome.FAILED))

    def child(context: DurableContext) -> None:
        batch(context, "Map", [value(1)], completion).throw_if_error()

    for error in twice(lambda context: context.run_in_child_context(child), FakeLambda()):
        assert type(error) is ChildContextError
        assert error.error_type == "durable_sdk.concurrency.models.BatchCompletionError"
        cause = error.__cause__
        assert type(cause) is BatchCompletionError
        assert cause.completion_reason is FAILED


@pytest.mark.parametrize("kind", BATCHES)
def test_a_summary_is_written_as_text_whatever_it_is(kind: str) -> None:
    service = FakeLambda()
    twice(
        lambda context: batch(
            context, kind, [value("x" * 262_100)], summary_generator=lambda result: result.success_count
        ),
        service,
    )
    assert service.named("batch")["ContextDetails"]["Result"].endswith('"summary": "1"}')


@pytest.mark.parametrize("kind", BATCHES)
def test_a_summary_generator_that_raises_fails_the_batch(kind: str) -> None:
    def summary(result: Any) -> str:
        raise ValueError("no words")

    for error in twice(
        lambda context: batch(context, kind, [value("x" * 262_100)], summary_generator=summary), FakeLambda()
    ):
        assert type(error) is ChildContextError
        assert (error.error_type, str(error)) == ("ValueError", "no words")


@pytest.mark.parametrize("kind", BATCHES)
def test_a_small_batch_does_not_ask_for_a_summary(kind: str) -> None:
    asked: list[Any] = []
    twice(lambda context: batch(context, kind, [value(1)], summary_generator=asked.append), FakeLambda())
    assert asked == []


class Gauge:
    """Counts how many branches run at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._running -= 1


def branch_threads() -> int:
    return sum(thread.name.startswith("branch-") for thread in threading.enumerate())


@pytest.mark.parametrize("nesting", list(NestingType))
def test_defect_s17_a_map_of_a_thousand_items_runs_a_bounded_number_of_branches(nesting: NestingType) -> None:
    gauge = Gauge()
    threads: list[int] = []
    full = threading.Barrier(MAX_RUNNING, timeout=TIMEOUT_SECONDS)

    def body(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        with gauge:
            if index < MAX_RUNNING:
                full.wait()
                threads.append(branch_threads())
            return branch.step(lambda: item)

    config: MapConfig[int] = MapConfig(nesting_type=nesting)
    output = run(
        lambda event, context: sum(context.map(range(1000), body, config=config).get_results()), FakeLambda()
    )
    assert output["Result"] == str(sum(range(1000)))
    assert gauge.most == MAX_RUNNING
    # A thread whose branch has ended may still be on its way out.
    assert max(threads) < 2 * MAX_RUNNING


def test_branches_that_wait_make_room_and_come_back_within_the_bound() -> None:
    service = FakeLambda()
    gauge = Gauge()

    def body(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        with gauge:
            branch.step(lambda: 1)
        branch.wait(60)
        with gauge:
            return branch.step(lambda: item)

    def handler(event: Any, context: DurableContext) -> int:
        return len(context.map(range(300), body).get_results())

    assert invoke(handler, service) == {"Status": "PENDING"}
    assert sum(each["Type"] == "WAIT" for each in service.operations.values()) == 300
    service.elapse()
    assert invoke(handler, service)["Result"] == "300"
    assert gauge.most <= MAX_RUNNING


def test_branches_that_are_resumed_within_the_invocation_keep_the_bound() -> None:
    service = FakeLambda()
    service.elapse_on_refresh = True
    gauge = Gauge()
    resumed = threading.Semaphore(0)

    def waiting(branch: DurableContext) -> int:
        with gauge:
            branch.step(lambda: 1)
        branch.wait(1)
        with gauge:
            resumed.release()
            return 1

    def busy(branch: DurableContext) -> int:
        for _ in range(200):
            assert resumed.acquire(timeout=TIMEOUT_SECONDS)
        return 1

    def handler(event: Any, context: DurableContext) -> int:
        return len(context.parallel([waiting] * 200 + [busy]).get_results())

    assert invoke(handler, service)["Result"] == "201"
    assert gauge.most <= MAX_RUNNING


def test_nested_maps_wider_than_the_bound_do_not_deadlock() -> None:
    def inner(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        return item

    def outer(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        return sum(branch.map([item, item], inner).get_results())

    items_ = range(MAX_RUNNING + 20)
    output = run(lambda event, context: sum(context.map(items_, outer).get_results()), FakeLambda())
    assert output["Result"] == str(2 * sum(items_))


def test_branches_of_nested_maps_are_bounded_together() -> None:
    gauge = Gauge()
    most: list[int] = []

    def inner(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        with gauge:
            most.append(branch_threads())
            return branch.step(lambda: item)

    def outer(branch: DurableContext, item: int, index: int, inputs: Any) -> int:
        return sum(branch.map(range(10), inner).get_results())

    items_ = range(MAX_RUNNING)
    output = run(lambda event, context: sum(context.map(items_, outer).get_results()), FakeLambda())
    assert output["Result"] == str(len(items_) * sum(range(10)))
    # Each of the outer branches runs, and each inner map runs at least one of its own.
    assert gauge.most <= MAX_TASKS
    assert max(most) < MAX_TASKS + 2 * MAX_RUNNING


@pytest.mark.parametrize("kind", BATCHES)
def test_a_limit_of_one_and_a_limit_above_the_bound_both_finish(kind: str) -> None:
    for limit in (1, 10 * MAX_RUNNING):
        output = run(
            lambda event, context, limit=limit: (
                batch(context, kind, [value(1)] * 150, max_concurrency=limit).success_count
            ),
            FakeLambda(),
        )
        assert output["Result"] == "150"


def test_a_failed_step_in_a_branch_keeps_data_and_stack_trace_to_the_outside() -> None:
    def body(branch: DurableContext) -> None:
        def fails() -> None:
            raise ChildContextError("inner", "X", "data", ["line"])

        branch.step(fails, config=StepConfig(RetryPresets.none()))

    tolerant = CompletionConfig.all_completed()
    for result in twice(lambda context: batch(context, "Map", [body], tolerant), FakeLambda()):
        (error,) = result.get_errors()
        assert (error.message, error.data, error.stack_trace) == ("inner", "data", ["line"])
        thrown = outcome(result.throw_if_error)
        assert (str(thrown), thrown.data, thrown.stack_trace) == ("inner", "data", ["line"])  # type: ignore[union-attr]


def test_a_branch_for_which_no_thread_is_left_fails_the_invocation_and_not_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = FakeLambda()
    spawn = ThreadRuntime.spawn
    refused: list[str] = []

    def spawn_but_once(self: ThreadRuntime, body: Any, name: str, delay_seconds: float = 0.0) -> None:
        if name == "branch-1" and not refused:
            refused.append(name)
            raise RuntimeError("can't start new thread")
        spawn(self, body, name, delay_seconds)

    monkeypatch.setattr(ThreadRuntime, "spawn", spawn_but_once)

    def handler(event: Any, context: DurableContext) -> Any:
        return context.map([1, 2], lambda inner, item, index, items: item, "all").get_results()

    with pytest.raises(InvocationError, match="Branch 1 could not be started"):
        invoke(handler, service)
    assert "FAIL all" not in service.updates
    assert invoke(handler, service)["Result"] == "[1, 2]"
