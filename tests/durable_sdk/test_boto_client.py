"""BotoClient: the two calls, as boto3 makes them, and the errors, as the SDK knows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from durable_sdk import _updates
from durable_sdk._boto_client import BotoClient, default_boto3_client
from durable_sdk._version import __version__
from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import StatePage
from durable_sdk.exceptions import CheckpointError, GetExecutionStateError
from durable_sdk.identifier import OperationIdentifier, operation_id

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:fn:1/durable-execution/name/id"
ERROR = ErrorObject("boom", "ValueError", "data", ["line"])


@pytest.fixture
def boto3_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    default_boto3_client.cache_clear()
    yield default_boto3_client()
    default_boto3_client.cache_clear()


@pytest.fixture
def stubber(boto3_client: Any) -> Iterator[Stubber]:
    # botocore checks what is sent against the service's model, and answers without a network.
    with Stubber(boto3_client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def identifier(kind: OperationType, position: int) -> OperationIdentifier:
    return OperationIdentifier(
        operation_id(None, position), OperationSubType.STEP, "parent", "name", operation_type=kind
    )


def test_every_update_fits_the_services_model(boto3_client: Any, stubber: Stubber) -> None:
    updates = [
        _updates.start(identifier(OperationType.STEP, 1)),
        _updates.succeed(identifier(OperationType.STEP, 1), "1"),
        _updates.retry(identifier(OperationType.STEP, 2), ERROR, 5),
        _updates.fail(identifier(OperationType.STEP, 3), ERROR),
        _updates.start_wait(identifier(OperationType.WAIT, 4), 60),
        _updates.succeed_context(identifier(OperationType.CONTEXT, 5), None, replay_children=True),
        _updates.succeed_execution("{}", 1),
        _updates.fail_execution(ERROR, 1),
    ]
    operation = {"Id": "id", "Type": "STEP", "Status": "STARTED", "StartTimestamp": 1}
    stubber.add_response(
        "checkpoint_durable_execution",
        {"CheckpointToken": "next", "NewExecutionState": {"Operations": [operation], "NextMarker": "2"}},
        {"DurableExecutionArn": ARN, "CheckpointToken": "token", "Updates": updates},
    )
    output = BotoClient(boto3_client).checkpoint(ARN, "token", updates)
    assert output.checkpoint_token == "next"
    assert output.new_execution_state.next_marker == "2"
    assert [each["Id"] for each in output.new_execution_state.operations] == ["id"]


def test_an_answer_without_a_token_has_none(boto3_client: Any, stubber: Stubber) -> None:
    stubber.add_response("checkpoint_durable_execution", {"NewExecutionState": {}})
    output = BotoClient(boto3_client).checkpoint(ARN, "token", ())
    assert output.checkpoint_token is None
    assert output.new_execution_state == StatePage()


def test_a_page_is_asked_for_with_the_largest_size(boto3_client: Any, stubber: Stubber) -> None:
    stubber.add_response(
        "get_durable_execution_state",
        {"Operations": []},
        {"DurableExecutionArn": ARN, "CheckpointToken": "token", "Marker": "2", "MaxItems": 1000},
    )
    assert BotoClient(boto3_client).get_execution_state(ARN, "token", "2").next_marker == ""


@pytest.mark.parametrize(("status", "retryable"), [(403, False), (503, True)])
def test_an_error_of_the_service_keeps_its_answer(
    boto3_client: Any, stubber: Stubber, status: int, retryable: bool
) -> None:
    for method in ("checkpoint_durable_execution", "get_durable_execution_state"):
        stubber.add_client_error(method, "SomeException", "no", http_status_code=status)
    client = BotoClient(boto3_client)
    with pytest.raises(CheckpointError, match="SomeException") as checkpoint:
        client.checkpoint(ARN, "token", [])
    with pytest.raises(GetExecutionStateError, match="SomeException") as state:
        client.get_execution_state(ARN, "token", "2")
    for error in (checkpoint.value, state.value):
        assert error.is_retryable() is retryable
        assert error.error is not None
        assert error.error["Code"] == "SomeException"
        assert error.__cause__ is not None


def test_without_a_token_nothing_is_sent(boto3_client: Any, stubber: Stubber) -> None:
    client = BotoClient(boto3_client)
    with pytest.raises(CheckpointError, match="no checkpoint token"):
        client.checkpoint(ARN, "", [])
    with pytest.raises(GetExecutionStateError, match="no checkpoint token"):
        client.get_execution_state(ARN, "", "2")


def test_the_default_client_is_made_once_and_says_who_it_is(boto3_client: Any) -> None:
    assert default_boto3_client() is boto3_client
    config = boto3_client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 50)
    assert config.user_agent_extra == f"durable-sdk/{__version__}"


def test_the_size_of_an_update_bounds_what_boto3_sends(boto3_client: Any) -> None:
    sent: list[bytes] = []

    def answer(request: Any, **_: object) -> None:
        sent.append(request.body)
        raise InterruptedError

    boto3_client.meta.events.register("before-send.lambda.CheckpointDurableExecution", answer)
    for payload in ("", '€\n"', "🙂" * 1000):
        update = _updates.succeed(identifier(OperationType.STEP, 1), payload)
        with pytest.raises(CheckpointError):
            BotoClient(boto3_client).checkpoint(ARN, "token", [update])
        body = sent.pop()
        envelope = len(json.dumps({"CheckpointToken": "token", "Updates": []}))
        assert len(body) - envelope <= _updates.size_bytes(update)
