"""What a handler answers, and what the service makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable.simulator.invocation import (
    Crashed,
    Failed,
    Invalid,
    Pending,
    Raised,
    Returned,
    Succeeded,
    interpret,
)

LIMIT = 1_000
EXIT = {"ErrorType": "Runtime.ExitError"}
ERROR = {"ErrorType": "E", "ErrorMessage": "m"}


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ({"Status": "SUCCEEDED", "Result": "1"}, Succeeded("1")),
        ({"Status": "SUCCEEDED", "Result": ""}, Succeeded("")),
        ({"Status": "SUCCEEDED"}, Succeeded(None)),
        ({"Status": "FAILED", "Error": ERROR}, Failed(ERROR)),
        ({"Status": "FAILED"}, Failed(None)),
        ({"Status": "PENDING"}, Pending()),
    ],
)
def test_an_output_is_understood(output: dict[str, Any], answer: object) -> None:
    assert interpret(Returned(output), LIMIT, EXIT) == answer


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (None, "expected an object, got None"),
        ("SUCCEEDED", "expected an object, got 'SUCCEEDED'"),
        ([{"Status": "SUCCEEDED"}], "expected an object"),
        ({}, "Unexpected invocation status: None."),
        ({"Status": "RETRY"}, "Unexpected invocation status: RETRY."),
        ({"Status": "succeeded"}, "Unexpected invocation status: succeeded."),
        ({"Status": "SUCCEEDED", "Error": {}}, "Cannot provide an Error for SUCCEEDED status."),
        ({"Status": "SUCCEEDED", "Error": "text"}, "Error is not an object: 'text'"),
        ({"Status": "FAILED", "Result": "1"}, "Cannot provide a Result for FAILED status."),
        ({"Status": "SUCCEEDED", "Result": {"a": 1}}, "Result is not a text"),
        ({"Status": "SUCCEEDED", "Result": "x" * LIMIT}, "more than 1000 bytes of JSON"),
    ],
)
def test_an_invalid_output_says_what_is_wrong(output: object, message: str) -> None:
    answer = interpret(Returned(output), LIMIT, EXIT)
    assert isinstance(answer, Invalid)
    assert answer.error["ErrorType"] == "InvalidParameterValueException"
    assert message in answer.error["ErrorMessage"]


@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        (ValueError("bad"), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_whatever_is_raised_is_a_crash(error: BaseException, error_type: str) -> None:
    answer = interpret(Raised(error), LIMIT, EXIT)
    assert isinstance(answer, Crashed)
    assert answer.error["ErrorType"].endswith(error_type)


@pytest.mark.parametrize("code", [3, 0, None, "message"])
def test_a_process_that_exits_is_reported_as_such_whatever_its_status(code: object) -> None:
    assert interpret(Raised(SystemExit(code)), LIMIT, EXIT) == Crashed(EXIT)


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({"Status": "SUCCEEDED", "Extra": object()}, id="object"),
        pytest.param({"Status": "SUCCEEDED", "Extra": {1, 2}}, id="set"),
        pytest.param({"Status": ["SUCCEEDED"]}, id="list as status"),
        pytest.param({"Status": float("nan")}, id="nan as status"),
    ],
)
def test_an_output_that_is_not_json_is_invalid_rather_than_an_error_of_ours(output: dict[str, Any]) -> None:
    assert isinstance(interpret(Returned(output), LIMIT, EXIT), Invalid)
