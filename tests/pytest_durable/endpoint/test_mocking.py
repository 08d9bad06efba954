"""boto3's own Lambda client at one end, handlers of durable_sdk at the other."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3
import moto
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.botocore_stubber import BotocoreStubber

import pytest_durable
from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, StepConfig
from durable_sdk.retries import RetryPresets
from pytest_durable import faults
from pytest_durable.endpoint import in_process
from pytest_durable.endpoint.mocking import DurableMock, mock_durable
from pytest_durable.endpoint.wire import supported_operations
from pytest_durable.errors import (
    DurableStuckError,
    NonDeterminismError,
    UnusedScriptError,
    UsageError,
)

HOUR = Duration.from_hours(1)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@durable_execution
def greet(event: dict[str, Any], context: DurableContext) -> str:
    name = context.step(lambda _: event["name"], name="name")
    context.wait(HOUR, "nap")
    return f"Hello {name}"


@durable_execution
def approve(event: dict[str, Any], context: DurableContext) -> Any:
    config = CallbackConfig(timeout=HOUR) if event.get("timeout") else None
    return context.create_callback("approval", config).result()


@durable_execution
def archive(event: dict[str, Any], context: DurableContext) -> str:
    """Use three services of AWS in steps."""

    def store(_: Any) -> str:
        boto3.client("s3").put_object(Bucket="archive", Key=event["id"], Body=b"text")
        found = boto3.client("s3").head_object(Bucket="archive", Key=event["id"])
        return str(found["LastModified"].isoformat())

    def note(_: Any) -> None:
        table = boto3.resource("dynamodb").Table("orders")
        table.put_item(Item={"id": event["id"], "state": "stored"})

    def tell(_: Any) -> None:
        queue = boto3.client("sqs")
        url = queue.get_queue_url(QueueName="told")["QueueUrl"]
        queue.send_message(QueueUrl=url, MessageBody=event["id"])

    context.wait(HOUR, "nap")
    stored_at = context.step(store, name="store")
    context.parallel(
        [lambda child: child.step(note, name="note"), lambda child: child.step(tell, name="tell")]
    )
    return stored_at


def double(event: Any, context: Any) -> Any:
    if event == "fail":
        raise ValueError("cannot be doubled")
    if event == "exit":
        raise SystemExit(3)
    return {"doubled": event * 2, "by": context.function_name}


FUNCTIONS = {"greet": greet, "approve": approve, "archive": archive, "double": double}


@pytest.fixture
def mock() -> Iterator[DurableMock]:
    with mock_durable(FUNCTIONS) as mock:
        yield mock


@pytest.fixture
def client(mock: DurableMock) -> Any:
    return boto3.client("lambda")


def invoke(client: Any, name: str, event: Any, **params: Any) -> Any:
    return client.invoke(FunctionName=name, Payload=json.dumps(event), **params)


def started(client: Any, name: str, event: Any, **params: Any) -> str:
    return str(invoke(client, name, event, InvocationType="Event", **params)["DurableExecutionArn"])


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def callback_of(client: Any, arn: str) -> str:
    history = client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
    begun = [event for event in history if event["EventType"] == "CallbackStarted"]
    return str(begun[-1]["CallbackStartedDetails"]["CallbackId"])


# Invoke.


def test_an_invocation_that_waits_runs_the_execution_to_its_end_in_virtual_time(
    mock: DurableMock, client: Any
) -> None:
    answer = invoke(client, "greet:$LATEST", {"name": "Ada"})
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.load(answer["Payload"]) == "Hello Ada"
    assert "FunctionError" not in answer
    assert answer["DurableExecutionArn"].startswith("arn:aws:lambda:us-east-1:123456789012:function:greet:")
    assert (mock.clock.now - START).total_seconds() == 3600
    assert [result.status for result in mock.results] == ["SUCCEEDED"]


def test_a_handler_that_fails_is_a_function_error(client: Any) -> None:
    answer = invoke(client, "greet:$LATEST", {})
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"])["errorMessage"] == "'name'"


def test_an_event_is_accepted_at_once_and_goes_on_when_somebody_looks(mock: DurableMock, client: Any) -> None:
    answer = invoke(client, "greet:$LATEST", {"name": "Ada"}, InvocationType="Event")
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    assert mock.clock.now == START
    seen = client.get_durable_execution(DurableExecutionArn=answer["DurableExecutionArn"])
    assert (seen["Status"], seen["Result"]) == ("SUCCEEDED", '"Hello Ada"')
    assert seen["EndTimestamp"] == mock.clock.now


def test_a_name_that_is_used_again_gives_the_same_execution_or_is_refused(client: Any) -> None:
    first = started(client, "greet:$LATEST", {"name": "Ada"}, DurableExecutionName="order-1")
    assert started(client, "greet:$LATEST", {"name": "Ada"}, DurableExecutionName="order-1") == first
    with pytest.raises(client.exceptions.DurableExecutionAlreadyStartedException) as caught:
        started(client, "greet:$LATEST", {"name": "Bob"}, DurableExecutionName="order-1")
    assert refusal(caught) == ("DurableExecutionAlreadyStartedException", 409)


def test_a_dry_run_starts_nothing(mock: DurableMock, client: Any) -> None:
    assert invoke(client, "greet:$LATEST", {}, InvocationType="DryRun")["StatusCode"] == 204
    assert mock.results == []


@pytest.mark.parametrize(
    "params",
    [
        {"FunctionName": "greet:$LATEST"},
        {"FunctionName": "greet", "Qualifier": "7"},
        {"FunctionName": "greet", "Qualifier": "live"},
        {"FunctionName": "123456789012:function:greet:$LATEST"},
        {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:greet:live"},
    ],
)
def test_a_function_is_found_by_every_qualified_name(client: Any, params: dict[str, Any]) -> None:
    assert client.invoke(**params, Payload=b'{"name": "Ada"}')["StatusCode"] == 200


def test_a_function_is_in_the_region_of_the_client(mock: DurableMock) -> None:
    client = boto3.client("lambda", region_name="eu-central-1")
    arn = started(client, "greet:$LATEST", {"name": "Ada"})
    assert arn.startswith("arn:aws:lambda:eu-central-1:123456789012:function:greet:$LATEST/")
    assert client.get_durable_execution(DurableExecutionArn=arn)["FunctionArn"] == arn.partition("/")[0]


def test_an_alias_is_no_part_of_the_arn_of_an_execution(client: Any) -> None:
    arn = started(client, "greet:live", {"name": "Ada"})
    assert ":function:greet:$LATEST/" in arn
    assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == "SUCCEEDED"


def test_a_durable_function_is_not_invoked_without_a_qualifier(client: Any) -> None:
    with pytest.raises(ClientError, match="unqualified") as caught:
        invoke(client, "greet", {"name": "Ada"})
    assert refusal(caught) == ("InvalidParameterValueException", 400)


def test_an_unknown_function_is_not_found(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="lost") as caught:
        invoke(client, "lost:$LATEST", {})
    assert refusal(caught) == ("ResourceNotFoundException", 404)


def test_a_payload_that_is_not_json_is_refused(client: Any) -> None:
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke(FunctionName="greet:$LATEST", Payload=b"{name: Ada}")


def test_a_function_that_is_not_durable_runs_on_the_spot(client: Any) -> None:
    answer = invoke(client, "double", 21)
    assert json.load(answer["Payload"]) == {"doubled": 42, "by": "double"}
    assert "DurableExecutionArn" not in answer
    failed = invoke(client, "double", "fail")
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorMessage"] == "cannot be doubled"
    assert json.load(invoke(client, "double", "exit")["Payload"])["errorType"] == "Runtime.ExitError"
    assert invoke(client, "double", "fail", InvocationType="Event")["StatusCode"] == 202


# Callbacks, and how far time goes.


def test_a_callback_is_answered_by_its_three_calls(client: Any) -> None:
    for answer, expected in (
        (lambda **to: client.send_durable_execution_callback_success(Result=b'"yes"', **to), "SUCCEEDED"),
        (
            lambda **to: client.send_durable_execution_callback_failure(Error={"ErrorMessage": "no"}, **to),
            "FAILED",
        ),
    ):
        arn = started(client, "approve:$LATEST", {})
        callback_id = callback_of(client, arn)
        assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == "RUNNING"
        client.send_durable_execution_callback_heartbeat(CallbackId=callback_id)
        answer(CallbackId=callback_id)
        assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == expected
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            answer(CallbackId=callback_id)


def test_a_callback_that_somebody_may_answer_does_not_time_out_unless_time_passes(
    mock: DurableMock, client: Any
) -> None:
    arn = started(client, "approve:$LATEST", {"timeout": True})
    waits = started(client, "greet:$LATEST", {"name": "Ada"})
    for _ in range(3):
        assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == "RUNNING"
    # The nap of the other one is as long as the timeout, and ends with it.
    assert client.get_durable_execution(DurableExecutionArn=waits)["Status"] == "RUNNING"
    mock.clock.advance("2h")
    assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == "FAILED"
    assert client.get_durable_execution(DurableExecutionArn=waits)["Status"] == "SUCCEEDED"


def test_a_callback_that_nobody_can_answer_meanwhile_times_out(mock: DurableMock, client: Any) -> None:
    answer = invoke(client, "approve:$LATEST", {"timeout": True})
    assert answer["FunctionError"] == "Unhandled"
    assert "timed out" in json.load(answer["Payload"])["errorMessage"]
    assert (mock.clock.now - START).total_seconds() == 3600


def test_an_invocation_that_would_wait_for_ever_says_so(client: Any) -> None:
    with pytest.raises(DurableStuckError, match="approval"):
        invoke(client, "approve:$LATEST", {})


def test_scripts_answer_and_replace(mock: DurableMock, client: Any) -> None:
    mock.on_callback("approval").succeed({"ok": True}, after="2h")
    mock.on_step("name").returns("Grace")
    assert json.loads(json.load(invoke(client, "approve:$LATEST", {})["Payload"])) == {"ok": True}
    assert json.load(invoke(client, "greet:$LATEST", {"name": "Ada"})["Payload"]) == "Hello Grace"


def test_faults_strike(mock: DurableMock, client: Any) -> None:
    mock.inject(faults.crash(after_step="name"))
    assert json.load(invoke(client, "greet:$LATEST", {"name": "Ada"})["Payload"]) == "Hello Ada"
    assert len(mock.results[0].invocations) == 3


# Executions.


def test_history_comes_in_pages(client: Any) -> None:
    arn = started(client, "greet:$LATEST", {"name": "Ada"})
    whole = client.get_durable_execution_history(DurableExecutionArn=arn, IncludeExecutionData=True)["Events"]
    pages = client.get_paginator("get_durable_execution_history").paginate(
        DurableExecutionArn=arn, IncludeExecutionData=True, PaginationConfig={"PageSize": 2}
    )
    paged = [page["Events"] for page in pages]
    assert [event for events in paged for event in events] == whole
    assert max(map(len, paged)) == 2
    backwards = client.get_durable_execution_history(
        DurableExecutionArn=arn, ReverseOrder=True, IncludeExecutionData=True
    )["Events"]
    assert backwards == whole[::-1]


def test_executions_are_listed_in_pages(client: Any) -> None:
    arns = [started(client, "greet:$LATEST", {"name": name}) for name in "ABC"]
    pages = client.get_paginator("list_durable_executions_by_function").paginate(
        FunctionName="greet", Statuses=["SUCCEEDED"], PaginationConfig={"PageSize": 2}
    )
    listed = [[each["DurableExecutionArn"] for each in page["DurableExecutions"]] for page in pages]
    assert listed == [arns[:2], arns[2:]]


def test_an_execution_is_stopped(client: Any) -> None:
    arn = started(client, "approve:$LATEST", {})
    stopped = client.stop_durable_execution(DurableExecutionArn=arn, Error={"ErrorMessage": "enough"})
    seen = client.get_durable_execution(DurableExecutionArn=arn)
    assert (seen["Status"], seen["EndTimestamp"]) == ("STOPPED", stopped["StopTimestamp"])
    assert seen["Error"]["ErrorMessage"] == "enough"


@pytest.mark.skipif("DeleteDurableExecution" not in supported_operations(), reason="boto3 is older")
def test_an_execution_that_has_ended_can_be_deleted_and_its_name_used_again(client: Any) -> None:
    arn = started(client, "approve:$LATEST", {}, DurableExecutionName="one")
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.delete_durable_execution(DurableExecutionArn=arn)
    client.stop_durable_execution(DurableExecutionArn=arn)
    answer = client.delete_durable_execution(DurableExecutionArn=arn)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["DeletionRequestTimestamp"] == START
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_durable_execution(DurableExecutionArn=arn)
    assert client.list_durable_executions_by_function(FunctionName="approve")["DurableExecutions"] == []
    assert started(client, "approve:$LATEST", {"other": 1}, DurableExecutionName="one") != arn


@pytest.mark.skipif("PauseDurableExecution" not in supported_operations(), reason="boto3 is older")
def test_what_has_ended_is_neither_paused_nor_resumed(client: Any) -> None:
    arn = started(client, "greet:$LATEST", {"name": "Ada"})
    for call in (client.pause_durable_execution, client.resume_durable_execution):
        with pytest.raises(client.exceptions.ResourceConflictException) as caught:
            call(DurableExecutionArn=arn)
        assert refusal(caught) == ("ResourceConflictException", 409)


@pytest.mark.skipif("PauseDurableExecution" not in supported_operations(), reason="boto3 is older")
def test_an_execution_is_paused_and_resumed(client: Any) -> None:
    arn = started(client, "greet:$LATEST", {"name": "Ada"})
    other = started(client, "approve:$LATEST", {})
    client.pause_durable_execution(DurableExecutionArn=other)
    assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == "SUCCEEDED"
    client.send_durable_execution_callback_success(CallbackId=callback_of(client, other), Result=b"1")
    assert client.get_durable_execution(DurableExecutionArn=other)["Status"] == "PAUSED"
    client.resume_durable_execution(DurableExecutionArn=other)
    assert client.get_durable_execution(DurableExecutionArn=other)["Status"] == "SUCCEEDED"


def test_a_checkpoint_with_a_token_of_no_invocation_is_refused(client: Any) -> None:
    arn = started(client, "approve:$LATEST", {})
    for call in (client.checkpoint_durable_execution, client.get_durable_execution_state):
        with pytest.raises(ClientError, match="checkpoint token") as caught:
            call(DurableExecutionArn=arn, CheckpointToken="bm9uZQ==")
        assert refusal(caught) == ("InvalidParameterValueException", 400)


def test_what_the_model_forbids_is_refused_as_the_service_does(client: Any) -> None:
    with pytest.raises(ClientError, match="maxItems") as caught:
        client.list_durable_executions_by_function(FunctionName="greet", MaxItems=1001)
    assert refusal(caught) == ("InvalidParameterValueException", 400)


# Handlers that call boto3.


def test_steps_use_the_rest_of_moto_in_virtual_time() -> None:
    with moto.mock_aws(), mock_durable(FUNCTIONS):
        boto3.client("s3").create_bucket(Bucket="archive")
        table = boto3.resource("dynamodb").create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        url = boto3.client("sqs").create_queue(QueueName="told")["QueueUrl"]
        answer = invoke(boto3.client("lambda"), "archive:$LATEST", {"id": "a1"})
        assert json.load(answer["Payload"]) == "2026-01-01T01:00:00+00:00"
        assert table.get_item(Key={"id": "a1"})["Item"]["state"] == "stored"
        messages = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
        assert [message["Body"] for message in messages] == ["a1"]


def test_clients_with_threads_of_their_own_work_in_steps_and_tests() -> None:
    s3 = boto3.client("s3")

    def upload(key: str) -> int:
        # Of more than 8 MiB: in parts, each sent by a thread.
        s3.upload_fileobj(io.BytesIO(bytes(9 << 20)), "archive", key)
        return int(s3.head_object(Bucket="archive", Key=key)["ContentLength"])

    @durable_execution
    def store(event: Any, context: DurableContext) -> int:
        return context.step(lambda _: upload("step"), name="upload")

    with moto.mock_aws(), mock_durable({"store": store}):
        s3.create_bucket(Bucket="archive")
        answer = invoke(boto3.client("lambda"), "store:$LATEST", {})
        assert json.load(answer["Payload"]) == 9 << 20
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(upload, "abc")) == [9 << 20] * 3
    assert datetime.now(UTC).year > 2000
    assert "freezegun" not in type(datetime.now(UTC)).__module__


@durable_execution
def pause(event: dict[str, Any], context: DurableContext) -> str:
    context.wait(Duration.from_minutes(5))
    return "paused"


@durable_execution
def delegate(event: dict[str, Any], context: DurableContext) -> Any:
    """Invoke others by boto3, in steps."""

    def ask(_: Any) -> Any:
        client = boto3.client("lambda")
        started(client, "greet:$LATEST", {"name": "Bob"}, DurableExecutionName="bob")
        doubled = json.load(invoke(client, "double", 2)["Payload"])["doubled"]
        return [json.load(invoke(client, "pause:$LATEST", {})["Payload"]), doubled]

    return context.step(ask, name="ask")


@durable_execution
def answer(event: dict[str, Any], context: DurableContext) -> Any:
    """Have the callback of another execution answered, and one's own."""

    def say(callback_id: str) -> None:
        boto3.client("lambda").send_durable_execution_callback_success(CallbackId=callback_id, Result=b"1")

    context.step(lambda _: say(event["callback_id"]), name="theirs")
    return context.wait_for_callback(lambda callback_id, _: say(callback_id), name="ours")


