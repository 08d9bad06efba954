"""Requests and answers whose form is not that of their fields alone."""

from __future__ import annotations

import pytest

from durable_sdk.exceptions import ValidationError
from durable_sdk.lambda_service import ErrorObject, OperationUpdate
from pytest_durable.exceptions import InvalidParameterValueException
from pytest_durable.model import (
    LATEST_PUBLISHED_QUALIFIER,
    CheckpointDurableExecutionRequest,
    ErrorResponse,
    LambdaContext,
    SendDurableExecutionCallbackFailureRequest,
    StartDurableExecutionInput,
    executed_version,
)


def test_a_checkpoint_is_for_the_execution_in_its_path() -> None:
    update = {"Id": "a", "Type": "STEP", "Action": "START"}
    request = CheckpointDurableExecutionRequest.from_dict(
        {"CheckpointToken": "t", "Updates": [update]}, "arn"
    )
    assert request == CheckpointDurableExecutionRequest("arn", "t", [OperationUpdate.from_dict(update)])
    with pytest.raises(ValidationError, match="needs CheckpointToken"):
        CheckpointDurableExecutionRequest.from_dict({}, "arn")


@pytest.mark.parametrize(
    ("body", "error"), [({}, None), ({"ErrorMessage": "m"}, ErrorObject.from_message("m"))]
)
def test_the_body_of_a_callback_failure_is_its_error(body: dict[str, str], error: ErrorObject | None) -> None:
    request = SendDurableExecutionCallbackFailureRequest.from_dict(body, "cb")
    assert request == SendDurableExecutionCallbackFailureRequest("cb", error)


def test_an_error_response_is_read_with_and_without_the_object_around_it() -> None:
    response = ErrorResponse("t", "m", request_id="r")
    assert response.to_dict() == {"error": {"type": "t", "message": "m", "requestId": "r"}}
    assert ErrorResponse.from_dict(response.to_dict()) == response
    assert ErrorResponse.from_dict(response.to_dict()["error"]) == response


def test_a_start_that_lacks_something_is_an_invalid_parameter() -> None:
    with pytest.raises(InvalidParameterValueException, match="needs FunctionName"):
        StartDurableExecutionInput.from_dict({"AccountId": "1"})


@pytest.mark.parametrize(
    ("given", "stored"), [(None, "null"), ("text", '"text"'), ('{"a": 1}', '{"a": 1}'), ("5", "5")]
)
def test_input_is_stored_as_json(given: str | None, stored: str) -> None:
    start = StartDurableExecutionInput("1", "fn", "$LATEST", "name", 5, 1, input=given)
    assert start.get_normalized_input() == stored


@pytest.mark.parametrize(
    ("qualifier", "version"),
    [
        (None, "$LATEST"),
        ("", "$LATEST"),
        ("prod", "$LATEST"),
        ("3", "3"),
        (LATEST_PUBLISHED_QUALIFIER, LATEST_PUBLISHED_QUALIFIER),
    ],
)
def test_the_version_behind_a_qualifier(qualifier: str | None, version: str) -> None:
    assert executed_version(qualifier) == version


def test_a_lambda_context_of_a_test_has_the_longest_time(capsys: pytest.CaptureFixture[str]) -> None:
    context = LambdaContext("r-1")
    assert context.get_remaining_time_in_millis() == 900_000
    context.log("line")
    assert capsys.readouterr().out == "line\n"
