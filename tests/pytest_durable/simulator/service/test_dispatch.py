"""A checkpoint is applied as a whole or not at all, and answered with what the SDK has not been told."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable.history.events import InvokeStart
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.callbacks import (
    CallbackAnswer,
    CallbackCall,
    parse_failure,
    parse_heartbeat,
    parse_success,
)
from pytest_durable.simulator.service.effects import StartInvoke, StartTimer
from pytest_durable.simulator.service.errors import InvalidParameterValueException, ResourceNotFoundException
from pytest_durable.simulator.service.requests import HistoryRequest, StateRequest
from pytest_durable.simulator.service.transitions.chained_invoke import Target

SECOND = 1_000_000


def ids(answer: dict[str, Any]) -> list[str]:
    return [operation["Id"] for operation in answer["NewExecutionState"]["Operations"]]


def test_updates_become_events_in_their_order(desk: Any, make_update: Any) -> None:
    applied = desk.apply(
        make_update("CONTEXT", "START", "c"),
        make_update("STEP", "START", "s", ParentId="c"),
        make_update("STEP", "SUCCEED", "s", ParentId="c", Payload="1"),
        make_update("CONTEXT", "SUCCEED", "c", Payload="2"),
    )
    assert [event.type.value for event in applied.events] == [
        "ContextStarted",
        "StepStarted",
        "StepSucceeded",
        "ContextSucceeded",
    ]
    assert applied.effects == ()


def test_deciding_changes_nothing(desk: Any, make_update: Any) -> None:
    before = (len(desk.record.log), desk.record.token, dict(desk.record.untold))
    desk.apply(make_update("STEP", "START"))
    assert (len(desk.record.log), desk.record.token, dict(desk.record.untold)) == before


def test_one_wrong_update_refuses_all(desk: Any, make_update: Any) -> None:
    with pytest.raises(InvalidParameterValueException):
        desk.send(make_update("STEP", "START", "fine"), make_update("WAIT", "SUCCEED", "wrong"))
    assert list(desk.record.log.operations) == ["execution"]


def test_an_answer_tells_what_has_changed_and_brings_a_new_token(desk: Any, make_update: Any) -> None:
    token = desk.record.token
    answer = desk.send(make_update("STEP", "START"))
    assert ids(answer) == ["a"]
    assert answer["CheckpointToken"] not in (None, token)
    assert ids(desk.send()) == []


def test_an_answer_tells_what_a_timer_has_changed(desk: Any, make_update: Any) -> None:
    desk.send(make_update("WAIT", "START", WaitOptions={"WaitSeconds": 5}))
    desk.now = 5 * SECOND
    desk.fire("a")
    answer = desk.send()
    assert ids(answer) == ["a"]
    assert answer["NewExecutionState"]["Operations"][0]["Status"] == "SUCCEEDED"


@pytest.mark.parametrize("token", ["made up", "", None])
def test_a_token_is_accepted_once(desk: Any, make_update: Any, token: str | None) -> None:
    stale = desk.record.token
    desk.send(make_update("STEP", "START"))
    with pytest.raises(InvalidParameterValueException, match=r"^.*: Invalid checkpoint token$"):
        desk.apply(token=token or stale)


def test_tokens_of_earlier_invocations_are_refused(desk: Any) -> None:
    stale = desk.record.token
    desk.record.begin_invocation()
    with pytest.raises(InvalidParameterValueException, match="Invalid checkpoint token"):
        desk.apply(token=stale)


def test_the_end_of_the_execution_is_answered_without_a_token(desk: Any, make_update: Any) -> None:
    answer = desk.send(make_update("EXECUTION", "SUCCEED", "any-id", Payload='"done"'))
    assert "CheckpointToken" not in answer
    assert desk.record.closed
    assert desk.record.operation.result == '"done"'


def test_a_callback_is_answered_with_its_id(desk: Any, make_update: Any) -> None:
    answer = desk.send(make_update("CALLBACK", "START", CallbackOptions={"TimeoutSeconds": 60}))
    (operation,) = answer["NewExecutionState"]["Operations"]
    callback_id = operation["CallbackDetails"]["CallbackId"]
    assert parse_heartbeat(callback_id).operation_id == "a"
    assert parse_heartbeat(callback_id).execution_id == desk.record.execution.operation_id


def test_a_callback_without_options_has_no_deadline(desk: Any, make_update: Any) -> None:
    applied = desk.apply(make_update("CALLBACK", "START"))
    assert applied.effects == ()


def test_a_callback_that_was_answered_is_pending_no_more_and_updated(desk: Any, make_update: Any) -> None:
    desk.send(make_update("CALLBACK", "START"))
    assert list(desk.record.pending) == ["a"]
    desk.answer(answer_of(desk, parse_success, b"yes"))
    assert list(desk.record.pending) == []
    assert desk.record.changed_outside
    assert desk.record.begin_invocation() == ["a"]


def test_a_heartbeat_is_nothing_that_the_sdk_is_told_of(desk: Any, make_update: Any) -> None:
    options = {"TimeoutSeconds": 60, "HeartbeatTimeoutSeconds": 10}
    desk.send(make_update("CALLBACK", "START", CallbackOptions=options))
    desk.now = 4 * SECOND
    transition = desk.answer(answer_of(desk, parse_heartbeat))
    assert transition.effect == StartTimer("a", 14 * SECOND)
    assert not desk.record.changed_outside
    assert ids(desk.send()) == []
    assert desk.record.begin_invocation() == []
    assert desk.record.log.operations["a"].heartbeat_timeout_at == 14 * SECOND
    desk.now = 10 * SECOND
    assert desk.fire("a") is None
    desk.now = 14 * SECOND
    assert desk.fire("a").details.error["ErrorType"] == "Callback.Heartbeat"


def answer_of(desk: Any, parse: Any, *members: Any) -> Any:
    return parse(desk.record.log.operations["a"].callback_id, *members)


def refusal(desk: Any, answer: CallbackAnswer) -> str:
    with pytest.raises(ResourceNotFoundException) as caught:
        desk.answer(answer)
    return caught.value.message


@pytest.mark.parametrize("parse", [parse_success, parse_failure])
def test_a_callback_is_answered_once(desk: Any, make_update: Any, parse: Any) -> None:
    desk.send(make_update("CALLBACK", "START"))
    desk.answer(answer_of(desk, parse, None))
    status = desk.record.log.operations["a"].status.value
    ended = f"the callback has ended ({status})"
    again = answer_of(desk, parse_success, b"late")
    assert refusal(desk, again) == f"Failed to process callback success: {ended}"
    again = answer_of(desk, parse_failure, None)
    assert refusal(desk, again) == f"Failed to process callback failure: {ended}"
    again = answer_of(desk, parse_heartbeat)
    assert refusal(desk, again) == f"Failed to process callback heartbeat: {ended}"


def test_a_callback_that_timed_out_cannot_be_answered(desk: Any, make_update: Any) -> None:
    desk.send(make_update("CALLBACK", "START", CallbackOptions={"TimeoutSeconds": 60}))
    desk.now = 60 * SECOND
    assert desk.fire("a").details.error["ErrorType"] == "Callback.Timeout"
    assert "has ended (TIMED_OUT)" in refusal(desk, answer_of(desk, parse_success, None))


def test_a_callback_of_an_execution_that_has_ended_cannot_be_answered(desk: Any, make_update: Any) -> None:
    desk.send(make_update("CALLBACK", "START"), make_update("EXECUTION", "SUCCEED", "x"))
    assert "its execution has ended (SUCCEEDED)" in refusal(desk, answer_of(desk, parse_success, None))


@pytest.mark.parametrize("operation_id", ["ghost", "a", "execution"])
def test_what_is_no_callback_cannot_be_answered(desk: Any, make_update: Any, operation_id: str) -> None:
    desk.send(make_update("STEP", "START"))
    answer = CallbackAnswer(CallbackCall.SUCCESS, "execution", operation_id)
    assert refusal(desk, answer) == "Failed to process callback success: there is no such callback"


@pytest.mark.parametrize(("size", "allowed"), [(1_048_576, True), (1_048_577, False)])
def test_the_result_of_a_callback_is_bounded(desk: Any, make_update: Any, size: int, allowed: bool) -> None:
    desk.send(make_update("CALLBACK", "START"))
    answer = answer_of(desk, parse_success, b"x" * size)
    if allowed:
        desk.answer(answer)
        assert len(desk.record.log.operations["a"].result) == size
    else:
        with pytest.raises(InvalidParameterValueException, match="equal to 1048576 bytes"):
            desk.answer(answer)


def test_the_error_of_a_callback_is_bounded(desk: Any, make_update: Any) -> None:
    desk.send(make_update("CALLBACK", "START"))
    with pytest.raises(InvalidParameterValueException, match=r"CALLBACK error .* equal to 32768 bytes"):
        desk.answer(answer_of(desk, parse_failure, {"ErrorMessage": "x" * 32_768}))


def invoke(make_update: Any, function_name: str = "charge", **options: Any) -> Any:
    options = {"FunctionName": function_name, **options}
    return make_update("CHAINED_INVOKE", "START", Payload='{"n": 1}', ChainedInvokeOptions=options)


def test_an_invoke_calls_its_function(desk: Any, make_update: Any) -> None:
    desk.functions["charge"] = Target("7", "arn:child")
    applied = desk.apply(invoke(make_update, TenantId="blue", XAmznTraceId="Root=1"))
    (event,) = applied.events
    assert event.details == InvokeStart("charge", '{"n": 1}', "blue", "7", "arn:child")
    assert applied.effects == (StartInvoke("a", "charge", '{"n": 1}', "blue", "arn:child", "Root=1"),)
    desk.send(invoke(make_update))
    assert list(desk.record.pending) == ["a"]


def test_an_invoke_of_an_unknown_function_has_failed_in_the_same_answer(desk: Any, make_update: Any) -> None:
    applied = desk.apply(invoke(make_update, "ghost"), make_update("STEP", "START", "s"))
    assert [event.type.value for event in applied.events] == [
        "ChainedInvokeStarted",
        "ChainedInvokeFailed",
        "StepStarted",
    ]
    assert applied.events[0].details == InvokeStart("ghost")
    assert applied.effects == ()
    (operation,) = desk.send(invoke(make_update, "ghost"))["NewExecutionState"]["Operations"]
    assert operation["Status"] == "FAILED"
    assert operation["ChainedInvokeDetails"]["Error"] == {
        "ErrorType": "ResourceNotFoundException",
        "ErrorMessage": "Function not found: ghost. "
        "Register it with register_durable_function or register_function.",
    }
    assert list(desk.record.pending) == []


@pytest.mark.parametrize(
    ("function_name", "message"),
    [
        ("no spaces", "Invalid function ARN 'no spaces'"),
        ("arn:aws:lambda:us-east-1:function:charge", "Invalid function ARN"),
        (
            "210987654321:function:charge",
            "Cannot start a CHAINED_INVOKE on a function in another account.",
        ),
        (
            "eu-west-1:123456789012:function:charge",
            "Cannot start a CHAINED_INVOKE on a function in another region.",
        ),
    ],
)
def test_an_invoke_of_a_function_that_cannot_be_is_refused(
    desk: Any, make_update: Any, function_name: str, message: str
) -> None:
    desk.functions["charge"] = Target("$LATEST")
    with pytest.raises(InvalidParameterValueException) as caught:
        desk.apply(invoke(make_update, function_name))
    assert caught.value.message.startswith(message)


def test_an_invoke_needs_a_function(desk: Any, make_update: Any) -> None:
    with pytest.raises(InvalidParameterValueException, match="'a' without ChainedInvokeOptions"):
        desk.apply(make_update("CHAINED_INVOKE", "START"))


@pytest.mark.parametrize(("size", "allowed"), [(1_048_576, True), (1_048_577, False)])
def test_the_input_of_an_invoke_is_bounded(desk: Any, make_update: Any, size: int, allowed: bool) -> None:
    desk.functions["charge"] = Target("$LATEST")
    update = {**invoke(make_update), "Payload": "x" * size}
    if allowed:
        desk.apply(update)
    else:
        with pytest.raises(InvalidParameterValueException) as caught:
            desk.apply(update)
        assert caught.value.message == (
            "CHAINED_INVOKE input payload size must be less than or equal to 1048576 bytes."
        )


def test_the_result_of_an_invoked_execution_is_bounded(desk: Any, make_update: Any) -> None:
    end = make_update("EXECUTION", "SUCCEED", "x", Payload="x" * 1_048_577)
    desk.apply(end)
    desk.record.is_invoked = True
    with pytest.raises(InvalidParameterValueException) as caught:
        desk.apply(end)
    assert caught.value.message == (
        "Execution output payload size must be less than or equal to 1048576 bytes."
    )
    desk.apply(make_update("EXECUTION", "SUCCEED", "x", Payload="x" * 1_048_576))


def test_a_request_that_repeats_its_client_token_is_answered_as_before(desk: Any, make_update: Any) -> None:
    token, update = desk.record.token, make_update("STEP", "START")
    first = desk.send(update, client_token="c")
    desk.send(make_update("STEP", "SUCCEED", Payload="1"))
    assert desk.send(update, token=token, client_token="c") == first
    assert [event.type.value for event in desk.record.log] == [
        "ExecutionStarted",
        "StepStarted",
        "StepSucceeded",
    ]


def test_a_client_token_does_not_serve_for_another_request(desk: Any, make_update: Any) -> None:
    token = desk.record.token
    desk.send(make_update("STEP", "START"), client_token="c")
    with pytest.raises(InvalidParameterValueException, match="'c' came with another request"):
        desk.send(make_update("STEP", "START", "b"), token=token, client_token="c")
    with pytest.raises(InvalidParameterValueException, match="'c' came with another request"):
        desk.send(make_update("STEP", "START"), client_token="c")


def test_a_repeated_request_of_an_earlier_invocation_is_stale(desk: Any, make_update: Any) -> None:
    token, update = desk.record.token, make_update("STEP", "START")
    desk.send(update, client_token="c")
    desk.record.begin_invocation()
    with pytest.raises(InvalidParameterValueException, match="Invalid checkpoint token"):
        desk.send(update, token=token, client_token="c")


def test_a_request_without_a_client_token_is_never_a_repetition(desk: Any, make_update: Any) -> None:
    desk.send(make_update("STEP", "START"))
    assert dispatch.repeated_answer(desk.record, desk.request(make_update("STEP", "START"))) is None


@pytest.mark.parametrize("arn", ["", "  "])
def test_a_request_without_an_execution_is_refused(desk: Any, arn: str) -> None:
    with pytest.raises(InvalidParameterValueException, match="Invalid Durable Execution ARN"):
        dispatch.history_answer(desk.record, HistoryRequest(arn))


def test_a_history_is_read_without_a_token(desk: Any, make_update: Any) -> None:
    desk.send(make_update("STEP", "START"))
    page = dispatch.history_answer(desk.record, HistoryRequest(desk.record.arn, reverse_order=True))
    assert [event["EventType"] for event in page["Events"]] == ["StepStarted", "ExecutionStarted"]
    with pytest.raises(ResourceNotFoundException, match="Durable Execution does not exist"):
        dispatch.history_answer(desk.record, HistoryRequest("arn:other"))


def test_state_is_read_with_the_current_token_only(desk: Any, make_update: Any) -> None:
    desk.send(make_update("STEP", "START"))
    request = StateRequest(desk.record.arn, desk.record.token, "", 0)
    page = dispatch.state_answer(desk.record, request)
    assert [operation["Id"] for operation in page["Operations"]] == ["execution", "a"]
    with pytest.raises(InvalidParameterValueException, match="Invalid checkpoint token"):
        dispatch.state_answer(desk.record, StateRequest(desk.record.arn, "stale", "", 0))


def test_a_request_for_another_execution_finds_none(desk: Any) -> None:
    with pytest.raises(ResourceNotFoundException, match="Durable Execution does not exist"):
        dispatch.state_answer(desk.record, StateRequest("arn:other", desk.record.token, "", 0))


def test_updated_operations_are_those_that_the_service_completed_and_nobody_was_told_of(
    desk: Any, make_update: Any
) -> None:
    for name in "ab":
        desk.send(make_update("WAIT", "START", name, WaitOptions={"WaitSeconds": 5}))
    desk.now = 5 * SECOND
    desk.fire("a")
    desk.send()
    desk.fire("b")
    assert desk.record.begin_invocation() == ["b"]
    assert desk.record.begin_invocation() == []


def test_a_timer_of_an_operation_that_has_moved_on_does_nothing(desk: Any, make_update: Any) -> None:
    desk.send(make_update("WAIT", "START", WaitOptions={"WaitSeconds": 5}))
    assert desk.fire("a") is not None
    assert desk.fire("a") is None
