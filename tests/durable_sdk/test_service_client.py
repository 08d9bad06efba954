"""The service in terms of objects: over boto3, and as the client that an event brings along."""

from __future__ import annotations

from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda

from durable_sdk import DurableContext, durable_execution
from durable_sdk._boto_client import BotoClient
from durable_sdk.config import Duration
from durable_sdk.exceptions import CheckpointError, GetExecutionStateError
from durable_sdk.execution import (
    DurableExecutionInvocationInput,
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
    handle_checkpoint_error,
)
from durable_sdk.lambda_service import (
    CheckpointOutput,
    DurableServiceClient,
    InvocationStatus,
    LambdaClient,
    Operation,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StateOutput,
)

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:fn:1/durable-execution/name/id"


class Recording(DurableServiceClient):
    """A service client of a user: passes on, and keeps what went through."""

    def __init__(self, service: FakeLambda) -> None:
        self._client = LambdaClient(service)
        self.updates: list[OperationUpdate] = []
        self.pages: list[StateOutput] = []

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: list[OperationUpdate],
        client_token: str | None,
    ) -> CheckpointOutput:
        self.updates += updates
        return self._client.checkpoint(durable_execution_arn, checkpoint_token, updates, client_token)

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str, max_items: int = 1000
    ) -> StateOutput:
        page = self._client.get_execution_state(
            durable_execution_arn, checkpoint_token, next_marker, max_items
        )
        self.pages.append(page)
        return page


def handler(event: Any, context: DurableContext) -> Any:
    context.step(lambda step: 1, name="one")
    context.wait(Duration.from_seconds(1), name="rest")
    return context.step(lambda step: 2, name="two")


def invoke(service: FakeLambda, client: DurableServiceClient) -> dict[str, Any]:
    event = DurableExecutionInvocationInput.from_json_dict(service.event())
    bound = DurableExecutionInvocationInputWithClient.from_durable_execution_invocation_input(event, client)
    return durable_execution(handler)(bound)


def test_a_handler_checkpoints_to_the_client_that_its_event_brings() -> None:
    service = FakeLambda()
    client = Recording(service)
    assert invoke(service, client) == {"Status": "PENDING"}
    assert [(update.name, update.action.value) for update in client.updates] == [
        ("one", "START"),
        ("one", "SUCCEED"),
        ("rest", "START"),
    ]


class Paged:
    """A boto3 client that answers with what it is given, and keeps the requests."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.requests: list[dict[str, Any]] = []

    def checkpoint_durable_execution(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return self.answer

    get_durable_execution_state = checkpoint_durable_execution


OPERATION = {"Id": "a", "Type": "STEP", "Status": "STARTED"}
READ = Operation("a", OperationType.STEP, OperationStatus.STARTED)


def test_a_client_token_is_sent_if_there_is_one() -> None:
    boto3_client = Paged(CheckpointToken="next", NewExecutionState={"Operations": [OPERATION]})
    update = OperationUpdate.from_dict({"Id": "a", "Type": "STEP", "Action": "START"})
    output = LambdaClient(boto3_client).checkpoint(ARN, "token", [update], "once")
    assert output.checkpoint_token == "next"
    assert output.new_execution_state.operations == [READ]
    assert boto3_client.requests == [
        {
            "DurableExecutionArn": ARN,
            "CheckpointToken": "token",
            "Updates": [update.to_dict()],
            "ClientToken": "once",
        }
    ]
    LambdaClient(boto3_client).checkpoint(ARN, "token", [], None)
    assert "ClientToken" not in boto3_client.requests[-1]


def test_a_page_of_state_has_the_size_that_is_asked_for() -> None:
    boto3_client = Paged(Operations=[OPERATION], NextMarker="3")
    page = LambdaClient(boto3_client).get_execution_state(ARN, "token", "2", 5)
    assert page == StateOutput([READ], "3")
    assert (boto3_client.requests[0]["Marker"], boto3_client.requests[0]["MaxItems"]) == ("2", 5)


def test_the_default_client_is_made_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert LambdaClient.initialize_client().client is LambdaClient.initialize_client().client


def test_an_event_with_a_client_leaves_the_client_out_of_its_json() -> None:
    event = DurableExecutionInvocationInput("arn", "token", InitialExecutionState([READ], ""))
    client = LambdaClient(Paged())
    bound = DurableExecutionInvocationInputWithClient.from_durable_execution_invocation_input(event, client)
    assert bound.to_dict() == event.to_dict()
    assert DurableExecutionInvocationInputWithClient.from_json_dict(bound.to_json_dict()) == event
    assert DurableExecutionInvocationInputWithClient.from_dict(bound.to_dict()) == event


def test_a_checkpoint_error_is_an_answer_if_it_is_final() -> None:
    refused = CheckpointError.from_exception(
        _client_error({"Code": "ValidationException", "Message": "no"}, 400)
    )
    output = handle_checkpoint_error(refused)
    assert output.status is InvocationStatus.FAILED
    assert output.error is not None
    assert output.error.message == str(refused)
    throttled = CheckpointError.from_exception(
        _client_error({"Code": "ThrottlingException", "Message": "slow down"}, 429)
    )
    with pytest.raises(CheckpointError) as caught:
        handle_checkpoint_error(throttled)
    assert caught.value is throttled


def _client_error(error: dict[str, str], status: int) -> Exception:
    exception = Exception(error["Message"])
    exception.response = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}  # type: ignore[attr-defined]
    return exception


def test_both_clients_refuse_a_call_without_a_token() -> None:
    for client in (LambdaClient(Paged()), BotoClient(Paged())):
        with pytest.raises(GetExecutionStateError, match="no checkpoint token"):
            client.get_execution_state(ARN, "", "1")
