"""Awaiting a callback: how far the execution goes, and what ends the wait otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, WaitForCallbackConfig
from durable_sdk.exceptions import CallbackTimeoutError
from pytest_durable import faults
from pytest_durable.errors import DurableStuckError, DurableTestError, ExecutionFailedError, UsageError
from pytest_durable.simulator.driver import Execution
from pytest_durable.simulator.injector import Injector

BOTH_SCHEDULES = pytest.mark.parametrize("random_schedule", [False, True], ids=["in order", "random"])


def ask(context: DurableContext, name: str | None, **config: Any) -> Any:
    return context.wait_for_callback(lambda *_: None, name=name, config=WaitForCallbackConfig(**config))


@durable_execution
def after_a_day(event: dict, context: DurableContext) -> Any:
    context.wait(days=1, name="day")
    return ask(context, "approval")


@durable_execution
def created(event: dict, context: DurableContext) -> Any:
    callback = context.create_callback(name="raw", config=CallbackConfig(timeout=Duration(3600)))
    context.step(corpus.sleep(30), name="between")
    return callback.result()


@durable_execution
def nested(event: dict, context: DurableContext) -> list:
    def part(name: str) -> Callable[[DurableContext], Any]:
        return lambda child: ask(child, "approval")

    return [context.run_in_child_context(part(name), name=name) for name in ("orders", "refunds")]


@durable_execution
def doomed(event: dict, context: DurableContext) -> Any:
    context.step(corpus.fail("before"), name="doomed", config=corpus.ONCE)


@durable_execution
def twice(event: dict, context: DurableContext) -> list:
    return [ask(context, "round"), ask(context, "round")]


@durable_execution
def impatient(event: dict, context: DurableContext) -> str:
    try:
        ask(context, "approval", timeout=Duration(60))
    except CallbackTimeoutError:
        context.wait(days=365)
    return "gave up"


def start(handler: Any, **options: Any) -> Execution:
    return corpus.make_runner(handler, **options).start({})


@BOTH_SCHEDULES
@pytest.mark.parametrize("name", ["approval", "approval create callback id", None])
def test_a_callback_goes_by_the_name_that_the_handler_gave_or_its_own(
    name: str | None, random_schedule: bool
) -> None:
    runner = corpus.make_runner(after_a_day, random_schedule=random_schedule)
    execution = runner.start({})
    callback_id = execution.until_callback(name)
    assert runner.clock.now - execution.result().invocations[0].start == timedelta(days=1)
    runner.send_callback_success(callback_id, "yes")
    assert execution.finish().value == "yes"


def test_a_callback_can_be_answered_only_when_its_invocation_has_ended() -> None:
    runner = corpus.make_runner(created)
    execution = runner.start({})
    callback_id = execution.until_callback("raw")
    result = execution.result()
    assert len(result.invocations) == 1
    assert result.virtual_elapsed == timedelta(seconds=30)
    runner.send_callback_success(callback_id, "x")
    assert execution.finish().value == "x"


def test_a_path_tells_callbacks_of_one_name_apart() -> None:
    runner = corpus.make_runner(nested)
    execution = runner.start({})
    first = execution.until_callback("orders/approval")
    runner.send_callback_success(first, "a")
    second = execution.until_callback("refunds/approval")
    runner.send_callback_success(second, "b")
    assert first != second
    assert execution.finish().value == ["a", "b"]


def test_the_same_name_again_is_the_next_callback_once_the_first_was_answered() -> None:
    runner = corpus.make_runner(twice)
    arn = runner.run_async({})
    ids = []
    for answer in ("a", "b"):
        ids.append(runner.wait_for_callback(arn, "round"))
        runner.send_callback_success(ids[-1], answer)
    assert len(set(ids)) == 2
    assert runner.wait_for_result(arn).value == ["a", "b"]


def test_the_same_callback_is_returned_until_it_is_answered() -> None:
    execution = start(after_a_day)
    assert execution.until_callback() == execution.until_callback("approval")


def test_a_failing_execution_raises_its_own_error_at_once() -> None:
    with pytest.raises(ExecutionFailedError, match="before"):
        start(doomed).until_callback("approval")


def test_an_execution_that_ends_without_the_callback_names_those_it_had() -> None:
    runner = corpus.make_runner(after_a_day)
    runner.on_callback("approval").succeed("yes")
    with pytest.raises(DurableTestError, match=r"without callback 'aproval' .* callbacks: 'approval'"):
        runner.start({}).until_callback("aproval")


def test_a_callback_that_has_timed_out_cannot_be_awaited() -> None:
    execution = start(impatient).advance("2m")
    with pytest.raises(DurableTestError, match=r"has ended already, with status TIMED_OUT"):
        execution.until_callback("approval")
    # The wait of a year has not been skipped to find that out.
    assert execution.result().virtual_elapsed < timedelta(days=1)


def test_a_callback_that_is_answered_early_cannot_be_awaited() -> None:
    runner = corpus.make_runner(after_a_day)
    runner.on_callback("approval").succeed("yes", early=True)
    with pytest.raises(DurableTestError, match="has ended already, with status SUCCEEDED"):
        runner.start({}).until_callback("approval")


def test_a_callback_of_an_execution_that_has_ended_cannot_be_awaited() -> None:
    execution = start(after_a_day)
    execution.until_callback("approval")
    execution.stop("enough")
    with pytest.raises(ExecutionFailedError, match="STOPPED"):
        execution.until_callback("approval")


def test_a_stuck_execution_says_so() -> None:
    with pytest.raises(DurableStuckError, match=r"waits for callback 'approval'"):
        start(after_a_day).until_callback("other")


def test_the_timeout_is_virtual_time() -> None:
    runner = corpus.make_runner(after_a_day)
    arn = runner.run_async({})
    with pytest.raises(TimeoutError, match=r"awaits no callback 'approval' after 1h: wait 'day'"):
        runner.wait_for_callback(arn, "approval", timeout="1h")
    assert runner.wait_for_callback(arn, "approval", timeout="2d")


def test_an_unknown_execution_is_a_misuse() -> None:
    runner = corpus.make_runner(after_a_day)
    with pytest.raises(UsageError, match="no execution 'nowhere'"):
        runner.wait_for_callback("nowhere")


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    "place", [{"before_step": True}, {"after_step": True}, {"at_checkpoint": 2, "persisted": True}]
)
def test_a_callback_is_awaited_only_when_the_handler_has_got_over_a_fault(
    place: dict[str, Any], times: int
) -> None:
    told: list[str] = []

    @durable_execution
    def asks(event: dict, context: DurableContext) -> Any:
        return context.wait_for_callback(lambda callback_id, _: told.append(callback_id), name="approval")

    injector = Injector([faults.crash(**place, times=times)])
    runner = corpus.make_runner(asks, injector=injector)
    execution = runner.start()
    callback_id = execution.until_callback("approval")
    assert told[-1:] == [callback_id]
    assert execution._execution.invocation is None
    runner.send_callback_success(callback_id, value="yes")
    assert execution.finish().value == '"yes"'
    assert injector.struck