def test_a_step_may_invoke_others(mock: DurableMock, client: Any) -> None:
    mock.register("delegate", delegate).register("pause", pause)
    assert json.load(invoke(client, "delegate:$LATEST", {})["Payload"]) == ["paused", 4]
    listed = client.list_durable_executions_by_function(FunctionName="greet")["DurableExecutions"]
    assert [each["Status"] for each in listed] == ["SUCCEEDED"]


def test_a_step_may_answer_callbacks_of_others_and_its_own(mock: DurableMock, client: Any) -> None:
    mock.register("answer", answer)
    arn = started(client, "approve:$LATEST", {})
    callback_id = callback_of(client, arn)
    assert json.load(invoke(client, "answer:$LATEST", {"callback_id": callback_id})["Payload"]) == "1"
    assert client.get_durable_execution(DurableExecutionArn=arn)["Result"] == '"1"'


def test_a_step_that_waits_for_what_never_ends_runs_into_its_time_limit(
    mock: DurableMock, client: Any
) -> None:
    @durable_execution
    def hopeless(event: Any, context: DurableContext) -> Any:
        return context.step(
            lambda _: invoke(boto3.client("lambda"), "approve:$LATEST", {})["StatusCode"], name="ask"
        )

    mock.register("hopeless", hopeless)
    answer = invoke(client, "hopeless:$LATEST", {})
    assert "timed out after 900" in json.load(answer["Payload"])["errorMessage"]


