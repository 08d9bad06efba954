"""A suite as users of AWS's packages write it. It passes there, and here with only its imports changed."""

import json
import warnings

import pytest
from aws_durable_execution_sdk_python import (
    BatchResult,
    CallbackError,
    DurableContext,
    InvokeError,
    StepContext,
    durable_execution,
    durable_step,
    durable_with_child_context,
)
from aws_durable_execution_sdk_python.config import (
    CallbackConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
)
from aws_durable_execution_sdk_python.execution import InvocationStatus
from aws_durable_execution_sdk_python.lambda_service import ErrorObject, OperationStatus, OperationType
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision
from aws_durable_execution_sdk_python_testing import (
    DurableChildContextTestRunner,
    DurableFunctionTestResult,
    DurableFunctionTestRunner,
)
from aws_durable_execution_sdk_python_testing.exceptions import (
    DurableFunctionsTestError,
    InvalidParameterValueException,
    ResourceNotFoundException,
)
from aws_durable_execution_sdk_python_testing.model import GetDurableExecutionHistoryResponse
from aws_durable_execution_sdk_python_testing.runner import (
    CallbackOperation,
    ContextOperation,
    InvokeOperation,
    StepOperation,
    WaitOperation,
)


@durable_step
def price(step_context: StepContext, item: str) -> int:
    return {"tea": 3, "cake": 4}[item]


@durable_with_child_context
def total(context: DurableContext, items: list) -> int:
    return sum(context.step(price(item), name=f"price of {item}") for item in items)


@durable_execution
def order(event, context: DurableContext) -> dict:
    amount = context.run_in_child_context(total(event["items"]), name="total")
    context.wait(Duration.from_days(2), name="cool off")
    return {"amount": amount}


def test_steps_in_a_child_context_and_a_wait():
    with DurableFunctionTestRunner(handler=order) as runner:
        result: DurableFunctionTestResult = runner.run(
            input=json.dumps({"items": ["tea", "cake"]}), execution_timeout=10
        )

    assert result.status is InvocationStatus.SUCCEEDED
    assert json.loads(result.result) == {"amount": 7}
    assert result.error is None
    assert [operation.name for operation in result.operations] == ["total", "cool off"]

    context: ContextOperation = result.get_context("total")
    assert context.status is OperationStatus.SUCCEEDED
    assert json.loads(context.result) == 7
    step: StepOperation = context.get_step("price of cake")
    assert step.operation_type is OperationType.STEP
    assert (step.attempt, step.parent_id) == (1, context.operation_id)
    assert len(context.child_operations) == 2
    wait: WaitOperation = result.get_wait("cool off")
    assert (wait.scheduled_end_timestamp - wait.start_timestamp).days == 2
    assert {operation.name for operation in result.get_all_operations()} >= {"total", "price of tea"}


def test_a_lookup_that_finds_nothing():
    with DurableFunctionTestRunner(order) as runner:
        result = runner.run(input='{"items": []}', execution_timeout=10)
    with pytest.raises(DurableFunctionsTestError):
        result.get_step("nothing of that name")


@durable_execution
def echo(event, context):
    return {"event": event}


@pytest.mark.parametrize(
    ("given", "seen"),
    [(None, None), ("", ""), ("plain text", "plain text"), ("5", 5), ('{"a": [1]}', {"a": [1]})],
)
def test_input_that_is_json_passes_and_all_else_is_text(given, seen):
    with DurableFunctionTestRunner(echo) as runner:
        assert json.loads(runner.run(input=given).result) == {"event": seen}


def test_the_former_name_of_the_timeout_still_works():
    with DurableFunctionTestRunner(echo) as runner, warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DeprecationWarning):
            runner.run(input="1", timeout=10)


def test_failures_and_retries():
    attempts = []

    def flaky(step_context):
        attempts.append(step_context)
        if len(attempts) < 3:
            raise ConnectionError(f"try {len(attempts)}")
        return "done"

    retry = create_retry_strategy(
        RetryStrategyConfig(max_attempts=3, initial_delay=Duration.from_seconds(60))
    )

    @durable_execution
    def handler(event, context):
        return context.step(flaky, name="flaky", config=StepConfig(retry_strategy=retry))

    with DurableFunctionTestRunner(handler) as runner:
        result = runner.run(execution_timeout=10)
    assert result.status is InvocationStatus.SUCCEEDED
    assert json.loads(result.result) == "done"
    assert result.get_step("flaky").attempt == 3


def test_an_error_that_leaves_the_handler():
    @durable_execution
    def handler(event, context):
        raise ValueError("no such order")

    with DurableFunctionTestRunner(handler) as runner:
        result = runner.run(execution_timeout=10)
    assert result.status is InvocationStatus.FAILED
    assert result.execution_status.value == "FAILED"
    assert (result.error.message, result.error.type) == ("no such order", "ValueError")


