"""What an execution waits for, in words."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, InvokeConfig
from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.errors import DurableStuckError
from pytest_durable.simulator.runner import LocalRunner


@durable_execution
def two_callbacks(event: dict, context: DurableContext) -> Any:
    seconds = event.get("timeout", 0)
    first = context.create_callback(name="first", config=CallbackConfig(timeout=Duration(seconds)))
    second = context.create_callback()
    return [first.result(), second.result()]


@durable_execution
def approval(event: dict, context: DurableContext) -> Any:
    return context.wait_for_callback(lambda *_: None, name="approval")


@durable_execution
def calls(event: Any, context: DurableContext) -> Any:
    return context.invoke("asks", None, name="call", config=InvokeConfig())


def stuck(runner: LocalRunner, event: Any = None) -> str:
    with pytest.raises(DurableStuckError) as caught:
        runner.run(event or {})
    return str(caught.value)


def test_a_stuck_execution_names_each_callback_and_how_to_answer_it() -> None:
    runner = corpus.make_runner(two_callbacks)
    message = stuck(runner)
    first, second = (pending.callback_id for pending in runner.pending)
    assert message.splitlines()[1:] == [
        f"It waits for callback 'first', STARTED since 2026-01-01 00:00:00, no timeout, id {first}.",
        f"It waits for unnamed callback, STARTED since 2026-01-01 00:00:00, no timeout, id {second}.",
        "What would answer: durable_runner.on_callback('first').succeed(...) before the run; "
        f"durable_runner.send_callback_success({first!r}); "
        f"durable_runner.send_callback_success({second!r}).",
    ]


def test_a_stuck_wait_for_callback_goes_by_the_name_that_the_handler_gave() -> None:
    message = stuck(corpus.make_runner(approval))
    assert "waits for callback 'approval', STARTED" in message
    # The context around it waits for nothing else.
    assert message.count("It waits for") == 1
    assert "on_callback('approval')" in message


def test_a_stuck_run_ends_at_once_and_time_has_not_passed() -> None:
    runner = corpus.make_runner(approval)
    stuck(runner)
    assert f"{runner.clock.now:%H:%M:%S}" == "00:00:00"


def test_pending_callbacks_tell_their_timeout() -> None:
    execution = corpus.make_runner(two_callbacks).start({"timeout": 90}).until_suspended()
    first, second = execution.pending
    assert (first.name, first.operation_type, first.status) == (
        "first",
        OperationType.CALLBACK,
        OperationStatus.STARTED,
    )
    assert f"{first.until:%H:%M:%S}" == "00:01:30"
    assert "until 2026-01-01 00:01:30" in str(first)
    assert second.until is None


def test_a_pending_invoke_tells_what_its_execution_waits_for() -> None:
    runner = corpus.make_runner(calls).register_durable_function("asks", approval)
    (pending,) = runner.start().until_suspended().pending
    assert (pending.name, pending.function_name, pending.inner) == ("call", "asks", ())
    runner.clock.advance(1)
    (pending, *_) = runner.pending
    assert [inner.name for inner in pending.inner] == ["approval"]
    assert pending.inner[0].callback_id is not None
    assert "whose execution waits for callback 'approval'" in str(pending)


def test_a_scripted_callback_that_is_never_answered_leaves_the_run_stuck() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").never()
    assert "waits for callback 'approval'" in stuck(runner)
    runner.close()


def test_a_paused_execution_says_that_it_is_paused() -> None:
    runner = corpus.make_runner(approval)
    arn = runner.run_async({})
    runner.pause_execution(arn)
    with pytest.raises(DurableStuckError, match=r"It is paused: call durable_runner\.resume_execution"):
        runner.wait_for_result(arn)
