"""What faults do to a run: who dies, what is repeated, and what the SDK makes of it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from durable_sdk import DurableContext, StepContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, StepConfig, StepSemantics
from durable_sdk.retries import RetryStrategyConfig, create_retry_strategy
from pytest_durable import faults
from pytest_durable.errors import DurableStuckError, UnusedFaultError, UsageError
from pytest_durable.points import Position
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.runner import LocalRunner
from tests.corpus import make_runner

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_has_run() -> None:
    ran.clear()


@durable_execution
def two_steps(event: Any, context: DurableContext) -> list[str]:
    def body(name: str) -> str:
        ran.append(name)
        return name

    return [context.step(lambda _, name=name: body(name), name=name) for name in ("charge", "ship")]


at_most_once = StepConfig(
    step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
    retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=1)),
)


@durable_execution
def careful(event: Any, context: DurableContext) -> str:
    try:
        return context.step(lambda _: ran.append("charge") or "charged", name="charge", config=at_most_once)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def faulty(handler: Any, *given: faults.Fault, **options: Any) -> LocalRunner:
    return make_runner(handler, injector=Injector(given, collects=True), **options)


def run(handler: Any, *given: faults.Fault, **options: Any) -> DurableFunctionTestResult:
    with faulty(handler, *given, **options) as runner:
        return runner.run({})


def errors(result: DurableFunctionTestResult) -> list[str | None]:
    """Return the type of the error of each invocation."""
    return [None if found.error is None else found.error.type for found in result.invocations]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.crash(before_step="charge"), ["charge", "ship"]),
        (faults.crash(after_step="charge"), ["charge", "charge", "ship"]),
        (faults.crash(before_step="ship"), ["charge", "ship"]),
        (faults.crash(after_step="ship"), ["charge", "ship", "ship"]),
        (faults.crash(at_checkpoint=1, persisted=False), ["charge", "charge", "ship"]),
        (faults.crash(at_checkpoint=1, persisted=True), ["charge", "ship"]),
        (faults.crash(before_return=True), ["charge", "ship"]),
        (faults.crash(after_step="charge", times=3), ["charge"] * 4 + ["ship"]),
        (faults.crash(after_step=True, nth=2), ["charge", "ship", "ship"]),
    ],
    ids=repr,
)
def test_a_crash_repeats_exactly_what_was_not_recorded(fault: faults.Fault, expected: list[str]) -> None:
    result = run(two_steps, fault)
    assert result.value == ["charge", "ship"]
    assert ran == expected
    crashes = fault.times
    assert errors(result) == ["Runtime.ExitError"] * int(crashes) + [None]


def test_a_crash_during_a_step_comes_after_its_effect() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> int:
        def body(step: StepContext) -> int:
            from durable_sdk import _runtime

            ran.append("first")
            _runtime.current.get().effect("first", "mail")  # type: ignore[attr-defined]
            ran.append("second")
            return 1

        return context.step(body, name="mail")

    assert run(handler, faults.crash(during_step="mail", effect="first")).value == 1
    assert ran == ["first", "first", "second"]


@pytest.mark.parametrize(
    ("fault", "expected", "times_run"),
    [
        (faults.crash(before_step="charge"), "was interrupted", 0),
        (faults.crash(after_step="charge"), "was interrupted", 1),
        (faults.crash(at_checkpoint=1, persisted=False), "charged", 1),
        (faults.crash(at_checkpoint=1, persisted=True), "was interrupted", 0),
        (faults.crash(at_checkpoint=2, persisted=False), "was interrupted", 1),
        (faults.crash(at_checkpoint=2, persisted=True), "charged", 1),
    ],
    ids=repr,
)
def test_an_at_most_once_step_never_runs_twice(fault: faults.Fault, expected: str, times_run: int) -> None:
    result = run(careful, fault)
    assert expected in result.value
    assert ran.count("charge") == times_run


def test_a_crash_during_replay_comes_when_a_record_has_answered() -> None:
    crashes = faults.crash(after_step="ship"), faults.crash(during_replay=True)
    runner = faulty(two_steps, *crashes)
    result = runner.run({})
    assert errors(result) == ["Runtime.ExitError", "Runtime.ExitError", None]
    assert ran == ["charge", "ship", "ship"]
    assert [point.invocation for point in runner.injector.found if point.position is Position.REPLAY] == [
        2,
        3,
    ]


def test_five_crashes_in_a_row_fail_the_execution() -> None:
    result = run(two_steps, faults.crash(before_step="charge", times="always"))
    assert result.status == "FAILED"
    assert errors(result) == ["Runtime.ExitError"] * 5


@pytest.mark.parametrize(
    "fault",
    [
        faults.throttle(),
        faults.service_error("checkpoint", "ServiceException", 500),
        faults.lose_request(),
        faults.stale_token(),
    ],
    ids=repr,
)
def test_a_request_that_is_not_persisted_is_repeated_by_another_invocation(fault: faults.Fault) -> None:
    result = run(two_steps, fault)
    assert result.value == ["charge", "ship"]
    assert ran == ["charge", "charge", "ship"]
    assert errors(result) == ["durable_sdk.exceptions.CheckpointError", None]


def test_a_lost_response_repeats_nothing() -> None:
    result = run(two_steps, faults.lose_response())
    assert result.value == ["charge", "ship"]
    assert ran == ["charge", "ship"]
    assert errors(result) == ["durable_sdk.exceptions.CheckpointError", None]


def test_a_request_that_is_too_large_fails_the_execution_at_once() -> None:
    result = run(two_steps, faults.request_too_large())
    assert result.status == "FAILED"
    assert len(result.invocations) == 1


def test_a_revoked_token_ends_the_invocation_and_keeps_what_was_recorded() -> None:
    result = run(two_steps, faults.revoke_token())
    assert result.value == ["charge", "ship"]
    assert ran == ["charge", "ship"]
    assert errors(result) == [None, None]


def test_a_request_that_arrives_twice_changes_nothing() -> None:
    plain, doubled = run(two_steps), run(two_steps, faults.duplicate_request(times=2))
    assert doubled.history == plain.history


def test_partial_pages_change_nothing_but_the_requests() -> None:
    plain = run(two_steps)
    runner = faulty(two_steps, faults.partial_page(times="always"))
    split = runner.run({})
    assert split.history == plain.history


def test_a_slow_api_takes_virtual_time() -> None:
    assert run(two_steps, faults.slow_api("checkpoint", "90s")).virtual_elapsed.total_seconds() == 90


def test_a_step_with_latency_takes_virtual_time() -> None:
    result = run(two_steps, faults.latency("ship", "2m"))
    assert result.virtual_elapsed.total_seconds() == 120
    assert len(result.invocations) == 1


def test_a_step_longer_than_the_time_limit_is_killed_by_it() -> None:
    result = run(two_steps, faults.invocation_timeout("ship"), invocation_timeout_seconds=60)
    assert result.value == ["charge", "ship"]
    assert ran == ["charge", "ship"]
    assert errors(result) == ["Sandbox.Timedout", None]
    assert result.virtual_elapsed.total_seconds() >= 60


def test_latency_beyond_the_time_limit_is_killed_by_it() -> None:
    result = run(two_steps, faults.latency("ship", "2m"), invocation_timeout_seconds=60)
    assert errors(result) == ["Sandbox.Timedout", None]


def test_a_sandbox_without_memory_is_reported_as_lambda_does() -> None:
    result = run(two_steps, faults.out_of_memory("ship"))
    assert result.value == ["charge", "ship"]
    first = result.invocations[0].error
    assert first is not None
    assert "signal: killed" in str(first.message)


def test_attempts_that_fail_are_retried_by_the_strategy_of_the_step() -> None:
    result = run(two_steps, faults.fail_step("charge", times=2))
    assert result.value == ["charge", "ship"]
    assert ran == ["charge", "ship"]
    assert result.get_step("charge").attempt == 3


def test_an_invocation_that_is_delivered_twice_runs_its_body_twice_and_records_once() -> None:
    result = run(two_steps, faults.duplicate_invocation())
    assert result.value == ["charge", "ship"]
    assert ran.count("charge") == 2
    succeeded = [event for event in result.history if event["EventType"] == "StepSucceeded"]
    assert len(succeeded) == 2


calls = 0


@durable_execution
def counting(event: Any, context: DurableContext) -> list[int]:
    global calls
    calls += 1
    first = context.step(lambda _: calls, name="first")
    return [first, context.step(lambda _: calls, name="second")]


def test_a_cold_start_begins_with_the_module_as_it_is_imported() -> None:
    global calls
    crash = faults.crash(before_step="second")
    calls = 0
    assert run(counting, crash).value == [1, 2]
    calls = 0
    assert run(counting, crash, faults.cold_start(nth=2)).value == [1, 1]


def test_a_dead_sandbox_touches_nothing_from_its_finally_blocks() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> int:
        try:
            return context.step(lambda _: 1, name="first")
        finally:
            try:
                context.step(lambda _: ran.append("from the grave"), name="second")
            finally:
                ran.append("unwound")

    result = run(handler, faults.crash(after_step="first"))
    assert ran == ["unwound", "from the grave", "unwound"]
    assert result.value == 1


def test_a_crash_in_a_branch_kills_the_others() -> None:
    before = threading.active_count()

    @durable_execution
    def handler(event: Any, context: DurableContext) -> list[int]:
        def branch(number: int) -> Any:
            def run_branch(child: DurableContext) -> int:
                child.step(lambda _: ran.append(f"{number}a"), name="a")
                return child.step(lambda _: ran.append(f"{number}b") or number, name="b")

            return run_branch

        return context.parallel([branch(0), branch(1), branch(2)]).get_results()

    runner = faulty(handler, faults.crash(after_step="a", nth=2))
    result = runner.run({})
    assert result.value == [0, 1, 2]
    assert errors(result) == ["Runtime.ExitError", None]
    runner.close()
    assert threading.active_count() <= before + 16


@durable_execution
def approved(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(name="approval", config=CallbackConfig(timeout=Duration.from_hours(2)))
    try:
        return callback.result()
    except Exception as error:
        return type(error).__name__


def answered(*given: faults.Fault, after: str = "1h") -> DurableFunctionTestResult:
    with faulty(approved, *given) as runner:
        runner.on_callback("approval").succeed("yes", after=after)
        return runner.run({})


def test_callbacks_misbehave_as_told() -> None:
    assert answered().value == "yes"
    twice = answered(faults.duplicate_callback("approval"))
    assert twice.value == "yes"
    early = answered(faults.early_callback())
    assert (early.value, early.virtual_elapsed.total_seconds()) == ("yes", 0)
    late = answered(faults.late_callback("approval"))
    assert late.value == "CallbackTimeoutError"
    lost = answered(faults.lost_callback("approval"))
    assert lost.value == "CallbackTimeoutError"


def test_a_reordered_answer_comes_after_those_of_later_callbacks() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> list[Any]:
        callbacks = [context.create_callback(name=name) for name in ("first", "second")]
        return [callback.result() for callback in callbacks]

    def order(*given: faults.Fault) -> list[str]:
        with faulty(handler, *given) as runner:
            runner.on_callback("first").succeed("1", after="1h")
            runner.on_callback("second").succeed("2", after="2h")
            result = runner.run({})
        assert result.value == ["1", "2"]
        return [event["Name"] for event in result.history if event["EventType"] == "CallbackSucceeded"]

    assert order() == ["first", "second"]
    assert order(faults.reordered_callback("first")) == ["second", "first"]
    assert order(faults.reordered_callback(times=2)) == ["first", "second"]


def test_a_lost_answer_without_a_timeout_is_reported_as_stuck() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.create_callback(name="approval").result()

    runner = faulty(handler, faults.lost_callback())
    runner.on_callback("approval").succeed("yes")
    with pytest.raises(DurableStuckError, match="approval"):
        runner.run({})
    runner.release()


def test_a_fault_that_never_strikes_is_told_with_the_names_of_the_run() -> None:
    runner = faulty(two_steps, faults.crash(after_step="chrage"), faults.crash(after_step="ship", nth=2))
    runner.run({})
    with pytest.raises(UnusedFaultError) as caught:
        runner.close()
    told = str(caught.value)
    assert "faults.crash(after_step='chrage') never struck: the run came to 0 points" in told
    assert "faults.crash(nth=2, after_step='ship') never struck: the run came to 1 point" in told
    assert "'charge', 'ship'" in told


def test_faults_can_be_injected_while_a_test_runs() -> None:
    with make_runner(two_steps) as runner:
        execution = runner.start({})
        runner.inject(faults.crash(after_step="ship"))
        assert execution.finish().value == ["charge", "ship"]
    assert ran == ["charge", "ship", "ship"]


@pytest.mark.parametrize("wrong", ["crash", None, faults.crash, faults.reorder({1: 1})], ids=repr)
def test_what_is_no_fault_is_refused_before_anything_runs(wrong: Any) -> None:
    with make_runner(two_steps) as runner, pytest.raises(UsageError, match="faults"):
        runner.inject(wrong)


def test_the_points_of_a_run_are_found_in_order() -> None:
    runner = faulty(two_steps)
    runner.run({})
    found = [(point.position, point.path) for point in runner.injector.found]
    assert found == [
        (Position.INVOCATION, ("function",)),
        (Position.BEFORE_STEP, ("charge",)),
        (Position.AFTER_STEP, ("charge",)),
        (Position.REQUEST, ("checkpoint",)),
        (Position.BEFORE_STEP, ("ship",)),
        (Position.AFTER_STEP, ("ship",)),
        (Position.REQUEST, ("checkpoint",)),
        (Position.RETURN, ("function",)),
    ]


def test_a_run_without_faults_is_the_same_whether_points_are_collected_or_not() -> None:
    assert run(two_steps).history == make_runner(two_steps).run({}).history


def test_the_timeline_shows_each_fault_in_the_invocation_that_it_struck() -> None:
    runner = faulty(two_steps, faults.crash(after_step="charge"), faults.throttle(nth=2))
    lines = [line.strip() for line in runner.run({}).timeline().splitlines()]
    runner.release()
    first, second = (lines.index(f"! {fault!r} strikes") for fault in runner.injector.faults)
    assert lines[first + 1].startswith("invocation FAILED")
    assert first < second
    assert any(" 2  " in line for line in lines[first:second])


def test_a_crash_of_the_second_copy_of_an_invocation_leaves_the_first_alone() -> None:
    result = run(two_steps, faults.duplicate_invocation(), faults.crash(at_checkpoint=1))
    assert result.value == ["charge", "ship"]
    assert errors(result).count("Runtime.ExitError") <= 1


def test_latency_gives_way_to_a_crash_at_the_same_point() -> None:
    result = run(two_steps, faults.latency("charge", "5s"), faults.crash(before_step="charge"))
    assert errors(result) == ["Runtime.ExitError", None]


def test_the_report_of_a_sandbox_without_memory_names_its_request() -> None:
    first = run(two_steps, faults.out_of_memory("ship")).invocations[0].error
    assert first is not None
    assert "{" not in str(first.message)


def test_an_error_that_is_injected_gathers_no_traceback() -> None:
    error = TimeoutError("gateway")
    for _ in range(3):
        run(two_steps, faults.fail_step("charge", error))
    assert error.__traceback__ is None
