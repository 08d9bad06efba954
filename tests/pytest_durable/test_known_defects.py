"""Defects that a local runner of durable functions is known to fall into, and that this one must not have."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from typing import Any

import pytest
from plugin_recorder import Recording

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration
from durable_sdk.exceptions import CallbackError
from durable_sdk.lambda_service import InvocationStatus
from durable_sdk.plugin import OperationEndInfo
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision
from pytest_durable.exceptions import DurableFunctionsTestError
from pytest_durable.runner import DurableFunctionTestRunner, ExecutionStatus


def asks(name: str, timeout: int = 0) -> Any:
    """Return a handler that awaits one callback of that name."""

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.create_callback(name=name, config=CallbackConfig(timeout=Duration(timeout))).result()

    return handler


def history_of(runner: DurableFunctionTestRunner, arn: str) -> list[dict[str, Any]]:
    """Return the whole history, with its data, in the service's JSON."""
    page = runner.get_execution_history(arn, include_execution_data=True)
    assert page.next_marker is None
    return page.to_dict()["Events"]


@durable_execution
def exits(event: Any, context: DurableContext) -> Any:
    sys.exit(3)


def test_t1_a_handler_that_exits_its_process_fails_its_execution_and_leaves_the_runner_usable() -> None:
    with DurableFunctionTestRunner(exits) as runner:
        for _ in range(2):
            result = runner.run()
            assert result.status is InvocationStatus.FAILED
            assert result.error is not None
            assert result.error.type == "Runtime.ExitError"


def test_t1_closing_after_an_exit_ends() -> None:
    runner = DurableFunctionTestRunner(exits)
    runner.run_async()
    begun = time.perf_counter()
    runner.close()
    assert time.perf_counter() - begun < 5


def test_t2_a_result_can_be_waited_for_again_after_it_came() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return event

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async("7")
        assert [runner.wait_for_result(arn).result for _ in range(3)] == ["7"] * 3


def test_t2_a_result_can_be_waited_for_again_after_the_wait_timed_out() -> None:
    with DurableFunctionTestRunner(asks("answer")) as runner:
        arn = runner.run_async()
        callback_id = runner.wait_for_callback(arn)
        for _ in range(2):
            with pytest.raises(TimeoutError, match="answer"):
                runner.wait_for_result(arn, timeout=1)
        runner.send_callback_success(callback_id, b"late")
        assert runner.wait_for_result(arn, timeout=1).value == "late"


def test_t3_an_execution_that_takes_too_long_is_a_result_and_no_exception() -> None:
    with DurableFunctionTestRunner(asks("nobody")) as runner:
        result = runner.run(execution_timeout=1)
    assert (result.status, result.execution_status) == (InvocationStatus.FAILED, ExecutionStatus.TIMED_OUT)
    assert result.error is not None
    assert (result.error.message, result.error.type) == ("Execution timed out after 1 seconds.", None)


@durable_execution
def asks_twice(event: Any, context: DurableContext) -> Any:
    first = context.create_callback(name="first").result()
    return [first, context.create_callback(name="second").result()]


def test_t4_a_callback_that_has_ended_is_never_the_one_to_answer() -> None:
    with DurableFunctionTestRunner(asks_twice) as runner:
        arn = runner.run_async()
        first = runner.wait_for_callback(arn)
        assert runner.wait_for_callback(arn, "first") == first
        runner.send_callback_success(first, b"1")
        second = runner.wait_for_callback(arn)
        assert second == runner.wait_for_callback(arn, "second") != first
        with pytest.raises((DurableFunctionsTestError, TimeoutError)):
            runner.wait_for_callback(arn, "first", timeout=1)
        runner.send_callback_success(second, b"2")
        assert runner.wait_for_result(arn).value == ["1", "2"]
        for name in (None, "first", "second"):
            with pytest.raises(DurableFunctionsTestError):
                runner.wait_for_callback(arn, name)