def test_nothing_is_heard_of_a_sandbox_that_has_died(mock: DurableMock, client: Any) -> None:
    @durable_execution
    def slow(event: Any, context: DurableContext) -> None:
        def work(_: Any) -> None:
            try:
                time.sleep(3600)
            finally:
                started(client, "greet:$LATEST", {"name": "Ada"})

        context.step(work, name="work")

    mock.register("slow", slow)
    assert "timed out" in json.load(invoke(client, "slow:$LATEST", {})["Payload"])["errorMessage"]
    listed = client.list_durable_executions_by_function(FunctionName="greet")
    assert listed["DurableExecutions"] == []


def test_threads_of_the_test_take_turns(mock: DurableMock, client: Any) -> None:
    def order(number: int) -> str:
        answer = invoke(client, "greet:$LATEST", {"name": str(number)})
        client.list_durable_executions_by_function(FunctionName="greet")
        return str(json.load(answer["Payload"]))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(order, range(24))) == [f"Hello {number}" for number in range(24)]
    assert len(mock.results) == 24


def test_a_thread_that_a_step_starts_cannot_call(
    mock: DurableMock, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "_TURN_SECONDS", 0.05)

    @durable_execution
    def threaded(event: Any, context: DurableContext) -> Any:
        def ask(_: Any) -> Any:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(invoke, client, "double", 1).result()["StatusCode"]

        return context.step(ask, name="ask", config=StepConfig(retry_strategy=RetryPresets.none()))

    mock.register("threaded", threaded)
    answer = invoke(client, "threaded:$LATEST", {})
    assert "cannot call boto3 there" in json.load(answer["Payload"])["errorMessage"]