@durable_execution
def review(event, context):
    callback = context.create_callback(name="review", config=CallbackConfig(timeout=Duration.from_minutes(5)))
    try:
        return {"answer": callback.result()}
    except CallbackError as error:
        return {"refused": str(error)}


def test_a_callback_that_succeeds():
    with DurableFunctionTestRunner(review) as runner:
        arn = runner.run_async(input="{}")
        callback_id = runner.wait_for_callback(arn, name="review", timeout=10)
        runner.send_callback_heartbeat(callback_id)
        runner.send_callback_success(callback_id, json.dumps("fine").encode())
        result = runner.wait_for_result(arn, timeout=10)
        with pytest.raises(ResourceNotFoundException):
            runner.send_callback_success(callback_id)
    assert result.status is InvocationStatus.SUCCEEDED
    callback: CallbackOperation = result.get_callback("review")
    assert callback.callback_id == callback_id
    assert json.loads(callback.result) == "fine"


def test_a_callback_that_fails():
    with DurableFunctionTestRunner(review) as runner:
        arn = runner.run_async()
        callback_id = runner.wait_for_callback(arn, timeout=10)
        runner.send_callback_failure(callback_id, ErrorObject.from_message("not today"))
        result = runner.wait_for_result(arn, timeout=10)
    assert "not today" in json.loads(result.result)["refused"]
    assert result.get_callback("review").status is OperationStatus.FAILED


def test_a_submitter_hands_out_the_callback():
    handed_out = []

    @durable_execution
    def handler(event, context):
        return context.wait_for_callback(
            lambda callback_id, callback_context: handed_out.append(callback_id),
            name="approval",
            config=WaitForCallbackConfig(timeout=Duration.from_minutes(5)),
        )

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async()
        callback_id = runner.wait_for_callback(arn, name="approval create callback id", timeout=10)
        assert handed_out == [callback_id]
        runner.send_callback_success(callback_id, b'"yes"')
        result = runner.wait_for_result(arn, timeout=10)
    assert result.status is InvocationStatus.SUCCEEDED
    assert result.get_context("approval").status is OperationStatus.SUCCEEDED


def test_a_callback_without_an_id():
    with DurableFunctionTestRunner(review) as runner, pytest.raises(InvalidParameterValueException):
        runner.send_callback_success("")


def test_an_unknown_execution():
    with DurableFunctionTestRunner(review) as runner:
        with pytest.raises(ResourceNotFoundException):
            runner.get_execution_history("arn:aws:lambda:us-west-2:1:function:f:1/durable-execution/a/b")
        with pytest.raises(ResourceNotFoundException):
            runner.resume_execution("arn:aws:lambda:us-west-2:1:function:f:1/durable-execution/a/b")


def test_an_unanswered_callback_runs_into_the_timeout_of_the_test():
    @durable_execution
    def handler(event, context):
        return context.create_callback(name="never").result()

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async()
        with pytest.raises(TimeoutError):
            runner.wait_for_result(arn, timeout=1)


def test_an_execution_that_times_out():
    @durable_execution
    def handler(event, context):
        context.wait(Duration.from_hours(3))
        return context.create_callback(name="never").result()

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async(execution_timeout=1)
        result = runner.wait_for_result(arn, timeout=20)
    assert result.status is InvocationStatus.FAILED
    assert result.execution_status.value == "TIMED_OUT"
    assert result.error.message == "Execution timed out after 1 seconds."


@durable_execution
def invoking(event, context):
    try:
        return context.invoke(event["function"], event["payload"], name="call")
    except InvokeError as error:
        return {"failed": str(error)}


@durable_execution
def doubling(event, context):
    context.wait(Duration.from_hours(1))
    return event["n"] * 2


def adding(event, context):
    return {"sum": event["n"] + 1, "name": context.function_name}


def test_invoked_functions():
    with DurableFunctionTestRunner(invoking) as runner:
        runner.register_durable_function("doubling", doubling).register_function("adding", adding)
        durable = runner.run(json.dumps({"function": "doubling", "payload": {"n": 4}}), execution_timeout=20)
        plain = runner.run(json.dumps({"function": "adding", "payload": {"n": 4}}), execution_timeout=20)
        missing = runner.run(json.dumps({"function": "other", "payload": None}), execution_timeout=20)
    assert json.loads(durable.result) == 8
    invoke: InvokeOperation = durable.get_invoke("call")
    assert (invoke.status, invoke.result) == (OperationStatus.SUCCEEDED, "8")
    assert json.loads(plain.result) == {"sum": 5, "name": "adding"}
    assert "other" in json.loads(missing.result)["failed"]
    assert missing.get_invoke("call").error.type == "ResourceNotFoundException"


