"""DurableFunctionTestRunner: what it does beyond the suites that move to it."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime
from typing import Any

import pytest

import pytest_durable
from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration
from durable_sdk.lambda_service import (
    CallbackDetails,
    ContextDetails,
    InvocationStatus,
    OperationStatus,
    OperationType,
    WaitDetails,
)
from durable_sdk.lambda_service import Operation as SvcOperation
from pytest_durable.errors import UsageError
from pytest_durable.exceptions import InvalidParameterValueException, ResourceNotFoundException
from pytest_durable.runner import (
    OPERATION_FACTORIES,
    CallbackOperation,
    ContextOperation,
    DurableChildContextTestRunner,
    DurableFunctionTestResult,
    DurableFunctionTestRunner,
    ExecutionStatus,
    StepOperation,
    WaitOperation,
    create_operation,
)


@durable_execution
def resting(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_days(3), name="rest")
    return event


@durable_execution
def asking(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_days(1))
    return context.create_callback(name="ask").result()


def test_waits_do_not_count_against_timeouts_and_take_no_time() -> None:
    begun = time.perf_counter()
    with DurableFunctionTestRunner(resting) as runner:
        arn = runner.run_async("1", execution_timeout=1)
        result = runner.wait_for_result(arn, timeout=1)
        assert runner.run("1", execution_timeout=1).status is InvocationStatus.SUCCEEDED
    assert result.status is InvocationStatus.SUCCEEDED
    assert result.virtual_elapsed.days == 3
    assert time.perf_counter() - begun < 5


def test_what_is_no_wait_counts() -> None:
    @durable_execution
    def slow(event: Any, context: DurableContext) -> Any:
        context.wait(Duration.from_days(1))
        context.step(lambda step: time.sleep(20), name="slow")

    with DurableFunctionTestRunner(slow) as runner:
        result = runner.run(execution_timeout=10)
        assert runner.run(execution_timeout=30).status is InvocationStatus.SUCCEEDED
    assert result.status is InvocationStatus.FAILED
    assert result.execution_status is ExecutionStatus.TIMED_OUT


def test_waits_that_overlap_are_left_out_once() -> None:
    def rest(hours: int) -> Any:
        return lambda branch: branch.wait(Duration.from_hours(hours))

    @durable_execution
    def side_by_side(event: Any, context: DurableContext) -> Any:
        context.parallel([rest(hours) for hours in (1, 2, 3)])
        return context.create_callback(config=CallbackConfig(timeout=Duration.from_minutes(10))).result()

    with DurableFunctionTestRunner(side_by_side) as runner:
        timed_out = runner.run(execution_timeout=60)
        failed = runner.run(execution_timeout=3600)
    assert timed_out.execution_status is ExecutionStatus.TIMED_OUT
    assert timed_out.virtual_elapsed.total_seconds() == 3 * 3600 + 60
    assert failed.execution_status is ExecutionStatus.FAILED


def test_a_result_may_be_waited_for_again() -> None:
    with DurableFunctionTestRunner(asking) as runner:
        arn = runner.run_async()
        with pytest.raises(TimeoutError, match="callback 'ask'"):
            runner.wait_for_result(arn, timeout=1)
        runner.send_callback_success(runner.wait_for_callback(arn, "ask"))
        result = runner.wait_for_result(arn)
    assert result == runner.wait_for_result(arn)
    assert (result.result, result.get_callback("ask").result) == ("null", None)


def test_a_name_used_again_starts_another_execution() -> None:
    with DurableFunctionTestRunner(resting) as runner:
        arns = [runner.run_async("1", execution_name="night") for _ in range(3)]
        names = [runner.wait_for_result(arn).get_execution().name for arn in arns]
    assert names == ["night", "night-2", "night-3"]
    assert len(set(arns)) == 3


def test_unknown_executions_and_answers_are_refused() -> None:
    with DurableFunctionTestRunner(asking) as runner:
        arn = runner.run_async()
        with pytest.raises(ResourceNotFoundException, match="does not exist: 'nope'; this runner has arn:"):
            runner.wait_for_callback("nope")
        with pytest.raises(InvalidParameterValueException, match="Invalid Durable Execution ARN"):
            runner.pause_execution(" ")
        with pytest.raises(ValueError, match="finite and positive, got 0"):
            runner.pause_execution(arn, timeout=0)
        with pytest.raises(InvalidParameterValueException, match="callback_id is required"):
            runner.send_callback_heartbeat(" ")
        callback_id = runner.wait_for_callback(arn)
        with pytest.raises(ResourceNotFoundException, match="Failed to process callback success"):
            runner.send_callback_success(callback_id, b"\xff")
        with pytest.raises(ResourceNotFoundException, match="Failed to process callback failure"):
            runner.send_callback_failure("nope")


def test_an_invocation_may_begin_with_less_of_the_state() -> None:
    @durable_execution
    def steps(event: Any, context: DurableContext) -> Any:
        done = [context.step(lambda step, n=n: n, name=f"s{n}") for n in range(20)]  # type: ignore[misc]
        context.wait(Duration.from_seconds(5))
        return done

    with DurableFunctionTestRunner(steps, max_invocation_page_bytes=3000) as runner:
        assert runner.run().value == list(range(20))


def test_a_handler_that_is_not_durable_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a durable handler"):
        DurableFunctionTestRunner(lambda event, context: None)


def test_without_skipping_timers_take_real_time() -> None:
    @durable_execution
    def brief(event: Any, context: DurableContext) -> None:
        context.wait(Duration.from_seconds(1))

    begun = time.perf_counter()
    with DurableFunctionTestRunner(brief, skip_time=False) as runner:
        runner.run()
    assert time.perf_counter() - begun >= 1


def test_a_paused_execution_does_not_end() -> None:
    with DurableFunctionTestRunner(asking) as runner:
        arn = runner.run_async()
        runner.pause_execution(arn)
        with pytest.raises(TimeoutError, match="has not ended after 60"):
            runner.wait_for_result(arn)


def test_a_child_context_gets_its_arguments() -> None:
    def adding(first: int, second: int = 1) -> Any:
        return lambda context: context.step(lambda step: first + second, name="add")

    with DurableChildContextTestRunner(adding, 2, second=3) as runner:
        assert runner.run().get_step("add").value == 5


def test_a_result_may_be_built_from_its_parts() -> None:
    operation = create_operation(
        SvcOperation("w", OperationType.WAIT, OperationStatus.SUCCEEDED, name="rest")
    )
    result = DurableFunctionTestResult(InvocationStatus.SUCCEEDED, [operation], "1")
    assert result.get_wait("rest") is operation
    assert (result.value, result.error, result.execution_status) == (1, None, ExecutionStatus.SUCCEEDED)
    assert result.raise_for_status() is result
    assert result == DurableFunctionTestResult(InvocationStatus.SUCCEEDED, [operation], "1")
    assert result != DurableFunctionTestResult(InvocationStatus.FAILED, [operation], "1")
    pending = DurableFunctionTestResult(InvocationStatus.PENDING, [])
    assert pending.execution_status is ExecutionStatus.RUNNING
    stopped = DurableFunctionTestResult(InvocationStatus.FAILED, [], execution_status=ExecutionStatus.STOPPED)
    assert stopped.execution_status is ExecutionStatus.STOPPED


def test_views_are_made_of_the_operations_that_the_service_reports() -> None:
    at = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    context = SvcOperation(
        "c",
        OperationType.CONTEXT,
        OperationStatus.SUCCEEDED,
        name="orders",
        start_timestamp=at,
        context_details=ContextDetails(result="1"),
    )
    wait = SvcOperation(
        "w", OperationType.WAIT, OperationStatus.STARTED, "c", "rest", wait_details=WaitDetails(at)
    )
    callback = SvcOperation(
        "b",
        OperationType.CALLBACK,
        OperationStatus.STARTED,
        "c",
        "ask",
        callback_details=CallbackDetails("id"),
    )
    view = ContextOperation.from_svc_operation(context, [context, wait, callback])
    assert (view.name, view.value, view.start_timestamp) == ("orders", 1, at)
    assert view.get_wait("rest").scheduled_end_timestamp == at
    assert view.get_callback("ask").callback_id == "id"
    assert create_operation(context).child_operations == []  # type: ignore[attr-defined]
    assert isinstance(OPERATION_FACTORIES[OperationType.WAIT].from_svc_operation(wait), WaitOperation)
    assert isinstance(create_operation(callback), CallbackOperation)
    with pytest.raises(InvalidParameterValueException, match=r"StepOperation is not for .* type WAIT"):
        StepOperation.from_svc_operation(wait)


def test_the_root_offers_the_runner_without_importing_it_at_once() -> None:
    assert pytest_durable.DurableFunctionTestRunner is DurableFunctionTestRunner
    assert set(pytest_durable.__all__) > {"DurableFunctionTestResult", "DurableChildContextTestRunner"}
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        _ = pytest_durable.Nope
    script = "import pytest_durable, sys; print([n for n in sys.modules if n.startswith('durable_sdk')])"
    listed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert listed.stdout == "[]\n"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("execution_timeout", 0),
        ("execution_timeout", -1),
        ("execution_timeout", "soon"),
        ("invocation_timeout", 0),
        ("invocation_timeout", "x"),
        ("region", "mars"),
        ("region", 5),
    ],
)
def test_a_wrong_option_is_refused_when_the_runner_is_made(argument: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{argument} "):
        DurableFunctionTestRunner(resting, **{argument: value})


@pytest.mark.parametrize("call", ["run", "run_async"])
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("execution_timeout", 0),
        ("execution_timeout", True),
        ("function_name", ""),
        ("function_name", "a b"),
        ("function_name", 5),
        ("account_id", "12"),
        ("account_id", 123456789012),
        ("tenant_id", ""),
        ("tenant_id", "a#b"),
        ("tenant_id", 5),
    ],
)
def test_a_wrong_argument_of_a_run_is_refused_and_named(call: str, argument: str, value: Any) -> None:
    with DurableFunctionTestRunner(resting) as runner, pytest.raises(UsageError, match=f"^{argument} "):
        getattr(runner, call)(**{argument: value})


@pytest.mark.parametrize("arn", [5, b"arn", None, " "])
def test_an_arn_that_is_none_is_refused(arn: Any) -> None:
    with DurableFunctionTestRunner(resting) as runner:
        for call in (runner.wait_for_result, runner.wait_for_callback, runner.get_execution_history):
            with pytest.raises(InvalidParameterValueException, match="Invalid Durable Execution ARN"):
                call(arn)
        for send in (runner.send_callback_success, runner.send_callback_failure):
            with pytest.raises(InvalidParameterValueException, match="callback_id is required"):
                send(arn)
