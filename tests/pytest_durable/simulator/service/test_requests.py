"""Requests are decoded, and what the API's model does not allow is refused."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationAction, OperationType
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import (
    CallbackOptions,
    HistoryRequest,
    InvokeOptions,
    parse_checkpoint,
    parse_history,
    parse_state,
)

UPDATE = {"Id": "a", "Type": "STEP", "Action": "START"}


def checkpoint(**members: Any) -> dict[str, Any]:
    return {"DurableExecutionArn": "arn", "CheckpointToken": "t", "Updates": [{**UPDATE, **members}]}


def test_an_update_is_decoded() -> None:
    (update,) = parse_checkpoint(
        checkpoint(
            Action="RETRY",
            SubType="Step",
            Name="n",
            ParentId="p",
            Error={"ErrorType": "E"},
            StepOptions={"NextAttemptDelaySeconds": 7},
        )
    ).updates
    subject = update.subject
    assert (subject.operation_id, subject.operation_type) == ("a", OperationType.STEP)
    assert (subject.sub_type, subject.name, subject.parent_id) == ("Step", "n", "p")
    assert (update.action, update.next_attempt_delay_seconds) == (OperationAction.RETRY, 7)
    assert (update.payload, update.error) == (None, {"ErrorType": "E"})


def test_a_request_without_updates_is_fine() -> None:
    for updates in ({}, {"Updates": None}, {"Updates": []}):
        assert parse_checkpoint({"DurableExecutionArn": "a", "CheckpointToken": "t", **updates}).updates == ()


def test_a_context_may_ask_for_its_children_on_replay() -> None:
    request = checkpoint(Type="CONTEXT", Action="SUCCEED", ContextOptions={"ReplayChildren": True})
    assert parse_checkpoint(request).updates[0].replay_children is True


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Id": ""}, "Updates[0]: Id ''"),
        ({"Id": "x" * 65}, "Id"),
        ({"Id": "no spaces"}, "Id 'no spaces'"),
        ({"Id": None}, "Id"),
        ({"Id": 3}, "Id 3"),
        ({"Type": "NAP"}, "Type 'NAP'"),
        ({"Action": "NAP"}, "Action 'NAP'"),
        ({"Type": None}, "Type None"),
        ({"SubType": "no spaces"}, "SubType"),
        ({"SubType": "x" * 33}, "SubType"),
        ({"Payload": {"not": "text"}}, "Payload"),
        ({"Error": "text"}, "Error"),
        ({"WaitOptions": 3}, "WaitOptions"),
        ({"WaitOptions": {"WaitSeconds": "3"}}, "WaitSeconds"),
        ({"WaitOptions": {"WaitSeconds": True}}, "WaitSeconds"),
        ({"WaitOptions": {"WaitSeconds": 1.5}}, "WaitSeconds"),
        ({"StepOptions": {"NextAttemptDelaySeconds": False}}, "NextAttemptDelaySeconds"),
        ({"ContextOptions": {"ReplayChildren": 1}}, "ReplayChildren"),
        ({"CallbackOptions": 3}, "CallbackOptions"),
        ({"CallbackOptions": {"TimeoutSeconds": "3"}}, "TimeoutSeconds"),
        ({"CallbackOptions": {"HeartbeatTimeoutSeconds": True}}, "HeartbeatTimeoutSeconds"),
        ({"ChainedInvokeOptions": "charge"}, "ChainedInvokeOptions"),
        ({"ChainedInvokeOptions": {}}, "has no FunctionName"),
        ({"ChainedInvokeOptions": {"FunctionName": 3}}, "FunctionName"),
        ({"ChainedInvokeOptions": {"FunctionName": "f", "TenantId": ""}}, "TenantId"),
        ({"ChainedInvokeOptions": {"FunctionName": "f", "TenantId": "no!"}}, "TenantId"),
        ({"ChainedInvokeOptions": {"FunctionName": "f", "TenantId": "x" * 257}}, "TenantId"),
        ({"ChainedInvokeOptions": {"FunctionName": "f", "XAmznTraceId": "x" * 8193}}, "XAmznTraceId"),
        ({"ChainedInvokeOptions": {"FunctionName": "f", "XAmznTraceId": 3}}, "XAmznTraceId"),
    ],
)
def test_a_malformed_update_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameterValueException) as caught:
        parse_checkpoint(checkpoint(**members))
    assert message in caught.value.message


@pytest.mark.parametrize(
    "members",
    [
        {"Name": 3},
        {"Name": ""},
        {"Name": "ümlaut"},
        {"ParentId": 3},
        {"ParentId": "no spaces"},
        {"SubType": 3},
    ],
    ids=repr,
)
def test_a_malformed_name_or_parent_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterValueException):
        parse_checkpoint(checkpoint(**members))


def test_a_request_for_state_is_decoded() -> None:
    request = {"DurableExecutionArn": "arn", "CheckpointToken": "t"}
    assert (parse_state(request).marker, parse_state(request).max_items) == ("", 0)
    request |= {"Marker": "state-3", "MaxItems": 1000}
    assert (parse_state(request).marker, parse_state(request).max_items) == ("state-3", 1000)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, CallbackOptions(0, 0)),
        ({"TimeoutSeconds": 60}, CallbackOptions(60, 0)),
        ({"TimeoutSeconds": 60, "HeartbeatTimeoutSeconds": 5}, CallbackOptions(60, 5)),
    ],
)
def test_the_options_of_a_callback_are_decoded(options: dict[str, Any], expected: CallbackOptions) -> None:
    (update,) = parse_checkpoint(checkpoint(Type="CALLBACK", CallbackOptions=options)).updates
    assert update.callback_options == expected


def test_the_options_of_an_invoke_are_decoded() -> None:
    options = {"FunctionName": "charge", "TenantId": "a.b:/=+-@ _", "XAmznTraceId": "Root=1\n"}
    (update,) = parse_checkpoint(checkpoint(Type="CHAINED_INVOKE", ChainedInvokeOptions=options)).updates
    assert update.invoke_options == InvokeOptions("charge", "a.b:/=+-@ _", "Root=1\n")


@pytest.mark.parametrize("client_token", ["", "x" * 65, "no spaces", "ü", 3])
def test_a_malformed_client_token_is_refused(client_token: Any) -> None:
    with pytest.raises(InvalidParameterValueException, match="ClientToken"):
        parse_checkpoint({**checkpoint(), "ClientToken": client_token})


def test_a_client_token_is_decoded() -> None:
    assert parse_checkpoint(checkpoint()).client_token is None
    assert parse_checkpoint({**checkpoint(), "ClientToken": "x" * 64}).client_token == "x" * 64


def test_a_request_without_its_members_is_refused_by_the_service_and_not_by_an_error_of_ours() -> None:
    request = parse_checkpoint({})
    assert (request.arn, request.token, request.updates) == ("", "", ())
    assert parse_state({}).token == ""


def test_a_request_for_history_is_decoded() -> None:
    assert parse_history({"DurableExecutionArn": "arn"}) == HistoryRequest("arn", "", 0, False, True)
    request = {"DurableExecutionArn": "arn", "Marker": "7", "MaxItems": 5, "ReverseOrder": True}
    request["IncludeExecutionData"] = False
    assert parse_history(request) == HistoryRequest("arn", "7", 5, True, False)


@pytest.mark.parametrize(
    "members", [{"MaxItems": 1001}, {"Marker": 7}, {"ReverseOrder": "yes"}, {"IncludeExecutionData": 1}]
)
def test_a_malformed_request_for_history_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterValueException):
        parse_history({"DurableExecutionArn": "arn", **members})


@pytest.mark.parametrize("max_items", [-1, 1001, "10", 1.0, None, True])
def test_the_size_of_a_page_is_bounded(max_items: Any) -> None:
    with pytest.raises(InvalidParameterValueException, match="MaxItems is 0 to 1000"):
        parse_state({"DurableExecutionArn": "arn", "CheckpointToken": "t", "MaxItems": max_items})