# Which clients, and for how long.


def test_nothing_is_left_behind() -> None:
    handlers, answers = list(BUILTIN_HANDLERS), BotocoreStubber.__call__
    early = boto3.client("lambda")
    with mock_durable(FUNCTIONS) as mock:
        mock.patch_client(early)
        inner = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
        with mock_durable({}):
            pass
        assert invoke(inner, "double", 1)["StatusCode"] == 200
    assert handlers == BUILTIN_HANDLERS
    assert BotocoreStubber.__call__ is answers
    with moto.mock_aws():
        for client in (early, inner):
            with pytest.raises(client.exceptions.ResourceNotFoundException):
                invoke(client, "double", {})


def test_clients_that_were_made_before_are_answered_if_moto_was_imported_before_them() -> None:
    early = boto3.client("lambda")
    with mock_durable(FUNCTIONS):
        assert invoke(early, "double", 1)["StatusCode"] == 200
    with moto.mock_aws(), mock_durable(FUNCTIONS):
        assert invoke(early, "double", 1)["StatusCode"] == 200


def test_the_innermost_mock_answers_and_the_others_what_it_does_not_know() -> None:
    with mock_durable(FUNCTIONS):
        client = boto3.client("lambda")
        arn = started(client, "approve:$LATEST", {})
        with mock_durable({"double": lambda event, context: "inner"}):
            assert json.load(invoke(client, "double", 1)["Payload"]) == "inner"
            assert json.load(invoke(client, "greet:$LATEST", {"name": "Ada"})["Payload"]) == "Hello Ada"
            assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == "RUNNING"
            client.send_durable_execution_callback_success(CallbackId=callback_of(client, arn))
            assert client.get_durable_execution(DurableExecutionArn=arn)["Status"] == "SUCCEEDED"
        assert json.load(invoke(client, "double", 1)["Payload"])["doubled"] == 2


