"""Which hooks plugins are called with, in which order, on the first run, on replay and after a crash."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any

import pytest
from corpus import CASES, ONCE, Case, fail, history_text, make_runner, runner_of, text_of
from durable_sdk_fakes import FakeLambda, ServiceError
from plugin_recorder import Recording, observe

from durable_sdk import (
    ChildContextError,
    DurableContext,
    InvocationError,
    ParallelBranch,
    SerDesError,
    StepContext,
    durable_execution,
)
from durable_sdk.config import (
    CompletionConfig,
    Duration,
    JitterStrategy,
    ParallelConfig,
    StepConfig,
    StepSemantics,
)
from durable_sdk.lambda_service import OperationStatus
from durable_sdk.plugin import (
    DurableInstrumentationPlugin,
    InvocationEndInfo,
    InvocationStartInfo,
    OperationChangeInfo,
    OperationEndInfo,
    OperationStartInfo,
    OperationType,
    UserFunctionEndInfo,
    UserFunctionOutcome,
    UserFunctionStartInfo,
)
from durable_sdk.retries import RetryStrategyConfig, create_retry_strategy

TWICE = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(max_attempts=2, initial_delay=Duration(1), jitter_strategy=JitterStrategy.NONE)
    )
)
ONE_BY_ONE = ParallelConfig(max_concurrency=1)


def unreliable(step_context: StepContext) -> str:
    if step_context.attempt == 1:
        raise ValueError("boom")
    return "ok"


def test_a_step_starts_runs_and_ends_between_the_hooks_of_its_invocation() -> None:
    _, recording = observe(lambda event, context: context.step(lambda: "hi", "a"))
    assert recording.lines == [
        "invocation-start first",
        "operation-start a",
        "function-start a 1",
        "function-end a 1 SUCCEEDED",
        "operation-end a SUCCEEDED",
        "invocation-end SUCCEEDED",
    ]


def test_the_infos_of_a_step_tell_what_is_known_at_each_point() -> None:
    _, recording = observe(lambda event, context: context.step(lambda: "hi", "a"))
    (started,) = recording.of(OperationStartInfo)
    (running,) = recording.of(UserFunctionStartInfo)
    (ran,) = recording.of(UserFunctionEndInfo)
    (ended,) = recording.of(OperationEndInfo)
    for info in (started, running, ran):
        assert info.operation_type is OperationType.STEP
        assert (info.sub_type, info.name, info.parent_id) == ("Step", "a", None)
        assert info.operation_id == ended.operation_id
        assert info.status is OperationStatus.STARTED
        assert not info.is_replayed
        assert (info.result, info.error) == (None, None)
    assert (started.start_time, started.end_time, started.attempt) == (None, None, None)
    assert (running.attempt, running.end_time, running.is_replay_children) == (1, None, False)
    assert (ran.attempt, ran.is_replay_children, ran.outcome) == (1, False, UserFunctionOutcome.SUCCEEDED)
    assert running.start_time == ran.start_time <= ran.end_time
    assert running.start_time.tzinfo is not None
    assert (ended.status, ended.result, ended.attempt) == (OperationStatus.SUCCEEDED, '"hi"', 1)
    assert ended.start_time <= ended.end_time


def test_an_attempt_that_is_retried_fails_without_ending_its_operation() -> None:
    def handler(event: Any, context: DurableContext) -> str:
        context.step(lambda: 1, "a")
        return context.step(unreliable, "b", TWICE)

    _, recording = observe(handler)
    assert recording.invocations() == [
        [
            "invocation-start first",
            "operation-start a",
            "function-start a 1",
            "function-end a 1 SUCCEEDED",
            "operation-end a SUCCEEDED",
            "operation-start b",
            "function-start b 1",
            "function-end b 1 FAILED",
            "invocation-end PENDING",
        ],
        [
            "invocation-start",
            "operation-start b replayed",
            "function-start b 2",
            "function-end b 2 SUCCEEDED",
            "operation-end b SUCCEEDED",
            "invocation-end SUCCEEDED",
        ],
    ]
    first, second = recording.of(UserFunctionEndInfo, "b")
    assert (first.error.type, first.error.message) == ("ValueError", "boom")
    assert second.error is None


def test_the_last_attempt_ends_a_step_that_gives_up() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(fail("boom"), "b", TWICE)

    result, recording = observe(handler)
    assert result.status == "FAILED"
    assert recording.invocations()[1] == [
        "invocation-start",
        "operation-start b replayed",
        "function-start b 2",
        "function-end b 2 FAILED",
        "operation-end b FAILED",
        "invocation-end FAILED",
    ]
    assert recording.of(OperationEndInfo)[0].error.message == "boom"


def test_a_wait_ends_in_the_invocation_that_finds_it_over_before_the_handler_goes_on() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(lambda: 1, "before")
        context.wait(seconds=5, name="pause")
        context.step(lambda: 1, "after")

    _, recording = observe(handler)
    assert recording.invocations() == [
        [
            "invocation-start first",
            "operation-start before",
            "function-start before 1",
            "function-end before 1 SUCCEEDED",
            "operation-end before SUCCEEDED",
            "operation-start pause",
            "invocation-end PENDING",
        ],
        [
            "invocation-start",
            "operation-end pause SUCCEEDED",
            "operation-start after",
            "function-start after 1",
            "function-end after 1 SUCCEEDED",
            "operation-end after SUCCEEDED",
            "invocation-end SUCCEEDED",
        ],
    ]
    assert not recording.of(OperationEndInfo, "pause")[0].is_replayed


def nested(event: Any, context: DurableContext) -> int:
    def body(child: DurableContext) -> int:
        child.step(lambda: 1, "first")
        child.wait(seconds=1, name="pause")
        return child.step(lambda: 2, "second")

    return context.run_in_child_context(body, "outer")


def test_what_suspends_leaves_its_functions_incomplete_and_is_replayed_once() -> None:
    _, recording = observe(nested)
    assert recording.invocations() == [
        [
            "invocation-start first",
            "operation-start outer",
            "function-start outer 1",
            "operation-start first",
            "function-start first 1",
            "function-end first 1 SUCCEEDED",
            "operation-end first SUCCEEDED",
            "operation-start pause",
            "function-end outer 1 INCOMPLETE",
            "invocation-end PENDING",
        ],
        [
            "invocation-start",
            "operation-start outer replayed",
            "function-start outer None",
            "operation-end pause SUCCEEDED",
            "operation-start second",
            "function-start second 1",
            "function-end second 1 SUCCEEDED",
            "operation-end second SUCCEEDED",
            "function-end outer None SUCCEEDED",
            "operation-end outer SUCCEEDED",
            "invocation-end SUCCEEDED",
        ],
    ]


def test_a_replayed_start_has_the_recorded_time_and_the_status_started() -> None:
    _, recording = observe(nested)
    _, replayed = recording.of(OperationStartInfo, "outer")
    assert replayed.start_time == recording.of(OperationEndInfo, "outer")[0].start_time
    assert (replayed.status, replayed.attempt) == (OperationStatus.STARTED, None)


def test_operations_below_a_context_name_it_as_their_parent() -> None:
    _, recording = observe(nested)
    (outer,) = recording.of(OperationEndInfo, "outer")
    assert outer.parent_id is None
    assert [info.parent_id for info in recording.of(OperationEndInfo, "second")] == [outer.operation_id]
    assert [info.parent_id for info in recording.of(UserFunctionStartInfo, "second")] == [outer.operation_id]


def test_a_context_that_fails_is_reported_once() -> None:
    def broken(child: DurableContext) -> None:
        raise ValueError("bad")

    def handler(event: Any, context: DurableContext) -> None:
        with contextlib.suppress(ChildContextError):
            context.run_in_child_context(broken, "child")
        context.wait(seconds=1)

    _, recording = observe(handler)
    assert [line for line in recording.lines if "child" in line] == [
        "operation-start child",
        "function-start child 1",
        "function-end child 1 FAILED",
        "operation-end child FAILED",
    ]


def test_a_result_that_cannot_be_stored_fails_the_operation_and_not_the_function() -> None:

    _, recording = observe(lambda event, context: _unstorable(context))
    assert recording.lines[2:5] == [
        "function-start a 1",
        "function-end a 1 SUCCEEDED",
        "operation-end a FAILED",
    ]
    assert recording.lines[6:9] == [
        "function-start b 1",
        "function-end b 1 SUCCEEDED",
        "operation-end b FAILED",
    ]


def _unstorable(context: DurableContext) -> None:
    with contextlib.suppress(SerDesError):
        context.step(lambda: object(), "a", ONCE)
    with contextlib.suppress(SerDesError):
        context.run_in_child_context(lambda child: object(), "b")


def test_a_context_whose_result_is_too_large_is_reported_on_every_replay() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        def body(child: DurableContext) -> str:
            return child.step(lambda: 1, "inner") * "x" * 300_000

        context.run_in_child_context(body, "large")
        context.wait(seconds=1, name="one")
        context.wait(seconds=1, name="two")

    _, recording = observe(handler)
    replay = [
        "function-start large None",
        "function-end large None SUCCEEDED",
        "operation-end large SUCCEEDED replayed",
    ]
    first, second, third = recording.invocations()
    assert first[-4:-2] == ["function-end large 1 SUCCEEDED", "operation-end large SUCCEEDED"]
    assert second[1:4] == replay
    assert third[1:4] == replay
    assert [info.is_replay_children for info in recording.of(UserFunctionStartInfo, "large")] == [
        False,
        True,
        True,
    ]
    replayed = recording.of(OperationEndInfo, "large")[-1]
    assert (replayed.result, replayed.start_time) == (None, None)
    assert replayed.end_time is not None


def test_branches_begin_and_end_inside_their_batch() -> None:
    def waits(branch: DurableContext) -> str:
        branch.wait(seconds=2, name="pause")
        return "a"

    branches = [ParallelBranch(waits, name="a"), ParallelBranch(lambda branch: "b", name="b")]
    _, recording = observe(lambda event, context: context.parallel(branches, "all", ONE_BY_ONE).get_results())
    assert recording.invocations() == [
        [
            "invocation-start first",
            "operation-start all",
            "function-start all 1",
            "operation-start a",
            "function-start a 1",
            "operation-start pause",
            "function-end a 1 INCOMPLETE",
            "function-end all 1 INCOMPLETE",
            "invocation-end PENDING",
        ],
        [
            "invocation-start",
            "operation-start all replayed",
            "function-start all None",
            "operation-start a replayed",
            "function-start a None",
            "operation-end pause SUCCEEDED",
            "function-end a None SUCCEEDED",
            "operation-end a SUCCEEDED",
            "operation-start b",
            "function-start b 1",
            "function-end b 1 SUCCEEDED",
            "operation-end b SUCCEEDED",
            "function-end all None SUCCEEDED",
            "operation-end all SUCCEEDED",
            "invocation-end SUCCEEDED",
        ],
    ]
    assert {info.sub_type for info in recording.of(OperationEndInfo)} == {
        "Parallel",
        "ParallelBranch",
        "Wait",
    }


def test_a_branch_that_goes_on_in_the_same_invocation_is_not_started_again() -> None:
    def waits(branch: DurableContext) -> int:
        branch.wait(seconds=1, name="pause")
        return 1

    def busy(branch: DurableContext) -> None:
        branch.step(lambda: time.sleep(5), "slow")

    branches = [ParallelBranch(waits, name="waits"), ParallelBranch(busy, name="busy")]
    _, recording = observe(lambda event, context: context.parallel(branches, "all").get_results())
    assert len(recording.invocations()) == 1
    assert [line for line in recording.lines if "waits" in line or "pause" in line] == [
        "operation-start waits",
        "function-start waits 1",
        "operation-start pause",
        "function-end waits 1 INCOMPLETE",
        "function-start waits None",
        "operation-end pause SUCCEEDED",
        "function-end waits None SUCCEEDED",
        "operation-end waits SUCCEEDED",
    ]


def test_a_branch_that_the_batch_no_longer_waits_for_does_not_end() -> None:
    def slow(branch: DurableContext) -> None:
        branch.step(lambda: time.sleep(60), "slow step")

    branches = [ParallelBranch(slow, name="slow"), ParallelBranch(lambda branch: 1, name="quick")]
    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    _, recording = observe(lambda event, context: context.parallel(branches, "all", config).get_results())
    assert "operation-end all SUCCEEDED" in recording.lines
    assert [line for line in recording.lines if "slow" in line] == [
        "operation-start slow",
        "function-start slow 1",
        "operation-start slow step",
        "function-start slow step 1",
        "function-end slow step 1 SUCCEEDED",
        "function-end slow 1 INCOMPLETE",
    ]
    assert recording.lines[-1] == "invocation-end SUCCEEDED"


def test_an_operation_that_is_refused_does_not_start() -> None:
    def slow(branch: DurableContext) -> None:
        time.sleep(5)
        branch.step(lambda: None, "too late")

    branches = [ParallelBranch(slow, name="slow"), ParallelBranch(lambda branch: 1, name="quick")]
    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    _, recording = observe(lambda event, context: context.parallel(branches, "all", config).get_results())
    assert [line for line in recording.lines if "slow" in line or "late" in line] == [
        "operation-start slow",
        "function-start slow 1",
        "function-end slow 1 INCOMPLETE",
    ]


def crashed_after_five_seconds(func: Any, *plugins: Any) -> list[list[str]]:
    """Run a handler whose process dies, and return the lines of each invocation."""
    recording = Recording()
    with make_runner(durable_execution(plugins=[*plugins, recording])(func)) as runner:
        execution = runner.start()
        execution.advance(5)
        execution.crash()
        assert execution.finish().status == "SUCCEEDED"
    return recording.invocations()


def test_a_process_that_dies_in_a_step_calls_no_hook_and_the_next_one_replays() -> None:
    crashed, resumed = crashed_after_five_seconds(nested_sleep)
    assert crashed == [
        "invocation-start first",
        "operation-start outer",
        "function-start outer 1",
        "operation-start slow",
        "function-start slow 1",
    ]
    assert resumed[0] == "invocation-start"
    assert resumed[-1] == "invocation-end SUCCEEDED"
    assert "operation-start slow replayed" in resumed


def test_a_process_that_dies_in_the_handler_calls_no_hook() -> None:
    crashed, _ = crashed_after_five_seconds(lambda event, context: time.sleep(10))
    assert crashed == ["invocation-start first"]


@pytest.mark.parametrize(
    ("hook", "lines"),
    [
        ("on_invocation_start", []),
        ("on_operation_start", ["invocation-start first"]),
        ("on_operation_change", ["invocation-start first", "operation-start a", "function-start a 1"]),
        ("on_invocation_end", None),
    ],
)
def test_a_process_that_dies_in_a_hook_calls_no_other_and_logs_nothing(
    hook: str, lines: list[str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    def sleep(self: DurableInstrumentationPlugin, info: Any) -> None:
        time.sleep(10)

    plugin = type("Sleeping", (DurableInstrumentationPlugin,), {hook: sleep})()
    recording = Recording()
    handler = durable_execution(plugins=[plugin, recording])(
        lambda event, context: context.step(lambda: 1, "a")
    )
    with make_runner(handler) as runner:
        execution = runner.start()
        execution.advance(5)
        before = list(recording.lines)
        execution.crash()
        assert recording.lines == before
        assert "invocation-end RETRY" not in before
        if lines is not None:
            assert before[: len(lines)] == lines
        assert execution.finish().status == "SUCCEEDED"
    assert caplog.text == ""


def nested_sleep(event: Any, context: DurableContext) -> None:
    context.run_in_child_context(lambda child: child.step(lambda: time.sleep(10), "slow"), "outer")


def test_an_attempt_that_was_interrupted_and_may_not_run_again_calls_no_function() -> None:
    attempts: list[int] = []

    def exits_once(step_context: StepContext) -> int:
        attempts.append(step_context.attempt)
        if len(attempts) == 1:
            raise SystemExit(3)
        return 1

    config = StepConfig(
        retry_strategy=TWICE.retry_strategy, step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY
    )
    _, recording = observe(lambda event, context: context.step(exits_once, "s", config))
    assert recording.invocations() == [
        [
            "invocation-start first",
            "operation-start s",
            "function-start s 1",
            "function-end s 1 INCOMPLETE",
            "invocation-end RETRY",
        ],
        ["invocation-start", "operation-start s replayed", "invocation-end PENDING"],
        [
            "invocation-start",
            "operation-start s replayed",
            "function-start s 2",
            "function-end s 2 SUCCEEDED",
            "operation-end s SUCCEEDED",
            "invocation-end SUCCEEDED",
        ],
    ]


@pytest.mark.parametrize(
    ("error", "error_type"),
    [(SystemExit(3), "SystemExit"), (InvocationError("again"), "durable_sdk.exceptions.InvocationError")],
)
def test_an_exception_that_leaves_the_handler_ends_the_invocation_with_retry(
    error: BaseException, error_type: str
) -> None:
    raised: list[BaseException] = []

    def handler(event: Any, context: DurableContext) -> int:
        if not raised:
            raised.append(error)
            raise error
        return 1

    result, recording = observe(handler)
    assert result.status == "SUCCEEDED"
    assert recording.lines == [
        "invocation-start first",
        "invocation-end RETRY",
        "invocation-start first",
        "invocation-end SUCCEEDED",
    ]
    ended = recording.of(InvocationEndInfo)[0]
    assert (ended.error.type, ended.error.message) == (error_type, str(error))
    assert ended.execution_result is None


def test_an_invocation_whose_token_is_revoked_ends_pending_and_its_operation_does_not_end() -> None:
    service = FakeLambda()
    service.revoked_at = 0
    recording = Recording()
    handler = durable_execution(
        lambda event, context: context.step(lambda: 1, "a"), boto3_client=service, plugins=[recording]
    )
    assert handler(service.event(), None) == {"Status": "PENDING"}
    assert recording.lines == [
        "invocation-start first",
        "operation-start a",
        "function-start a 1",
        "function-end a 1 SUCCEEDED",
        "invocation-end PENDING",
    ]


def test_no_hook_is_called_when_the_input_is_not_json() -> None:
    service = FakeLambda("{")
    recording = Recording()
    handler = durable_execution(lambda event, context: 1, boto3_client=service, plugins=[recording])
    with pytest.raises(ValueError, match="is not JSON"):
        handler(service.event(), None)
    assert recording.lines == []


def test_no_hook_is_called_when_the_state_cannot_be_read() -> None:
    service = FakeLambda(page_size=1)
    recording = Recording()
    handler = durable_execution(nested, boto3_client=service, plugins=[recording])
    handler(service.event(), None)
    recording.lines.clear()
    service.fail_page(0, ServiceError("AccessDenied", 403))
    assert handler(service.event(), None)["Status"] == "FAILED"
    assert recording.lines == []


def test_the_invocation_infos_tell_of_the_execution() -> None:
    def handler(event: Any, context: DurableContext) -> Any:
        context.wait(seconds=2, name="pause")
        return f"done-{event}"

    result, recording = observe(handler, input="x")
    assert result.value == "done-x"
    first, again = recording.of(InvocationStartInfo)
    pending, done = recording.of(InvocationEndInfo)
    assert "/durable-execution/" in first.execution_arn
    for info in (first, again, pending, done):
        assert info.execution_arn == first.execution_arn
        assert info.request_id
        assert info.execution_input == "x"
        assert info.execution_start_time is not None
        assert any(each.operation_type is OperationType.EXECUTION for each in info.operations.values())
    assert first.request_id == pending.request_id != again.request_id
    assert [info.is_first_invocation for info in (first, pending, again, done)] == [True, True, False, False]
    assert names(first.operations) == []
    assert first.updated_operations == {}
    assert names(pending.operations) == ["pause STARTED"]
    assert names(again.operations) == ["pause SUCCEEDED"]
    assert names(again.updated_operations) == ["pause SUCCEEDED"]
    assert (pending.execution_result, pending.error) == (None, None)
    assert (done.execution_result, done.error) == ('"done-x"', None)


def names(operations: dict[str, Any]) -> list[str]:
    return [
        f"{each.name} {each.status.value}"
        for each in operations.values()
        if each.operation_type is not OperationType.EXECUTION
    ]


def test_a_failed_execution_tells_its_error_at_the_end_of_the_invocation() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(fail("boom"), "a", ONCE)

    _, recording = observe(handler)
    (ended,) = recording.of(InvocationEndInfo)
    assert ended.error.type == "durable_sdk.exceptions.StepError"
    assert ended.execution_result is None


def test_the_infos_of_invocations_write_and_compare_no_payloads() -> None:
    _, recording = observe(lambda event, context: "a result", input={"secret": 1})
    for info in (*recording.of(InvocationStartInfo), *recording.of(InvocationEndInfo)):
        assert "secret" not in repr(info)
        assert "result" not in repr(info).replace("execution_result", "")
        assert hash(info) == hash(info)


def test_changes_are_told_with_the_newest_states() -> None:
    _, recording = observe(nested)
    changes = recording.of(OperationChangeInfo)
    assert [names(change.updated_operations) for change in changes] == [
        ["outer STARTED", "first SUCCEEDED"],
        ["pause STARTED"],
        ["second SUCCEEDED"],
        ["outer SUCCEEDED"],
    ]
    for change in changes:
        assert change.updated_operations.items() <= change.operations.items()
    assert names(changes[-1].operations) == [
        "outer SUCCEEDED",
        "first SUCCEEDED",
        "pause SUCCEEDED",
        "second SUCCEEDED",
    ]


def observed(case: Case, **options: Any) -> tuple[str, Recording]:
    """Run a case of the corpus with a plugin, and return its history, too."""
    recording = Recording()
    handler = durable_execution(plugins=[recording])(case.handler.__wrapped__)
    runner = runner_of(replace(case, handler=handler), **options)
    try:
        return text_of(runner.run(case.input)), recording
    finally:
        runner.release()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_observing_changes_no_history(case: Case) -> None:
    assert observed(case)[0] == history_text(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("seed", range(4))
def test_hooks_obey_their_rules_under_every_schedule(case: Case, seed: int) -> None:
    history, recording = observed(case, seed=seed, random_schedule=True)
    _, again = observed(case, seed=seed, random_schedule=True)
    assert again.infos == recording.infos
    # Virtual contexts run without a start, and leave no record.
    started = {info.operation_id for info in recording.of(OperationStartInfo)}
    virtual = {info.operation_id for info in recording.of(UserFunctionStartInfo)} - started
    assert [operation_id for operation_id in virtual if operation_id in history] == []
    for invocation in _split(recording.infos):
        _check_order(invocation, virtual)


def _split(infos: list[Any]) -> list[list[Any]]:
    grouped: list[list[Any]] = []
    for info in infos:
        if isinstance(info, InvocationStartInfo):
            grouped.append([])
        grouped[-1].append(info)
    return grouped


def _check_order(infos: list[Any], virtual: set[str]) -> None:
    started = set(virtual)
    running: list[str] = []
    ended: set[str] = set()
    for info in infos:
        match info:
            case OperationStartInfo():
                assert info.operation_id not in ended
                started.add(info.operation_id)
            case UserFunctionStartInfo():
                assert info.operation_id in started or info.is_replay_children
                running.append(info.operation_id)
            case UserFunctionEndInfo():
                running.remove(info.operation_id)
            case OperationEndInfo():
                assert info.operation_id not in ended
                assert info.operation_id not in running
                assert info.parent_id not in ended
                ended.add(info.operation_id)
            case InvocationEndInfo():
                assert running == []
                assert info is infos[-1]