def test_t5_what_comes_after_the_hundredth_event_is_seen_too() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        for number in range(60):
            context.step(lambda _, number=number: number, name=f"step-{number}")
        return context.create_callback(name="at the end").result()

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async()
        runner.send_callback_success(runner.wait_for_callback(arn, "at the end"), b"seen")
        result = runner.wait_for_result(arn)
        events = history_of(runner, arn)
    assert len(result.operations) == 61
    assert len(events) > 120
    assert events[-1]["EventType"] == "ExecutionSucceeded"


def test_t6_an_invocation_that_timed_out_writes_nothing_afterwards() -> None:
    starts: list[float] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        starts.append(time.time())
        number = len(starts)
        if number == 1:
            time.sleep(2)
        context.step(lambda _: number, name="who")
        return number

    with DurableFunctionTestRunner(handler, invocation_timeout=1) as runner:
        result = runner.run()
    assert (result.value, result.get_step("who").value) == (2, 2)
    assert [invocation.error is None for invocation in result.invocations] == [False, True]


@pytest.mark.parametrize(
    "target", ["not a name!", "arn:aws:lambda:us-west-2:999999999999:function:other", "x" * 257]
)
def test_t7_a_refused_invoke_fails_the_execution_at_once_and_as_a_checkpoint_error(target: str) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.invoke(target, {})

    with DurableFunctionTestRunner(handler) as runner:
        result = runner.run()
    assert result.status is InvocationStatus.FAILED
    assert result.error is not None
    assert result.error.type == "durable_sdk.exceptions.CheckpointError"
    assert len(result.invocations) == 1
    assert result.virtual_elapsed.total_seconds() == 0


@pytest.mark.parametrize("how", ["success", "failure", "timeout"])
def test_t8_a_plugin_is_told_once_that_a_callback_has_ended(how: str) -> None:
    recording = Recording()

    @durable_execution(plugins=[recording])
    def handler(event: Any, context: DurableContext) -> Any:
        try:
            config = CallbackConfig(timeout=Duration.from_seconds(9))
            return context.create_callback(name="ask", config=config).result()
        except CallbackError:
            return None

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async()
        callback_id = runner.wait_for_callback(arn)
        if how == "success":
            runner.send_callback_success(callback_id, b"yes")
        elif how == "failure":
            runner.send_callback_failure(callback_id)
        runner.wait_for_result(arn)
    assert len(recording.of(OperationEndInfo, "ask")) == 1


@durable_execution
def eventful(event: Any, context: DurableContext) -> Any:
    context.step(lambda _: 1, name="counted")
    config = CallbackConfig(timeout=Duration.from_seconds(8), heartbeat_timeout=Duration.from_seconds(4))
    with contextlib.suppress(CallbackError):
        context.create_callback(name="ask", config=config).result()
    if not context.step(lambda _: True, name="again"):
        return None
    raise SystemExit(1)


def test_t9_a_history_leaves_out_nothing_and_tells_data_only_if_asked() -> None:
    with DurableFunctionTestRunner(eventful) as runner:
        arn = runner.run_async()
        runner.wait_for_result(arn)
        events = history_of(runner, arn)
        bare = runner.get_execution_history(arn).to_dict()["Events"]
    by_type = {event["EventType"]: event for event in events}
    invocations = [
        event["InvocationCompletedDetails"] for event in events if "Invocation" in event["EventType"]
    ]
    assert all({"StartTimestamp", "EndTimestamp", "RequestId"} <= details.keys() for details in invocations)
    assert invocations[-1]["Error"]["Payload"]["ErrorType"] == "Runtime.ExitError"
    assert by_type["StepSucceeded"]["StepSucceededDetails"]["RetryDetails"] == {"CurrentAttempt": 1}
    started = by_type["CallbackStarted"]["CallbackStartedDetails"]
    assert (started["Timeout"], started["HeartbeatTimeout"]) == (8, 4)
    timed_out = by_type["CallbackTimedOut"]["CallbackTimedOutDetails"]["Error"]
    assert timed_out["Payload"]["ErrorType"] == "Callback.Heartbeat"
    assert not timed_out.get("Truncated")
    assert [event["EventType"] for event in bare] == [event["EventType"] for event in events]
    assert '"Payload"' not in re.sub(r"'", '"', str(bare))


