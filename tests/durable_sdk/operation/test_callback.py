"""Callbacks: what the service is told, and what the handler gets of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, facts, invoke, outcome

from durable_sdk import (
    CallbackError,
    CallbackExternalError,
    CallbackTimeoutError,
    DurableContext,
    SerDesError,
    ValidationError,
)
from durable_sdk.config import CallbackConfig, Duration
from durable_sdk.serdes import JsonSerDes

PENDING = {"Status": "PENDING"}


def approve(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback("approval")
    context.step(lambda: callback.callback_id, "send")
    return [callback.callback_id, callback.result()]


def test_creating_a_callback_is_one_request_whose_answer_brings_the_id() -> None:
    service = FakeLambda()
    assert invoke(approve, service) == PENDING
    assert service.actions == [["START approval"], ["START send", "SUCCEED send"]]
    (update,) = service.requests[0]
    assert (update["Type"], update["SubType"]) == ("CALLBACK", "Callback")
    assert update["CallbackOptions"] == {"TimeoutSeconds": 0, "HeartbeatTimeoutSeconds": 0}
    assert json.loads(service.named("send")["StepDetails"]["Result"]) == "id of approval"


def test_the_options_are_sent() -> None:
    service = FakeLambda()
    config = CallbackConfig(Duration(3600), Duration(60), sub_type="Approval")
    invoke(lambda event, context: context.create_callback("approval", config).callback_id, service)
    (update,) = service.requests[0]
    assert update["SubType"] == "Approval"
    assert update["CallbackOptions"] == {"TimeoutSeconds": 3600, "HeartbeatTimeoutSeconds": 60}


def test_the_answer_is_handed_over_as_it_is() -> None:
    service = FakeLambda()
    invoke(approve, service)
    service.settle("approval", "SUCCEEDED", Result='{"ok": true}')
    output = invoke(approve, service)
    assert json.loads(output["Result"]) == ["id of approval", '{"ok": true}']
    assert len(service.requests) == 2


def test_a_serdes_reads_the_answer() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.create_callback("approval", CallbackConfig(serdes=JsonSerDes())).result()

    invoke(handler, service)
    service.settle("approval", "SUCCEEDED", Result='{"ok": true}')
    assert json.loads(invoke(handler, service)["Result"]) == {"ok": True}


def test_an_answer_without_a_result_is_none_and_no_serdes_is_asked() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.create_callback("approval", CallbackConfig(serdes=JsonSerDes())).result()

    invoke(handler, service)
    service.settle("approval", "SUCCEEDED")
    assert invoke(handler, service)["Result"] == "null"


def test_an_answer_that_the_serdes_cannot_read_is_a_serdes_error() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        callback = context.create_callback("approval", CallbackConfig(serdes=JsonSerDes()))
        seen.append(outcome(callback.result))

    invoke(handler, service)
    service.settle("approval", "SUCCEEDED", Result="no JSON")
    invoke(handler, service)
    assert isinstance(seen[0], SerDesError)


@pytest.mark.parametrize(
    ("status", "error", "expected", "message"),
    [
        ("FAILED", {"ErrorMessage": "refused", "ErrorType": "Refusal"}, CallbackExternalError, "refused"),
        ("FAILED", {}, CallbackExternalError, "Callback failed"),
        ("CANCELLED", {}, CallbackExternalError, "Callback failed"),
        ("STOPPED", {"ErrorMessage": "stopped"}, CallbackExternalError, "stopped"),
        ("TIMED_OUT", {}, CallbackTimeoutError, "Callback timed out"),
        ("TIMED_OUT", {"ErrorMessage": "late", "ErrorData": "d"}, CallbackTimeoutError, "late"),
    ],
)
def test_a_failure_is_raised_where_the_result_is_asked_for_and_not_before(
    status: str, error: dict[str, Any], expected: type[CallbackError], message: str
) -> None:
    service = FakeLambda()
    seen: list[Any] = []
    between: list[str] = []

    def handler(event: Any, context: DurableContext) -> None:
        callback = context.create_callback("approval")
        between.append("ran")
        seen.append(outcome(callback.result))

    invoke(handler, service)
    service.settle("approval", status, Error=error)
    invoke(handler, service)
    invoke(handler, service)
    assert len(between) == 3
    first, second = seen
    assert type(first) is expected
    assert str(first) == message
    assert first.data == error.get("ErrorData")
    assert first.error_type == f"durable_sdk.exceptions.{expected.__name__}"
    assert facts(first) == facts(second)


def test_a_callback_that_nobody_reads_does_not_hold_the_handler() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> str:
        context.create_callback("approval")
        return "done"

    assert invoke(handler, service)["Result"] == '"done"'


def test_an_answer_that_comes_while_the_handler_runs_is_seen_at_once() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        callback = context.create_callback("approval")
        service.settle("approval", "SUCCEEDED", Result="early")
        context.step(lambda: None, "tells of it")
        return callback.result()

    assert invoke(handler, service)["Result"] == '"early"'


def test_a_service_that_sends_no_id_is_reported() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: context.create_callback("approval")))

    invoke(lambda event, context: context.create_callback("approval").result(), service)
    service.named("approval")["CallbackDetails"].clear()
    invoke(handler, service)
    assert isinstance(seen[0], CallbackError)
    assert "no id for callback 'approval'" in str(seen[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: CallbackConfig(timeout=5),  # type: ignore[arg-type]
        lambda: CallbackConfig(heartbeat_timeout=Duration(100_000_000)),
        lambda: CallbackConfig(serdes=JsonSerDes),  # type: ignore[arg-type]
        lambda: CallbackConfig(sub_type="with a space"),
    ],
)
def test_a_wrong_option_is_refused(make: Any) -> None:
    with pytest.raises(ValidationError, match="CallbackConfig"):
        make()


def test_a_config_of_another_kind_is_refused_and_takes_no_position() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError, match="takes a CallbackConfig"):
            context.create_callback("approval", Duration(5))  # type: ignore[arg-type]
        context.wait(1, "first")

    invoke(handler, service)
    assert service.updates == ["START first"]
