"""A handler that ends its process ends its sandbox, and nothing else."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import Duration, StepConfig, StepSemantics
from durable_sdk.retries import RetryPresets
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.simulator.process_exit import process_exits_caught

EXIT = "Runtime.ExitError"
_calls: list[str] = []


@pytest.fixture(autouse=True)
def calls() -> list[str]:
    """What handler code did, in order."""
    _calls.clear()
    return _calls


def failures(result: DurableFunctionTestResult) -> list[str]:
    """Return the error types of the invocations that failed."""
    details = [event.get("InvocationCompletedDetails", {}) for event in result.history]
    return [each["Error"]["Payload"]["ErrorType"] for each in details if "Error" in each]


def exit_once(status: int = 1) -> None:
    """Exit, but only the first time."""
    _calls.append("exit")
    if len(_calls) == 1:
        os._exit(status)


@durable_execution
def exits_in_a_step(event: Any, context: DurableContext) -> str:
    try:
        context.step(lambda step_context: exit_once())
    finally:
        # Runs here, unlike in a process that has ended; but nothing that it does can be seen.
        if len(_calls) == 1:
            context.step(lambda step_context: "too late")
    return "survived"


def test_the_execution_goes_on_in_another_sandbox() -> None:
    result = corpus.make_runner(exits_in_a_step).run()
    assert result.value == "survived"
    assert failures(result) == [EXIT]
    assert _calls == ["exit", "exit"]
    assert len(result.operations) == 1


@pytest.mark.parametrize("status", [0, 1, 255])
def test_any_status_is_the_end_of_the_process(status: int) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        exit_once(status)
        return "survived"

    result = corpus.make_runner(handler).run()
    assert (result.value, failures(result)) == ("survived", [EXIT])


def test_an_at_most_once_step_is_not_run_again() -> None:
    config = StepConfig(RetryPresets.none(), StepSemantics.AT_MOST_ONCE_PER_RETRY)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(lambda step_context: exit_once(), config=config)

    result = corpus.make_runner(handler).run()
    assert result.status == "FAILED"
    assert failures(result) == [EXIT]
    assert _calls == ["exit"]


def test_a_branch_that_exits_takes_the_others_with_it() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def sleeper(branch: DurableContext) -> str:
            return branch.step(lambda step_context: [time.sleep(60), _calls.append("slept"), "slept"][-1])

        def exiter(branch: DurableContext) -> str:
            branch.step(lambda step_context: time.sleep(1))
            branch.step(lambda step_context: exit_once())
            return "exited"

        return context.parallel([sleeper, exiter]).get_results()

    result = corpus.make_runner(handler).run()
    assert result.value == ["slept", "exited"]
    assert failures(result) == [EXIT]
    assert _calls == ["exit", "exit", "slept"]


def test_an_exit_that_repeats_fails_the_execution() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        os._exit(3)

    result = corpus.make_runner(handler).run()
    assert result.status == "FAILED"
    assert failures(result) == [EXIT] * 5
    assert result.error is not None
    assert result.error.type == EXIT


def test_an_invoked_plain_function_that_exits_fails() -> None:
    def target(event: Any, context: Any) -> None:
        os._exit(1)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        context.wait(Duration.from_seconds(1))
        return context.invoke("target", None)

    runner = corpus.make_runner(handler)
    runner.register_function("target", target)
    result = runner.run()
    assert result.status == "FAILED"
    assert result.error is not None
    assert "exited" in (result.error.message or "")


def test_a_forked_process_really_exits() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> int:
        def body(step_context: Any) -> int:
            with warnings.catch_warnings():
                # Python 3.12 warns of the threads that the tests have; the child uses none.
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                os._exit(7)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        return context.step(body)

    assert corpus.make_runner(handler).run().value == 7


def test_outside_of_handlers_nothing_is_changed() -> None:
    real = os._exit
    corpus.make_runner(exits_in_a_step).run()
    assert os._exit is real


def test_what_a_test_has_put_in_its_place_stays() -> None:
    real = os._exit

    def own(status: int) -> None:
        raise AssertionError

    try:
        with process_exits_caught():
            os._exit = own
        assert os._exit is own
    finally:
        os._exit = real
