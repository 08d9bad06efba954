"""An execution driven by hand goes exactly as far as it is told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable import faults
from pytest_durable.errors import DurableTestError
from pytest_durable.faults import Fault
from pytest_durable.simulator.driver import Execution
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.runner import LocalRunner

START = datetime(2026, 1, 1, tzinfo=UTC)


@durable_execution
def three_stages(event: dict, context: DurableContext) -> str:
    context.step(corpus.echo(1), name="first")
    context.wait(minutes=1, name="short")
    context.step(corpus.echo(2), name="second")
    context.wait(hours=1, name="long")
    return context.step(corpus.echo("done"), name="third")


@durable_execution
def sleeps_in_a_step(event: dict, context: DurableContext) -> str:
    context.step(corpus.sleep(10), name="slow")
    return "done"


def start(handler: Any = three_stages, **options: Any) -> Execution:
    return corpus.make_runner(handler, **options).start()


def names(execution: Execution) -> list[str]:
    return corpus.event_names(execution.result())


def test_nothing_runs_before_the_first_call() -> None:
    execution = start()
    assert names(execution) == []
    assert execution.result().status == "RUNNING"
    assert execution.pending == []


def test_until_suspended_stops_where_the_handler_waits() -> None:
    execution = start().until_suspended()
    assert names(execution)[-2:] == ["WaitStarted short", "InvocationCompleted"]
    assert execution.result().virtual_elapsed == timedelta(0)


def test_until_suspended_again_changes_nothing_while_the_handler_still_waits() -> None:
    execution = start().until_suspended()
    before = names(execution)
    assert names(execution.until_suspended()) == before


def test_until_suspended_after_time_has_passed_stops_at_the_next_wait() -> None:
    execution = start().until_suspended().advance("1m")
    assert names(execution.until_suspended())[-2:] == ["WaitStarted long", "InvocationCompleted"]


def test_until_suspended_ends_with_an_execution_that_does_not_suspend() -> None:
    execution = start(sleeps_in_a_step).until_suspended()
    assert execution.result().status == "SUCCEEDED"
    assert execution.until_suspended().finish().value == "done"


@pytest.mark.parametrize(
    ("name", "elapsed"), [("first", 0), ("short", 0), ("second", 60), ("long", 60), ("third", 3660)]
)
def test_until_stops_when_the_operation_has_begun(name: str, elapsed: int) -> None:
    runner = corpus.make_runner(three_stages)
    execution = runner.start().until(name)
    assert names(execution)[-1].split()[-1] == name
    assert runner.clock.now == START + timedelta(seconds=elapsed)


def test_until_an_operation_that_has_begun_changes_nothing() -> None:
    execution = start().until("second")
    before = names(execution)
    assert names(execution.until("first")) == before


def test_until_finds_operations_inside_contexts() -> None:
    execution = start(corpus.nested_parallel).until("inner-2-1-1")
    assert names(execution).count("StepStarted inner-2-1-1") == 1
    assert execution.finish().status == "SUCCEEDED"


def test_until_an_operation_that_never_begins_says_what_the_execution_had() -> None:
    with pytest.raises(DurableTestError) as caught:
        start().until("secnd")
    assert "ended (SUCCEEDED) without an operation 'secnd'" in str(caught.value)
    assert "'first', 'short', 'second', 'long', 'third'" in str(caught.value)


def test_until_takes_the_name_of_the_execution_for_no_operation() -> None:
    execution = corpus.make_runner(three_stages).start(name="order-7")
    with pytest.raises(DurableTestError, match="without an operation 'order-7'"):
        execution.until("order-7")


def test_advance_lets_exactly_that_much_time_pass() -> None:
    runner = corpus.make_runner(three_stages)
    execution = runner.start()
    for _ in range(7):
        execution.advance("10s")
    assert runner.clock.now == START + timedelta(seconds=70)
    assert names(execution)[-2:] == ["WaitStarted long", "InvocationCompleted"]


def test_advance_may_stop_in_the_middle_of_a_step() -> None:
    execution = start(sleeps_in_a_step).advance("9s")
    assert names(execution) == ["StepStarted slow"]
    assert [pending.name for pending in execution.pending] == ["slow"]
    assert execution.advance("1s").result().status == "SUCCEEDED"


def test_advance_past_the_end_is_harmless() -> None:
    runner = corpus.make_runner(three_stages)
    execution = runner.start().advance("1d")
    assert execution.result().status == "SUCCEEDED"
    assert runner.clock.now == START + timedelta(days=1)


def test_a_crash_kills_the_invocation_and_the_service_invokes_again() -> None:
    execution = start(sleeps_in_a_step).until("slow").advance("3s").crash()
    assert names(execution)[-1] == "InvocationCompleted"
    result = execution.finish()
    assert result.value == "done"
    first, second = result.invocations
    assert first.error is not None
    assert first.error.type == "Runtime.ExitError"
    assert second.start - first.end == timedelta(seconds=5)
    assert second.error is None


def test_a_crash_between_invocations_does_nothing() -> None:
    execution = start().until_suspended()
    before = names(execution)
    assert names(execution.crash()) == before
    assert execution.finish().status == "SUCCEEDED"


def test_five_crashes_in_a_row_fail_the_execution() -> None:
    execution = start(sleeps_in_a_step)
    for _ in range(5):
        execution.advance("6s").crash()
    result = execution.finish()
    assert result.status == "FAILED"
    assert result.error is not None
    assert result.error.type == "Runtime.ExitError"
    assert len(result.invocations) == 5


def test_crashing_at_every_event_changes_no_result() -> None:
    length = len(corpus.run(corpus.BY_NAME["parallel_waits_and_retries"]).history)
    case = corpus.BY_NAME["parallel_waits_and_retries"]
    for position in range(1, length):
        runner = corpus.make_runner(case.handler)
        execution = runner.start(case.input)
        while len(execution.result().history) < position and execution.result().status == "RUNNING":
            runner.clock.advance_to_next()
        assert execution.crash().finish().value == case.value


def test_a_stop_ends_the_execution_where_it_is() -> None:
    execution = start().until("long").stop({"ErrorType": "Ops", "ErrorMessage": "enough"})
    result = execution.result()
    assert result.status == "STOPPED"
    assert result.error is not None
    assert (result.error.type, result.error.message) == ("Ops", "enough")
    assert corpus.event_names(result)[-1] == "ExecutionStopped"
    assert execution.finish().history == result.history


def test_a_stop_kills_a_running_invocation() -> None:
    execution = start(sleeps_in_a_step).until("slow").stop()
    assert names(execution)[-2:] == ["InvocationCompleted", "ExecutionStopped"]
    assert execution.result().virtual_elapsed < timedelta(seconds=1)


def test_a_second_stop_and_a_stop_after_the_end_change_nothing() -> None:
    execution = start().stop()
    assert names(execution.stop()) == ["ExecutionStopped"]
    ended = start()
    history = ended.finish().history
    assert ended.stop().result().history == history


def test_pending_tells_what_is_awaited_since_when_and_until_when() -> None:
    execution = start().until_suspended()
    (pending,) = execution.pending
    assert (pending.name, pending.operation_type.value, pending.status.value) == ("short", "WAIT", "STARTED")
    assert (pending.since, pending.until) == (START, START + timedelta(minutes=1))
    assert "short" in repr(pending)
    execution.finish()
    assert execution.pending == []


def test_pending_tells_when_the_next_attempt_is_due() -> None:
    @durable_execution
    def flaky(event: dict, context: DurableContext) -> int:
        return context.step(corpus.fail_before(2), config=corpus.EVERY_TEN_SECONDS)

    (pending,) = start(flaky).until_suspended().pending
    assert pending.name == "fail_before"
    assert pending.status.value == "PENDING"
    assert pending.until == START + timedelta(seconds=10)


def test_finish_may_be_called_again() -> None:
    execution = start()
    assert execution.finish().history == execution.finish().history


def test_the_name_of_an_execution_is_in_its_arn_and_its_events() -> None:
    execution = corpus.make_runner(three_stages).start(name="order-7")
    assert "/durable-execution/order-7/" in execution.arn
    assert execution.finish().history[0]["Name"] == "order-7"
    assert execution.arn in repr(execution)
    assert "SUCCEEDED" in repr(execution)


@pytest.mark.parametrize(
    "drive",
    [
        lambda execution: None,
        lambda execution: execution.until_suspended(),
        lambda execution: execution.until("second"),
        lambda execution: execution.until("long").until_suspended().advance("10s"),
        lambda execution: [execution.advance("17s") for _ in range(300)],
    ],
    ids=["at once", "until suspended", "until", "mixed", "in small steps"],
)
def test_the_way_to_the_end_leaves_no_trace_in_the_history(drive: Callable[[Execution], Any]) -> None:
    execution = start()
    drive(execution)
    assert execution.finish().history == start().finish().history


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_any_execution_can_be_driven_in_small_steps(case: corpus.Case) -> None:
    runner = corpus.runner_of(case)
    execution = runner.start(case.input)
    for _ in range(200):
        runner.clock.advance_to_next()
    assert execution.finish().history == corpus.run(case).history


def test_driving_takes_no_real_time() -> None:
    began = time.perf_counter()
    start().until("third").advance("30d").finish()
    assert time.perf_counter() - began < 2


def struck(handler: Any, *planned: Fault, **options: Any) -> LocalRunner:
    return corpus.make_runner(handler, injector=Injector(planned), **options)


def test_until_suspended_goes_on_through_the_retry_after_a_fault() -> None:
    runner = struck(three_stages, faults.crash(after_step="first"))
    execution = runner.start().until_suspended()
    assert names(execution)[-2:] == ["WaitStarted short", "InvocationCompleted"]
    assert runner.clock.now == START + timedelta(seconds=5)


def test_until_suspended_goes_on_through_several_retries_to_the_end() -> None:
    execution = struck(sleeps_in_a_step, faults.crash(after_step="slow", times=3)).start().until_suspended()
    assert execution.result().status == "SUCCEEDED"


def test_until_suspended_stops_at_a_sandbox_that_the_test_has_killed() -> None:
    execution = start(sleeps_in_a_step).until("slow").advance("3s").crash()
    before = names(execution)
    assert names(execution.until_suspended()) == before
    assert execution.finish().status == "SUCCEEDED"


def test_advance_goes_on_until_the_handler_has_got_over_a_fault() -> None:
    runner = struck(three_stages, faults.crash(after_step="third"))
    execution = runner.start().until_suspended().advance("1m").advance("1h")
    assert execution.result().value == "done"
    assert runner.clock.now == START + timedelta(hours=1, minutes=1, seconds=5)


def test_the_clock_goes_on_until_each_handler_has_got_over_a_fault() -> None:
    runner = struck(three_stages, faults.crash(after_step="third"))
    execution = runner.start()
    runner.clock.advance("1h1m")
    assert execution.result().value == "done"
    assert runner.clock.now == START + timedelta(hours=1, minutes=1, seconds=5)


def test_advance_is_exact_when_the_handler_itself_ends_its_process() -> None:
    lives: list[int] = []

    @durable_execution
    def exits(event: dict, context: DurableContext) -> str:
        lives.append(1)
        if len(lives) == 1:
            os._exit(1)
        return "done"

    runner = corpus.make_runner(exits)
    execution = runner.start().advance("3s")
    assert execution.result().status == "RUNNING"
    assert runner.clock.now == START + timedelta(seconds=3)