def test_t10_starting_a_step_again_keeps_the_state_that_it_has_stored() -> None:
    polled: list[int] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def check(state: int, _: Any) -> int:
            polled.append(state)
            if polled == [0, 1]:
                # START of this attempt may be recorded, what it found is not.
                raise SystemExit(1)
            return state + 1

        config = WaitForConditionConfig(
            initial_state=0,
            wait_strategy=lambda state, _: (
                WaitForConditionDecision.stop_polling()
                if state >= 3
                else WaitForConditionDecision.continue_waiting(Duration(5))
            ),
        )
        return context.wait_for_condition(check, config, name="poll")

    with DurableFunctionTestRunner(handler) as runner:
        assert runner.run().value == 3
    assert polled == [0, 1, 1, 2]


def test_t11_a_registered_function_never_takes_the_place_of_the_handler_under_test() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return ["mine", context.invoke("test-function", None)]

    @durable_execution
    def other(event: Any, context: DurableContext) -> Any:
        return "other"

    with DurableFunctionTestRunner(handler) as runner:
        runner.register_durable_function("test-function", other)
        assert runner.run().value == ["mine", "other"]


def test_t12_every_execution_and_invocation_has_an_identity_of_its_own() -> None:
    requests: list[str] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        requests.append(context.lambda_context.aws_request_id)
        context.wait(Duration(1))
        return None

    with DurableFunctionTestRunner(handler) as runner:
        arns = [runner.run_async() for _ in range(3)]
        operation_ids = []
        for arn in arns:
            assert re.fullmatch(
                r"arn:aws:lambda:us-west-2:123456789012:function:test-function:\$LATEST"
                r"/durable-execution/[A-Za-z0-9_-]+/[0-9a-f-]{36}",
                arn,
            )
            runner.wait_for_result(arn)
            operation_ids.append(history_of(runner, arn)[0]["Id"])
            assert arn.endswith("/" + operation_ids[-1])
    assert len(set(arns)) == len(set(operation_ids)) == 3
    assert len(set(requests)) == 6


LONGEST_WAIT_SECONDS = 31_622_400


def waits_too_long(context: DurableContext) -> None:
    context.wait(Duration.from_seconds(LONGEST_WAIT_SECONDS + 1))


def has_too_long_a_name(context: DurableContext) -> None:
    context.step(lambda _: None, name="n" * 257)


def has_a_name_beyond_ascii(context: DurableContext) -> None:
    context.step(lambda _: None, name="größe")


def has_too_large_a_result(context: DurableContext) -> None:
    context.step(lambda _: "x" * 6_300_000, name="large")


def asks_for_too_long(context: DurableContext) -> None:
    context.create_callback(config=CallbackConfig(timeout=Duration.from_seconds(100_000_000)))


@pytest.mark.parametrize(
    "misuse",
    [
        waits_too_long,
        has_too_long_a_name,
        has_a_name_beyond_ascii,
        has_too_large_a_result,
        asks_for_too_long,
    ],
    ids=lambda misuse: misuse.__name__,
)
def test_t13_what_the_service_would_refuse_is_refused(misuse: Any) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        misuse(context)

    with DurableFunctionTestRunner(handler) as runner:
        result = runner.run()
    assert result.status is InvocationStatus.FAILED
    assert len(result.invocations) == 1


def test_t14_a_runner_that_was_closed_says_so_at_once() -> None:
    runner = DurableFunctionTestRunner(asks("never"))
    runner.close()
    begun = time.perf_counter()
    with pytest.raises(DurableFunctionsTestError, match="closed"):
        runner.run_async()
    assert time.perf_counter() - begun < 1