@moto.mock_aws(config={"lambda": {"use_docker": False}})
def test_all_else_of_lambda_is_moto_s() -> None:
    role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    with mock_durable(FUNCTIONS):
        client = boto3.client("lambda")
        client.create_function(
            FunctionName="elsewhere",
            Runtime="python3.13",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        )
        assert [each["FunctionName"] for each in client.list_functions()["Functions"]] == ["elsewhere"]
        assert client.invoke(FunctionName="elsewhere", Payload=b"{}")["StatusCode"] == 200


@moto.mock_aws
def test_a_function_that_moto_does_not_have_either_is_not_found() -> None:
    with mock_durable(FUNCTIONS):
        client = boto3.client("lambda")
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.invoke(FunctionName="lost", Payload=b"{}")


def test_a_client_of_another_endpoint_is_left_alone() -> None:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    with mock_durable(FUNCTIONS):
        client = boto3.client("lambda", endpoint_url="http://127.0.0.1:9", config=config)
        with pytest.raises(EndpointConnectionError):
            invoke(client, "double", 1)


def test_only_lambda_clients_are_patched(mock: DurableMock) -> None:
    for other in (boto3.client("s3"), "lambda"):
        with pytest.raises(UsageError, match="Lambda client"):
            mock.patch_client(other)


