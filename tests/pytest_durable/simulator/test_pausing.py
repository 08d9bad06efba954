"""Pausing an execution: nothing is invoked, nothing is lost, and time goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.errors import UsageError

BOTH_SCHEDULES = pytest.mark.parametrize("random_schedule", [False, True], ids=["in order", "random"])


@durable_execution
def working(event: Any, context: DurableContext) -> Any:
    first = context.step(corpus.sleep(10), name="first")
    second = context.step(corpus.sleep(10), name="second")
    context.wait(minutes=5, name="pause")
    return [first, second, context.step(corpus.echo("end"), name="third")]


@durable_execution
def one_long_step(event: Any, context: DurableContext) -> Any:
    return context.step(corpus.sleep(300), name="long")


@BOTH_SCHEDULES
def test_a_running_invocation_ends_with_its_next_checkpoint(random_schedule: bool) -> None:
    runner = corpus.make_runner(working, random_schedule=random_schedule)
    execution = runner.start()
    execution.advance(5)
    runner.pause_execution(execution.arn)
    assert runner.clock.now - runner.results[0].invocations[0].start == timedelta(seconds=10)
    assert corpus.event_names(execution.result())[:3] == [
        "StepStarted first",
        "StepSucceeded first",
        "InvocationCompleted",
    ]
    assert execution.result().invocations[0].error is None
    execution.advance("1h")
    assert len(execution.result().invocations) == 1
    runner.resume_execution(execution.arn)
    result = execution.finish()
    assert result.value[2] == "end"
    assert [operation.name for operation in result.operations] == ["first", "second", "pause", "third"]


@durable_execution
def many_steps(event: Any, context: DurableContext) -> Any:
    return [context.step(corpus.sleep(10), name=f"step-{number}") for number in range(8)]


def test_an_invocation_that_was_cut_short_is_no_failure_and_goes_on_at_once() -> None:
    runner = corpus.make_runner(many_steps)
    execution = runner.start()
    for _ in range(5):
        execution.advance(5)
        runner.pause_execution(execution.arn)
        runner.resume_execution(execution.arn)
    result = execution.finish()
    assert result.status == "SUCCEEDED"
    assert result.virtual_elapsed == timedelta(seconds=80)
    assert len(result.invocations) == 6


@BOTH_SCHEDULES
def test_what_completes_while_it_is_paused_is_kept(random_schedule: bool) -> None:
    runner = corpus.make_runner(working, random_schedule=random_schedule)
    execution = runner.start().until("pause").until_suspended()
    runner.pause_execution(execution.arn)
    execution.advance("1h")
    assert corpus.event_names(execution.result())[-1] == "WaitSucceeded pause"
    runner.resume_execution(execution.arn)
    assert execution.finish().status == "SUCCEEDED"


def test_an_execution_that_was_paused_before_its_first_invocation_starts_when_it_is_resumed() -> None:
    runner = corpus.make_runner(working)
    execution = runner.start()
    runner.pause_execution(execution.arn)
    execution.advance(60)
    assert corpus.event_names(execution.result()) == []
    runner.resume_execution(execution.arn)
    assert execution.finish().status == "SUCCEEDED"


def test_a_step_that_takes_too_long_is_a_timeout_and_the_pause_stands() -> None:
    runner = corpus.make_runner(one_long_step)
    execution = runner.start()
    execution.advance(5)
    with pytest.raises(TimeoutError, match=r"still runs an invocation after 1m\. The pause stands\."):
        runner.pause_execution(execution.arn, timeout="1m")
    execution.advance("1h")
    assert execution.result().status == "RUNNING"
    runner.resume_execution(execution.arn)
    assert execution.finish().status == "SUCCEEDED"


def test_the_execution_timeout_goes_on() -> None:
    runner = corpus.make_runner(working)
    execution = runner.start(timeout=60)
    runner.pause_execution(execution.arn)
    assert execution.finish().status == "TIMED_OUT"


def test_pausing_twice_or_after_the_end_changes_nothing() -> None:
    runner = corpus.make_runner(working)
    execution = runner.start()
    runner.pause_execution(execution.arn)
    runner.pause_execution(execution.arn)
    runner.resume_execution(execution.arn)
    runner.resume_execution(execution.arn)
    result = execution.finish()
    runner.pause_execution(execution.arn)
    runner.resume_execution(execution.arn)
    assert execution.result().history == result.history


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), "soon"])
def test_the_timeout_of_a_pause_is_a_duration(timeout: Any) -> None:
    runner = corpus.make_runner(working)
    execution = runner.start()
    with pytest.raises(UsageError, match="timeout"):
        runner.pause_execution(execution.arn, timeout=timeout)


def test_an_execution_can_be_stopped_while_it_is_paused() -> None:
    runner = corpus.make_runner(working)
    execution = runner.start().until("pause").until_suspended()
    runner.pause_execution(execution.arn)
    assert execution.stop("enough").result().status == "STOPPED"
