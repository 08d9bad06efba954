"""The AWS CLI, against the server.

``make aws-cli`` installs it; ``AWS_CLI`` names another one. Without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served import ENVIRONMENT, TESTS, Caller

from pytest_durable.endpoint.server.serving import Server

_OWN = TESTS.parent / "build" / "aws-cli" / "bin" / "aws"
_AWS = os.environ.get("AWS_CLI") or (str(_OWN) if _OWN.exists() else shutil.which("aws"))

Aws = Callable[..., Any]


def _knows_durable_executions(aws: str) -> bool:
    done = subprocess.run(
        [aws, "lambda", "get-durable-execution", "help"],
        env={**os.environ, "AWS_PAGER": "", "PAGER": "cat", "MANPAGER": "cat"},
        capture_output=True,
        check=False,
    )
    return b"invalid choice" not in done.stderr.lower()


@pytest.fixture(scope="module")
def command() -> str:
    if _AWS is None:
        pytest.skip("there is no AWS CLI: make aws-cli")
    if not _knows_durable_executions(_AWS):
        pytest.skip(f"{_AWS} knows nothing of durable executions: it needs a newer version")
    return _AWS


@pytest.fixture
def aws(command: str, server: Server, tmp_path: Path) -> Aws:
    """Call the CLI as in a shell in which only the server's line has been exported."""

    def call(*arguments: str) -> Any:
        done = subprocess.run(
            [command, "lambda", *arguments],
            env={**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL_LAMBDA": server.url, "AWS_PAGER": ""},
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    return call


@pytest.fixture
def asked(api: Caller) -> tuple[str, str]:
    """An execution that waits for a callback, and the id of that."""
    arn = api.start("ask")
    callback_id = api.callback_id(arn)
    api.suspended(arn)
    return arn, callback_id


def test_invoke(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"name": "Ada"}')
    told = aws(
        "invoke",
        "--function-name=greet:$LATEST",
        "--payload=fileb://in.json",
        "--durable-execution-name=cli",
        "out.json",
    )
    assert told["StatusCode"] == 200
    assert told["DurableExecutionArn"].partition("/durable-execution/")[2].startswith("cli/")
    assert json.loads((tmp_path / "out.json").read_text()) == "Hello Ada"


def test_get_durable_execution_and_its_history(aws: Aws, api: Caller) -> None:
    arn = api.start("greet", {"name": "Ada"})
    api.ended(arn)
    told = aws("get-durable-execution", f"--durable-execution-arn={arn}")
    assert (told["Status"], json.loads(told["Result"])) == ("SUCCEEDED", "Hello Ada")
    history = aws("get-durable-execution-history", f"--durable-execution-arn={arn}", "--max-items=2")
    assert [event["EventType"] for event in history["Events"]] == ["ExecutionStarted", "StepStarted"]
    rest = aws(
        "get-durable-execution-history",
        f"--durable-execution-arn={arn}",
        f"--starting-token={history['NextToken']}",
    )
    assert rest["Events"][-1]["EventType"] == "ExecutionSucceeded"


def test_list_durable_executions_by_function(aws: Aws, api: Caller) -> None:
    arn = api.start("greet", {"name": "Ada"}, DurableExecutionName="listed")
    api.ended(arn)
    told = aws(
        "list-durable-executions-by-function",
        "--function-name=greet",
        "--durable-execution-name=listed",
        "--statuses=SUCCEEDED",
    )
    assert [execution["DurableExecutionArn"] for execution in told["DurableExecutions"]] == [arn]


def test_send_durable_execution_callback_success(
    aws: Aws, api: Caller, asked: tuple[str, str], tmp_path: Path
) -> None:
    arn, callback_id = asked
    (tmp_path / "result.json").write_text('{"by": "cli"}')
    aws("send-durable-execution-callback-heartbeat", f"--callback-id={callback_id}")
    aws(
        "send-durable-execution-callback-success",
        f"--callback-id={callback_id}",
        # Version 1 takes bytes as they are, and version 2 in base64; both take them from a file.
        "--result=fileb://result.json",
    )
    assert json.loads(json.loads(api.ended(arn)["Result"])) == {"by": "cli"}


def test_send_durable_execution_callback_failure(aws: Aws, api: Caller, asked: tuple[str, str]) -> None:
    arn, callback_id = asked
    aws("send-durable-execution-callback-failure", f"--callback-id={callback_id}", "--error=ErrorMessage=no")
    assert api.ended(arn)["Error"]["ErrorMessage"] == "no"


def test_stop_durable_execution(aws: Aws, api: Caller, asked: tuple[str, str]) -> None:
    arn, _ = asked
    told = aws("stop-durable-execution", f"--durable-execution-arn={arn}", "--error=ErrorMessage=enough")
    assert told["StopTimestamp"]
    assert api.ended(arn)["Status"] == "STOPPED"


def test_an_error_of_the_service_is_told(aws: Aws) -> None:
    with pytest.raises(AssertionError, match=r"ResourceNotFoundException.*nobody"):
        aws("list-durable-executions-by-function", "--function-name=nobody")