def test_branches():
    @durable_execution
    def handler(event, context):
        both: BatchResult = context.parallel(
            [lambda branch: branch.step(lambda s: "a"), lambda branch: branch.wait(Duration.from_minutes(1))],
            name="both",
            config=ParallelConfig(completion_config=CompletionConfig.all_successful()),
        )
        each: BatchResult = context.map(
            [1, 2, 3],
            lambda inner, item, index, items: inner.step(lambda s: item * 10, name="ten"),
            name="each",
            config=MapConfig(max_concurrency=2),
        )
        return [both.get_results(), each.get_results(), each.completion_reason.value]

    with DurableFunctionTestRunner(handler) as runner:
        result = runner.run(execution_timeout=60)
    assert json.loads(result.result) == [["a", None], [10, 20, 30], "ALL_COMPLETED"]
    each = result.get_context("each")
    assert each.sub_type == "Map"
    assert [branch.sub_type for branch in each.child_operations] == ["MapIteration"] * 3


def test_a_condition_that_is_polled():
    @durable_execution
    def handler(event, context):
        def strategy(state, attempt):
            if state < 3:
                return WaitForConditionDecision.continue_waiting(Duration.from_minutes(10))
            return WaitForConditionDecision.stop_polling()

        return context.wait_for_condition(
            lambda state, check_context: state + 1,
            WaitForConditionConfig(wait_strategy=strategy, initial_state=0),
            name="count",
        )

    with DurableFunctionTestRunner(handler) as runner:
        result = runner.run(execution_timeout=20)
    assert json.loads(result.result) == 3


def test_a_child_context_by_itself():
    with DurableChildContextTestRunner(total, ["tea", "tea"]) as runner:
        result = runner.run(execution_timeout=10)
    assert json.loads(result.result) == 6
    assert result.get_step("price of tea").status is OperationStatus.SUCCEEDED


def test_the_history():
    with DurableFunctionTestRunner(review) as runner:
        arn = runner.run_async(input="{}")
        runner.send_callback_success(runner.wait_for_callback(arn, timeout=10), b'"fine"')
        runner.wait_for_result(arn, timeout=10)
        history: GetDurableExecutionHistoryResponse = runner.get_execution_history(
            arn, include_execution_data=True
        )
    assert history.next_marker is None
    types = [event.event_type for event in history.events]
    assert types[0] == "ExecutionStarted"
    assert types.count("CallbackStarted") == types.count("CallbackSucceeded") == 1
    assert types[-1] == "ExecutionSucceeded"
    assert [event.event_id for event in history.events] == list(range(1, len(types) + 1))
    (answered,) = [event for event in history.events if event.event_type == "CallbackSucceeded"]
    assert answered.callback_succeeded_details.result.payload == '"fine"'
    assert GetDurableExecutionHistoryResponse.from_dict(history.to_dict()).to_dict() == history.to_dict()


def test_a_pause():
    @durable_execution
    def handler(event, context):
        context.step(lambda s: 1, name="before")
        answer = context.create_callback(name="ask").result()
        context.step(lambda s: 2, name="after")
        return answer

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async()
        callback_id = runner.wait_for_callback(arn, timeout=10)
        runner.pause_execution(arn, timeout=10)
        runner.send_callback_success(callback_id, b'"go"')
        with pytest.raises(TimeoutError):
            runner.wait_for_result(arn, timeout=1)

    with DurableFunctionTestRunner(handler) as runner:
        arn = runner.run_async()
        callback_id = runner.wait_for_callback(arn, timeout=10)
        runner.pause_execution(arn, timeout=10)
        runner.send_callback_success(callback_id, b'"go"')
        runner.resume_execution(arn)
        result = runner.wait_for_result(arn, timeout=10)
    assert json.loads(result.result) == '"go"'
    assert result.get_step("after").status is OperationStatus.SUCCEEDED


def test_what_a_handler_is_told_of_its_function():
    @durable_execution
    def handler(event, context):
        lambda_context = context.lambda_context
        return [lambda_context.function_name, lambda_context.invoked_function_arn, lambda_context.tenant_id]

    with DurableFunctionTestRunner(handler, region="eu-west-1") as runner:
        result = runner.run(function_name="orders", account_id="210987654321", tenant_id="blue")
    name, arn, tenant = json.loads(result.result)
    assert (name, tenant) == ("orders", "blue")
    assert arn.startswith("arn:aws:lambda:eu-west-1:210987654321:function:orders")
