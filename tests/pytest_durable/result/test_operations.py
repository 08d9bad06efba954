"""What a test sees of one operation."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import pytest

from durable_sdk.lambda_service import ErrorObject, OperationStatus, OperationType
from pytest_durable.errors import DurableTestError
from pytest_durable.history.events import EventType, Outcome, Subject

CARD_ERROR = {"ErrorType": "CardError", "ErrorMessage": "no funds"}


def test_a_step_has_the_attributes_of_awss_testing_package(story: Any) -> None:
    orders = story.context("orders")
    story.now = 1
    charge = story.step("charge", orders)
    story.now = 2.5
    story.step_done(charge, '"c-1"', attempt=2)
    step = story.result().get_context("orders").get_step("charge")
    assert step.operation_id == charge.operation_id
    assert step.operation_type is OperationType.STEP
    assert step.status is OperationStatus.SUCCEEDED
    assert (step.parent_id, step.name, step.sub_type) == (orders.operation_id, "charge", "Step")
    assert step.start_timestamp == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert step.end_timestamp == datetime(2026, 1, 1, 0, 0, 2, 500_000, tzinfo=UTC)
    assert (step.result, step.error, step.attempt) == ('"c-1"', None, 2)
    assert step.next_attempt_timestamp is None
    assert step.child_operations == []


def test_a_step_between_attempts_tells_its_error_and_when_the_next_is_due(story: Any) -> None:
    charge = story.step("charge")
    story.step_failed(charge, CARD_ERROR, again=5)
    step = story.result().get_step("charge")
    assert step.error == ErrorObject("no funds", "CardError", None, None)
    assert step.next_attempt_timestamp == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
    story.step_again(charge)
    assert story.result().get_step("charge").next_attempt_timestamp is None


def test_a_wait_tells_when_it_ends(story: Any) -> None:
    story.wait("pause", 60)
    wait = story.result().get_wait("pause")
    assert wait.scheduled_end_timestamp == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert wait.value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ('"x"', "x"),
        ("null", None),
        ('{"id":1}', {"id": 1}),
        ('{"t":"m","v":{"id":{"t":"i","v":1}}}', {"id": 1}),
        ('{"t":"t","v":[{"t":"i","v":1}]}', (1,)),
    ],
)
def test_a_value_is_decoded_from_json_or_the_typed_envelope(story: Any, text: str, value: object) -> None:
    story.done("charge", text)
    step = story.result().get_step("charge")
    assert step.result == text
    assert step.value == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<xml>", "neither JSON nor the SDK's typed envelope: '<xml>'"),
        ('{"t":"?","v":1}', "neither JSON nor the SDK's typed envelope"),
        ("", "it is empty, which the SDK stores where a result is too large"),
    ],
)
def test_a_value_that_cannot_be_decoded_names_its_operation_and_the_way_out(
    story: Any, text: str, why: str
) -> None:
    story.context_done(story.context("orders"), text)
    with pytest.raises(DurableTestError) as raised:
        _ = story.result().get_context("orders").value
    assert "The result of context 'orders' cannot be decoded" in str(raised.value)
    assert why in str(raised.value)
    assert "Read .result" in str(raised.value)


def test_a_failed_operation_has_no_value(story: Any) -> None:
    story.context_failed(story.context("orders"), CARD_ERROR)
    assert story.result().get_context("orders").value is None


def test_operations_cannot_be_changed(story: Any) -> None:
    story.done("charge")
    step: Any = story.result().get_step("charge")
    with pytest.raises(FrozenInstanceError):
        step.status = OperationStatus.FAILED


def test_the_repr_is_short_and_tells_what_came_of_it(story: Any) -> None:
    orders = story.context("orders")
    story.done("charge", '"c-1"', orders)
    story.step_failed(story.step("ship"), CARD_ERROR)
    story.wait(None, 60)
    assert [repr(operation) for operation in story.result().get_all_operations()] == [
        "ContextOperation('orders', STARTED, 1 inside)",
        "StepOperation('charge', SUCCEEDED, attempt=1, value='c-1')",
        "StepOperation('ship', FAILED, attempt=1, error=CardError: no funds)",
        "WaitOperation(None, STARTED, until 2026-01-01T00:01:00+00:00)",
    ]


def test_a_cancelled_wait_is_cancelled(story: Any) -> None:
    story.add(EventType.WAIT_CANCELLED, story.wait("pause", 60), Outcome())
    assert story.result().get_wait("pause").status is OperationStatus.CANCELLED


def test_an_operation_whose_context_left_no_record_is_at_the_root(story: Any) -> None:
    ghost = story.execution
    story.started()
    story.done("charge", "1", ghost)
    assert [operation.name for operation in story.result().operations] == ["charge"]


def test_a_callback_tells_its_id_its_deadlines_and_its_answer(story: Any) -> None:
    approval = story.callback("approval", None, 3600, 60)
    callback = story.result().get_callback("approval")
    assert (callback.callback_id, callback.status) == ("aWQ=", OperationStatus.STARTED)
    assert callback.timeout_timestamp == datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
    assert callback.heartbeat_timeout_timestamp == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert (callback.result, callback.value, callback.error) == (None, None, None)
    story.now = 30
    story.add(EventType.CALLBACK_HEARTBEAT, approval)
    beaten = story.result().get_callback("approval")
    assert beaten.heartbeat_timeout_timestamp == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)
    story.answered(approval, '{"ok": true}')
    answered = story.result().get_callback("approval")
    assert (answered.result, answered.value) == ('{"ok": true}', {"ok": True})
    assert answered.heartbeat_timeout_timestamp is None
    assert answered.child_operations == []


def test_a_callback_without_timeouts_has_no_deadlines(story: Any) -> None:
    story.callback("approval")
    callback = story.result().get_callback("approval")
    assert (callback.timeout_timestamp, callback.heartbeat_timeout_timestamp) == (None, None)


def test_an_answer_that_is_not_json_stands_for_itself(story: Any) -> None:
    story.answered(story.callback("approval"), "approved by Ann")
    assert story.result().get_callback("approval").value == "approved by Ann"


def test_an_answer_is_not_taken_for_the_sdks_envelope(story: Any) -> None:
    story.answered(story.callback("approval"), '{"t": "i", "v": 1}')
    assert story.result().get_callback("approval").value == {"t": "i", "v": 1}


def test_a_callback_that_timed_out_tells_its_error(story: Any) -> None:
    story.timed_out(story.callback("approval", None, 5))
    callback = story.result().get_callback("approval")
    assert callback.status is OperationStatus.TIMED_OUT
    assert callback.error == ErrorObject("Callback timed out", "Callback.Timeout", None, None)


def test_an_invoke_tells_what_it_called_and_what_came_back(story: Any) -> None:
    charge = story.invoke("charge", "charge:7", '{"n": 1}')
    story.returned(charge, '{"id": 2}')
    invoke = story.result().get_invoke("charge")
    assert (invoke.function_name, invoke.input_payload) == ("charge:7", '{"n": 1}')
    assert (invoke.execution_arn, invoke.tenant_id) == ("arn:child", None)
    assert (invoke.result, invoke.value, invoke.error) == ('{"id": 2}', {"id": 2}, None)


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("Failed", OperationStatus.FAILED),
        ("TimedOut", OperationStatus.TIMED_OUT),
        ("Stopped", OperationStatus.STOPPED),
    ],
)
def test_an_invoke_that_ended_badly_tells_its_error(story: Any, how: str, status: OperationStatus) -> None:
    story.invoke_ended(story.invoke("charge", "charge"), how, CARD_ERROR)
    invoke = story.result().get_invoke("charge")
    assert (invoke.status, invoke.value) == (status, None)
    assert invoke.error == ErrorObject("no funds", "CardError", None, None)


def test_an_invoke_whose_beginning_is_not_in_the_history_is_shown_all_the_same(story: Any) -> None:
    subject = Subject("i", OperationType.CHAINED_INVOKE, "ChainedInvoke", "charge")
    story.returned(subject, "1")
    invoke = story.result().get_invoke("charge")
    assert (invoke.function_name, invoke.execution_arn, invoke.value) == (None, None, 1)


def test_the_repr_of_a_callback_and_an_invoke_tells_what_is_awaited_and_what_came(story: Any) -> None:
    story.callback("approval")
    story.answered(story.callback("review"), "fine")
    story.invoke("charge", "charge-fn", '{"n": 1}')
    story.invoke_ended(story.invoke(None, "ship-fn"), "Failed", {"ErrorMessage": "no boat"})
    assert [repr(operation) for operation in story.result().operations] == [
        "CallbackOperation('approval', STARTED, callback_id='aWQ=')",
        "CallbackOperation('review', SUCCEEDED, callback_id='aWQ=', value=fine)",
        "InvokeOperation('charge', STARTED, charge-fn({'n': 1}))",
        "InvokeOperation(None, FAILED, ship-fn(), error=no boat)",
    ]


def test_a_context_shows_operations_of_all_its_flat_branches_in_order_of_creation(story: Any) -> None:
    """Flat branches leave no record: their operations lie in the batch, one beside the other."""
    batch = story.context("orders", sub_type="Map")
    story.done("charge", "1", batch)
    story.done("charge", "2", batch)
    story.wait("pause", 5, batch)
    story.callback("approval", batch)
    inside = story.result().get_context("orders").child_operations
    assert [operation.name for operation in inside] == ["charge", "charge", "pause", "approval"]
    assert story.result().operation("orders/charge[1]").value == 2
    assert story.result().get_context("orders").get_callback("approval").callback_id == "aWQ="
