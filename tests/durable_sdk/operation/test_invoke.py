"""Invoke: what the service is told, and what the handler gets of the function's end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, facts, invoke, outcome

from durable_sdk import DurableContext, InvokeError, SerDesError, ValidationError
from durable_sdk.config import InvokeConfig
from durable_sdk.serdes import PassThroughSerDes

PENDING = {"Status": "PENDING"}


def charge(event: Any, context: DurableContext) -> Any:
    return context.invoke("charge:live", {"amount": 5}, "pay")


def test_the_start_carries_function_and_payload_and_the_handler_suspends() -> None:
    service = FakeLambda()
    assert invoke(charge, service) == PENDING
    assert service.actions == [["START pay"]]
    (update,) = service.requests[0]
    assert (update["Type"], update["SubType"]) == ("CHAINED_INVOKE", "ChainedInvoke")
    assert update["ChainedInvokeOptions"] == {"FunctionName": "charge:live"}
    # Plain JSON with the usual separators: other languages read it.
    assert update["Payload"] == '{"amount": 5}'


def test_the_result_is_decoded_and_the_payload_is_sent_once() -> None:
    service = FakeLambda()
    invoke(charge, service)
    service.settle("pay", "SUCCEEDED", Result='{"id": 7}')
    assert json.loads(invoke(charge, service)["Result"]) == {"id": 7}
    assert len(service.requests) == 1


def test_a_function_without_a_result_gives_none() -> None:
    service = FakeLambda()
    invoke(charge, service)
    service.settle("pay", "SUCCEEDED")
    assert invoke(charge, service)["Result"] == "null"


def test_no_payload_is_null() -> None:
    service = FakeLambda()
    invoke(lambda event, context: context.invoke("f", None), service)
    assert service.requests[0][0]["Payload"] == "null"


def test_options_are_used() -> None:
    service = FakeLambda()
    config = InvokeConfig(PassThroughSerDes(), PassThroughSerDes(), "blue")

    def handler(event: Any, context: DurableContext) -> Any:
        return context.invoke("f", "<xml/>", "call", config=config)

    invoke(handler, service)
    (update,) = service.requests[0]
    assert update["Payload"] == "<xml/>"
    assert update["ChainedInvokeOptions"] == {"FunctionName": "f", "TenantId": "blue"}
    service.settle("call", "SUCCEEDED", Result="<ok/>")
    assert invoke(handler, service)["Result"] == '"<ok/>"'


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "STOPPED", "CANCELLED"])
def test_every_other_end_raises_the_same_error_on_every_replay(status: str) -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: context.invoke("f", 1, "call")))

    invoke(handler, service)
    error = {"ErrorType": "Broken", "ErrorMessage": "no", "ErrorData": "d", "StackTrace": ["line"]}
    service.settle("call", status, Error=error)
    invoke(handler, service)
    invoke(handler, service)
    first, second = seen
    assert type(first) is InvokeError
    assert (first.error_type, first.message, first.data, first.stack_trace) == ("Broken", "no", "d", ["line"])
    assert facts(first) == facts(second)


def test_a_function_that_fails_in_the_answer_to_its_start_raises_without_a_suspension() -> None:
    service = FakeLambda()
    service.unknown_functions["f"] = {
        "ErrorType": "ResourceNotFoundException",
        "ErrorMessage": "Function not found: f",
    }
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> str:
        seen.append(outcome(lambda: context.invoke("f", 1, "call")))
        return "went on"

    assert invoke(handler, service)["Result"] == '"went on"'
    assert seen[0].error_type == "ResourceNotFoundException"


def test_a_payload_that_is_not_json_is_refused_before_anything_is_recorded() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: context.invoke("f", {1, 2}, "call")))

    invoke(handler, service)
    assert isinstance(seen[0], SerDesError)
    assert isinstance(seen[0].__cause__, TypeError)
    assert service.requests == []


def test_a_result_that_is_not_json_is_a_serdes_error() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: context.invoke("f", 1, "call")))

    invoke(handler, service)
    service.settle("call", "SUCCEEDED", Result="{")
    invoke(handler, service)
    assert isinstance(seen[0], SerDesError)


@pytest.mark.parametrize("name", ["", None, 5])
def test_a_function_needs_a_name(name: Any) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError, match="name or ARN of a function"):
            context.invoke(name, 1)
        context.wait(1, "first")

    invoke(handler, service)
    assert service.updates == ["START first"]


@pytest.mark.parametrize("tenant", ["", 5])
def test_a_tenant_is_a_text(tenant: Any) -> None:
    with pytest.raises(ValidationError, match="tenant_id"):
        InvokeConfig(tenant_id=tenant)
