"""Scripted bodies of steps: they go through serdes, retries and checkpoints like any other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, StepContext, durable_execution
from durable_sdk.config import Duration, StepConfig, StepSemantics
from durable_sdk.exceptions import StepError, WaitForConditionError
from durable_sdk.retries import RetryPresets
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision
from pytest_durable.errors import UnusedScriptError, UsageError
from pytest_durable.simulator.scripts.steps import StepScript

BOTH_SCHEDULES = pytest.mark.parametrize("random_schedule", [False, True], ids=["in order", "random"])

EVERY_TEN = StepConfig(retry_strategy=RetryPresets.fixed(Duration(10)))


@durable_execution
def charging(event: dict, context: DurableContext) -> Any:
    try:
        return context.step(corpus.echo("real"), name="charge", config=EVERY_TEN)
    except StepError as error:
        return f"failed: {error}"


@durable_execution
def nested(event: dict, context: DurableContext) -> list:
    def part(child: DurableContext) -> Any:
        return child.step(corpus.echo("real"), name="charge")

    return [context.run_in_child_context(part, name=name) for name in ("orders", "refunds")]


@durable_execution
def branches(event: dict, context: DurableContext) -> list:
    def branch(index: int) -> Callable[[DurableContext], Any]:
        return lambda child: child.step(corpus.echo(index), name="item")

    return context.parallel([branch(index) for index in range(3)], name="all").get_results()


@BOTH_SCHEDULES
def test_a_scripted_value_stands_in_for_the_body(random_schedule: bool) -> None:
    runner = corpus.make_runner(charging, random_schedule=random_schedule)
    runner.on_step("charge").returns({"id": 1})
    result = runner.run({})
    assert result.value == {"id": 1}
    assert result.get_step("charge").value == {"id": 1}
    runner.close()


def test_a_scripted_value_goes_through_the_serdes() -> None:
    runner = corpus.make_runner(charging)
    runner.on_step("charge").returns((1, 2))
    # What a replay would read, and the result's own JSON, have no tuples.
    assert runner.run({}).value == [1, 2]


def test_a_scripted_error_goes_through_the_retry_strategy() -> None:
    runner = corpus.make_runner(charging)
    runner.on_step("charge").raises(TimeoutError("gateway")).then.raises(ConnectionError).then.calls_real()
    result = runner.run({})
    assert result.value == "real"
    assert result.virtual_elapsed == timedelta(seconds=20)
    errors = [
        event["StepFailedDetails"]["Error"]["Payload"]
        for event in result.history
        if "StepFailedDetails" in event
    ]
    assert [error["ErrorType"] for error in errors] == ["TimeoutError", "ConnectionError"]
    runner.close()


def test_the_last_outcome_repeats_until_the_retries_are_used_up() -> None:
    runner = corpus.make_runner(charging)
    runner.on_step("charge", times=5).raises(TimeoutError("gateway"))
    assert runner.run({}).value == "failed: gateway"
    runner.close()


@pytest.mark.parametrize(
    ("function", "value"),
    [(lambda: "no argument", "no argument"), (lambda step_context: step_context.attempt, 2)],
)
def test_a_function_stands_in_for_the_body(function: Callable[..., Any], value: Any) -> None:
    runner = corpus.make_runner(charging)
    runner.on_step("charge").raises(OSError()).then.calls(function)
    assert runner.run({}).value == value


def test_a_function_is_handed_a_step_context() -> None:
    given: list[Any] = []
    runner = corpus.make_runner(charging)
    runner.on_step("charge").calls(lambda step_context: given.append(step_context))
    runner.run({})
    assert isinstance(given[0], StepContext)


@BOTH_SCHEDULES
def test_a_path_tells_steps_of_one_name_apart(random_schedule: bool) -> None:
    runner = corpus.make_runner(nested, random_schedule=random_schedule)
    runner.on_step("orders/charge").returns("scripted")
    assert runner.run({}).value == ["scripted", "real"]
    runner.close()


def test_a_path_wins_over_a_name_whichever_came_first() -> None:
    runner = corpus.make_runner(nested)
    runner.on_step("orders/charge").returns("by path")
    runner.on_step("charge").returns("by name")
    assert runner.run({}).value == ["by path", "by name"]
    runner.close()


@BOTH_SCHEDULES
def test_steps_in_branches_get_one_outcome_each(random_schedule: bool) -> None:
    runner = corpus.make_runner(branches, random_schedule=random_schedule)
    runner.on_step("item", times=3).returns("a").then.returns("b").then.returns("c")
    assert sorted(runner.run({}).value) == ["a", "b", "c"]
    runner.close()


def test_a_branch_is_part_of_a_path() -> None:
    runner = corpus.make_runner(branches)
    runner.on_step("all/parallel-branch-1/item").returns("scripted")
    assert runner.run({}).value == [0, "scripted", 2]


def test_a_submitter_is_a_step() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def submit(callback_id: str, _: Any) -> None:
            raise AssertionError("must not run")

        return context.wait_for_callback(submit, name="approval")

    runner = corpus.make_runner(handler)
    runner.on_step("approval submitter").returns(None)
    runner.on_callback("approval").succeed("yes")
    assert runner.run().value == "yes"
    runner.close()


@durable_execution
def polling(event: dict, context: DurableContext) -> Any:
    config = WaitForConditionConfig(
        wait_strategy=lambda state, attempt: (
            WaitForConditionDecision.stop_polling()
            if state == "done"
            else WaitForConditionDecision.continue_waiting(Duration(10))
        ),
        initial_state="new",
    )
    try:
        return context.wait_for_condition(lambda state, check: f"{state}, checked", config, name="ready")
    except WaitForConditionError as error:
        return str(error)


def test_what_a_scripted_check_returns_is_the_next_state() -> None:
    runner = corpus.make_runner(polling)
    runner.on_step("ready", times=3).calls_real().then.returns("running").then.returns("done")
    result = runner.run({})
    assert result.value == "done"
    assert result.virtual_elapsed == timedelta(seconds=20)
    states = [
        event["StepSucceededDetails"]["Result"]["Payload"]
        for event in result.history
        if "StepSucceededDetails" in event
    ]
    assert states == ['"new, checked"', '"running"', '"done"']
    runner.close()


def test_a_scripted_error_of_a_check_fails_the_condition() -> None:
    runner = corpus.make_runner(polling)
    runner.on_step("ready").raises(ConnectionError("nobody there"))
    assert runner.run({}).value == "nobody there"
    runner.close()


def test_an_attempt_is_scripted_once_however_often_the_handler_is_replayed() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        value = context.step(corpus.echo("real"), name="charge")
        context.wait(minutes=1)
        context.wait(minutes=1)
        return value

    runner = corpus.make_runner(handler)
    script = runner.on_step("charge", times=1).returns("once").then.returns("twice")
    assert runner.run().value == "once"
    assert script.uses == 1
    runner.close()


def test_a_scripted_error_of_a_careful_step_is_recorded_as_its_own() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        config = StepConfig(RetryPresets.fixed(Duration(10)), StepSemantics.AT_MOST_ONCE_PER_RETRY)
        return context.step(corpus.echo("real"), name="charge", config=config)

    runner = corpus.make_runner(handler)
    runner.on_step("charge").raises(TimeoutError("gateway")).then.calls_real()
    assert runner.run().value == "real"


@pytest.mark.parametrize("error", ["text", 3, int, None])
def test_only_exceptions_can_be_raised(error: Any) -> None:
    with pytest.raises(UsageError, match="raises takes an exception"):
        StepScript("charge").raises(error)


async def coroutine() -> None: ...


@pytest.mark.parametrize("function", ["text", 3, coroutine])
def test_only_functions_can_be_called(function: Any) -> None:
    with pytest.raises(UsageError, match="calls takes a function"):
        StepScript("charge").calls(function)


def test_an_unused_script_names_the_steps_of_the_run() -> None:
    runner = corpus.make_runner(nested)
    runner.on_step("orders/chrage").returns(1)
    runner.run({})
    with pytest.raises(UnusedScriptError) as caught:
        runner.close()
    assert str(caught.value) == (
        "on_step('orders/chrage') was never used. The steps of the run: 'orders/charge', 'refunds/charge'."
    )