# As a tool of tests.


def test_it_decorates_tests_and_keeps_their_arguments() -> None:
    @mock_durable(FUNCTIONS)
    def decorated(number: int) -> Any:
        """Say so."""
        return json.load(invoke(boto3.client("lambda"), "double", number)["Payload"])["doubled"]

    @mock_durable(FUNCTIONS)
    async def asynchronous(number: int) -> Any:
        await asyncio.sleep(0)
        return json.load(invoke(boto3.client("lambda"), "double", number)["Payload"])["doubled"]

    assert (decorated(2), decorated(3)) == (4, 6)
    assert asyncio.run(asynchronous(4)) == 8
    assert list(inspect.signature(decorated).parameters) == ["number"]
    assert decorated.__doc__ == "Say so."


def test_it_decorates_neither_classes_nor_fixtures_that_yield() -> None:
    class Tests:
        pass

    def fixture() -> Iterator[int]:
        yield 1

    for wrong in (Tests, fixture):
        with pytest.raises(UsageError, match="decorates test functions"):
            mock_durable(FUNCTIONS)(wrong)


def test_each_time_it_begins_anew() -> None:
    durable = mock_durable(FUNCTIONS)
    for _ in range(2):
        with durable as mock:
            started(boto3.client("lambda"), "greet:$LATEST", {"name": "Ada"}, DurableExecutionName="one")
            assert len(mock.results) == 1
            assert mock.clock.now == START


