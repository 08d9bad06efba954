"""The result as a whole: its status, its outcome, and that every backend gives the same one."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from durable_sdk.lambda_service import InvocationStatus, OperationStatus
from pytest_durable.errors import DurableTestError, ExecutionFailedError, OperationNotFoundError
from pytest_durable.history.codec import event_from_json, events_to_json
from pytest_durable.history.events import EventType, ExecutionInput, Outcome
from pytest_durable.history.log import EventLog
from pytest_durable.result.execution import DurableFunctionTestResult, ExecutionStatus

CARD_ERROR = {"ErrorType": "CardError", "ErrorMessage": "no funds"}


@pytest.mark.parametrize(
    ("event_type", "text"),
    [
        (EventType.EXECUTION_SUCCEEDED, "SUCCEEDED"),
        (EventType.EXECUTION_FAILED, "FAILED"),
        (EventType.EXECUTION_TIMED_OUT, "TIMED_OUT"),
        (EventType.EXECUTION_STOPPED, "STOPPED"),
    ],
)
def test_a_status_equals_its_text(story: Any, event_type: EventType, text: str) -> None:
    story.started()
    story.add(event_type, story.execution, Outcome())
    assert story.result().status == text
    assert story.result().status is ExecutionStatus(text)


def test_an_execution_without_an_end_is_running(story: Any) -> None:
    story.started()
    assert story.result().status == "RUNNING"
    assert DurableFunctionTestResult(EventLog()).status == "RUNNING"


def test_a_status_compares_with_the_sdks_enum_in_both_directions() -> None:
    assert ExecutionStatus.SUCCEEDED == InvocationStatus.SUCCEEDED
    assert InvocationStatus.FAILED == ExecutionStatus.FAILED
    assert ExecutionStatus.SUCCEEDED != InvocationStatus.FAILED
    assert ExecutionStatus.SUCCEEDED != None  # noqa: E711 - the operator is what is tested
    assert len({ExecutionStatus.SUCCEEDED, "SUCCEEDED", InvocationStatus.SUCCEEDED}) == 1


def test_result_is_the_stored_text_and_value_what_it_stands_for(story: Any) -> None:
    story.started()
    story.succeeded('{"ok": true}')
    result = story.result(seed=3)
    assert (result.result, result.value, result.error, result.seed) == (
        '{"ok": true}',
        {"ok": True},
        None,
        3,
    )


def test_a_handler_that_returned_nothing_has_no_value(story: Any) -> None:
    story.started()
    story.succeeded(None)
    assert story.result().result is None
    assert story.result().value is None


def test_a_result_that_is_not_json_is_shown_in_the_error(story: Any) -> None:
    story.started()
    story.succeeded("<html>")
    with pytest.raises(DurableTestError, match=r"not JSON: '<html>'. Read \.result"):
        _ = story.result().value


def test_raise_for_status_returns_the_result_of_a_success(story: Any) -> None:
    story.started()
    story.succeeded("5")
    assert story.result().raise_for_status().value == 5


def test_raise_for_status_names_status_error_and_innermost_failed_operation(story: Any) -> None:
    story.started()
    orders = story.context("orders")
    charge = story.step("charge", orders)
    story.step_failed(charge, CARD_ERROR, attempt=3)
    story.context_failed(orders, {"ErrorType": "StepError", "ErrorMessage": "no funds"})
    story.invoked()
    story.failed({"ErrorType": "ChildContextError", "ErrorMessage": "no funds"})
    with pytest.raises(ExecutionFailedError) as raised:
        story.result().raise_for_status()
    assert str(raised.value) == (
        "Execution 'order-1' FAILED: ChildContextError: no funds.\n"
        "It came from step 'orders/charge' after 3 attempts.\n"
        "timeline() shows the run."
    )


def test_raise_for_status_does_not_blame_an_operation_that_failed_with_another_message(
    story: Any,
) -> None:
    story.started()
    story.step_failed(story.step("charge"), CARD_ERROR)
    story.invoked()
    story.failed({"ErrorType": "KeyError", "ErrorMessage": "'total'"})
    with pytest.raises(ExecutionFailedError, match="No operation failed with that message"):
        story.result().raise_for_status()


def test_raise_for_status_of_a_timeout_names_the_innermost_unfinished_work(story: Any) -> None:
    story.started()
    orders = story.context("orders")
    story.wait("pause", 90, orders)
    story.step_failed(story.step("charge"), CARD_ERROR, again=5)
    story.invoked()
    story.now = 60
    story.add(EventType.EXECUTION_TIMED_OUT, story.execution, Outcome())
    expected = ["wait 'orders/pause', ends at +1m 30s", "step 'charge', attempt 2 is due at +5s"]
    assert story.result().pending == expected
    with pytest.raises(ExecutionFailedError, match="TIMED_OUT") as raised:
        story.result().raise_for_status()
    assert f"Unfinished: {'; '.join(expected)}." in str(raised.value)


def test_what_a_callback_and_an_invoke_wait_for_is_pending(story: Any) -> None:
    story.started()
    story.callback("approval", None, 7200)
    beaten = story.callback("review", None, 7200, 60)
    story.callback("whenever")
    story.invoke("charge", "charge-fn", parent=story.context("orders"))
    story.invoke(None, "ship-fn")
    story.invoked()
    story.now = 30
    story.add(EventType.CALLBACK_HEARTBEAT, beaten)
    expected = [
        "callback 'approval', times out at +2h",
        "callback 'review', times out without a heartbeat at +1m 30s",
        "callback 'whenever'",
        "invoke 'orders/charge', calls 'charge-fn'",
        "invoke '(invoke)', calls 'ship-fn'",
    ]
    assert story.result().pending == expected
    # A step that is ready is what only the simulator knows; it must not hide the heartbeat.
    charge = story.step("charge")
    story.step_failed(charge, CARD_ERROR, again=1)
    story.add(EventType.STEP_READY, charge)
    assert story.result().pending[:5] == expected


@pytest.mark.parametrize("kind", ["callback", "invoke"])
def test_raise_for_status_names_a_callback_or_an_invoke_as_the_origin(story: Any, kind: str) -> None:
    story.started()
    orders = story.context("orders")
    if kind == "callback":
        story.timed_out(story.callback("approval", orders, 5))
    else:
        story.invoke_ended(
            story.invoke("approval", "ask", parent=orders), "Stopped", {"ErrorMessage": "Callback timed out"}
        )
    story.invoked()
    story.failed({"ErrorType": "ChildContextError", "ErrorMessage": "Callback timed out"})
    with pytest.raises(ExecutionFailedError, match=f"It came from {kind} 'orders/approval'"):
        story.result().raise_for_status()


def test_a_run_with_callbacks_and_invokes_read_back_gives_an_equal_result(story: Any) -> None:
    story.started()
    story.answered(story.callback("approval", None, 60, 5), "yes")
    story.callback("open", None, 60)
    story.returned(story.invoke("charge", "charge-fn", "1"), "2")
    story.invoked()
    story.timed_out(story.callback("late", None, 1))
    here = story.result()
    there = DurableFunctionTestResult(EventLog(map(event_from_json, here.history)))
    assert there.operations == here.operations
    assert there.timeline() == here.timeline()
    assert there.pending == here.pending


def test_raise_for_status_of_an_unfinished_execution_says_that_it_runs(story: Any) -> None:
    story.started()
    with pytest.raises(ExecutionFailedError, match="'order-1' is still RUNNING"):
        story.result().raise_for_status()


def test_operations_are_at_the_root_in_order_of_creation_without_the_execution(order: Any) -> None:
    names = [operation.name for operation in order.result().operations]
    assert names == ["reserve", "orders", "pause", "ship"]


def test_the_execution_itself_is_found_by_its_name_or_without_one(order: Any) -> None:
    result = order.result()
    assert result.get_execution().value is None
    assert result.get_execution("order-1").input_payload == '{"order": 7}'
    with pytest.raises(OperationNotFoundError, match="named 'order-1', not 'x'"):
        result.get_execution("x")


def test_virtual_time_is_counted_from_the_start_to_the_last_event(order: Any) -> None:
    assert order.result().virtual_elapsed == timedelta(days=30, seconds=8)
    assert DurableFunctionTestResult(EventLog()).virtual_elapsed == timedelta(0)


def test_history_is_the_encoded_log(order: Any) -> None:
    assert order.result().history == events_to_json(order.log)


def test_a_history_read_back_gives_an_equal_result(order: Any) -> None:
    here = order.result()
    there = DurableFunctionTestResult(EventLog(map(event_from_json, here.history)))
    assert there.status == here.status
    assert there.error == here.error
    assert there.operations == here.operations
    assert there.get_execution() == here.get_execution()
    assert there.invocations == here.invocations
    assert there.timeline() == here.timeline()
    assert there.pending == here.pending
    assert there.virtual_elapsed == here.virtual_elapsed
    assert there.history == here.history


def test_a_step_that_was_ready_when_the_execution_stopped_reads_back_equal(story: Any) -> None:
    story.started()
    charge = story.step("charge")
    story.step_failed(charge, CARD_ERROR, again=5)
    story.invoked()
    story.now = 5
    story.add(EventType.STEP_READY, charge)
    story.add(EventType.EXECUTION_STOPPED, story.execution, Outcome())
    here = story.result()
    there = DurableFunctionTestResult(EventLog(map(event_from_json, here.history)))
    assert there.operations == here.operations
    assert here.get_step("charge").status is OperationStatus.PENDING


def test_a_result_stays_as_it_was_when_its_log_grows(story: Any) -> None:
    story.started()
    before = story.result()
    story.done("charge")
    story.succeeded("1")
    assert before.status == "RUNNING"
    assert before.operations == []
    assert story.result().status == "SUCCEEDED"


def test_the_repr_tells_status_and_outcome(order: Any, story: Any) -> None:
    assert repr(order.result()) == (
        "DurableFunctionTestResult(FAILED, error=durable_sdk.exceptions.StepError: no boat)"
    )


def test_building_a_result_costs_nothing_after_five_thousand_steps(story: Any) -> None:
    story.add(EventType.EXECUTION_STARTED, story.execution, ExecutionInput(None, None))
    for number in range(5_000):
        story.done(f"step {number}")
    story.succeeded("1")
    began = time.perf_counter()
    for _ in range(100):
        DurableFunctionTestResult(story.log)
    assert (time.perf_counter() - began) / 100 < 0.000_2
    assert len(story.result().operations) == 5_000


def test_the_page_is_written_where_it_was_asked_for(order: Any, tmp_path: Any) -> None:
    page = order.result(seed=4).to_html(tmp_path / "run.html")
    assert page == tmp_path / "run.html"
    assert "seed 4" in page.read_text(encoding="utf-8")
