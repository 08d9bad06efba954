"""DurableFunctionCloudTestRunner: AWS's calls, over HTTP at a service that shows recorded executions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import corpus
import pytest
from scripted_lambda import Life, ScriptedLambda, serving

from durable_sdk import DurableContext, durable_execution
from durable_sdk.execution import InvocationStatus
from durable_sdk.lambda_service import ErrorObject
from pytest_durable import DurableFunctionCloudTestRunner
from pytest_durable.cloud.clock import RealClock
from pytest_durable.exceptions import DurableFunctionsTestError
from pytest_durable.runner import DurableFunctionTestResult


@durable_execution
def approval(event: object, context: DurableContext) -> object:
    return context.wait_for_callback(lambda callback_id, _: None, "approval")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedLambda]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed('"yes"')
    life = Life.of(runner.run())
    runner.release()
    with serving(ScriptedLambda(RealClock(), life)) as served:
        yield served


@pytest.fixture
def runner(service: ScriptedLambda) -> Iterator[DurableFunctionCloudTestRunner]:
    with DurableFunctionCloudTestRunner(
        "orders:live", lambda_endpoint=service.url, poll_interval=0.01
    ) as made:
        yield made


def test_a_run_is_awaited_answered_and_read_as_with_awss_runner(
    runner: DurableFunctionCloudTestRunner, service: ScriptedLambda
) -> None:
    arn = runner.run_async({"id": 1}, timeout=5)
    callback_id = runner.wait_for_callback(arn, "approval", timeout=5)
    runner.send_callback_heartbeat(callback_id)
    runner.send_callback_success(callback_id, b'"yes"')
    result = runner.wait_for_result(arn, timeout=5)
    assert isinstance(result, DurableFunctionTestResult)
    assert result.status is InvocationStatus.SUCCEEDED
    assert json.loads(result.result or "") == '"yes"'
    assert [event["EventType"] for event in result.history][-1] == "ExecutionSucceeded"
    assert runner.run({"id": 2}, timeout=5).status is InvocationStatus.SUCCEEDED
    assert [request.json for request in service.of("Invoke")] == [{"id": 1}, {"id": 2}]
    assert service.stopped == {}


def test_the_input_is_sent_as_json_whatever_it_is(
    runner: DurableFunctionCloudTestRunner, service: ScriptedLambda
) -> None:
    for value in (None, "text", '{"id": 1}', [1]):
        runner.run_async(value)
    assert [request.body for request in service.of("Invoke")] == [
        b"null",
        b'"text"',
        b'"{\\"id\\": 1}"',
        b"[1]",
    ]


def test_what_is_left_running_is_stopped_with_the_runner(service: ScriptedLambda) -> None:
    with DurableFunctionCloudTestRunner("orders:live", lambda_endpoint=service.url) as runner:
        arn = runner.run_async()
    assert list(service.stopped) == [arn]


def test_a_callback_can_fail_and_a_second_answer_is_refused(
    runner: DurableFunctionCloudTestRunner, service: ScriptedLambda
) -> None:
    callback_id = runner.wait_for_callback(runner.run_async())
    runner.send_callback_failure(callback_id, ErrorObject("no", "Refused", None, None))
    assert service.answered[callback_id].json == {"ErrorMessage": "no", "ErrorType": "Refused"}
    with pytest.raises(DurableFunctionsTestError, match="ResourceNotFoundException"):
        runner.send_callback_failure(callback_id)


def test_an_execution_can_be_paused_and_resumed(
    runner: DurableFunctionCloudTestRunner, service: ScriptedLambda
) -> None:
    arn = runner.run_async()
    runner.pause_execution(arn, timeout=5)
    assert service.paused == {arn}
    runner.resume_execution(arn)
    assert service.paused == set()


def test_the_local_runner_does_without_boto3() -> None:
    code = "import sys, pytest_durable.runner; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