def test_it_is_part_of_the_package() -> None:
    assert pytest_durable.mock_durable is mock_durable


def test_a_script_that_is_never_used_fails_the_test() -> None:
    with pytest.raises(UnusedScriptError, match="approval"), mock_durable(FUNCTIONS) as mock:
        mock.on_callback("approval").succeed(1)


def test_an_error_of_the_test_goes_before_what_would_be_checked() -> None:
    def test() -> None:
        with mock_durable(FUNCTIONS) as mock:
            mock.on_callback("approval").succeed(1)
            raise KeyError("the test's own")

    with pytest.raises(KeyError):
        test()


def test_replays_are_checked_when_it_ends() -> None:
    counter = iter(range(100))

    @durable_execution
    def flaky(event: Any, context: DurableContext) -> None:
        context.wait(HOUR, f"wait-{next(counter) // 2}")

    with pytest.raises(NonDeterminismError), mock_durable({"flaky": flaky}):
        invoke(boto3.client("lambda"), "flaky:$LATEST", {})


def test_it_starts_when_and_as_it_is_told() -> None:
    start = datetime(2030, 5, 1, tzinfo=UTC)
    with mock_durable(FUNCTIONS, start_time=start, limits={"callback_result_bytes": 10}) as mock:
        assert mock.clock.now == start
        client = boto3.client("lambda")
        callback_id = callback_of(client, started(client, "approve:$LATEST", {}))
        with pytest.raises(client.exceptions.InvalidParameterValueException):
            client.send_durable_execution_callback_success(CallbackId=callback_id, Result=b"1" * 11)


@pytest.mark.parametrize(
    "arguments",
    [
        {"replay_check": "some"},
        {"start_time": datetime(2026, 1, 1)},
        {"limits": {"colour": 1}},
        {"functions": {"not a name": double}},
        {"functions": {"double": 2}},
    ],
)
def test_wrong_arguments_are_found_before_the_test_begins(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        mock_durable(**arguments)


def test_without_the_names_of_functions_it_is_told_what_to_write() -> None:
    def test() -> None:
        pass

    written = r"@mock_durable\(\{'my_function': handler\}\)"
    for wrong in (test, greet, "greet", [greet]):
        with pytest.raises(UsageError, match=f"handlers by the names .* write {written}.*, got ") as caught:
            mock_durable(wrong)  # type: ignore[arg-type]
        assert repr(wrong) in str(caught.value)


def test_an_execution_timeout_is_that_of_a_function(mock: DurableMock, client: Any) -> None:
    mock.register("brief", greet, execution_timeout="5m")
    answer = invoke(client, "brief:$LATEST", {"name": "Ada"})
    assert mock.results[0].status == "TIMED_OUT"
    assert answer["FunctionError"] == "Unhandled"
