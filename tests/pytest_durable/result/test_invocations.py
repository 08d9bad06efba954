"""Why each invocation took place, told by what a history shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from durable_sdk.lambda_service import ErrorObject
from pytest_durable.history.events import EventType, Outcome

CARD_ERROR = {"ErrorType": "CardError", "ErrorMessage": "no funds"}


def reasons(story: Any) -> list[str]:
    return [invocation.reason for invocation in story.result().invocations]


def test_an_invocation_has_its_number_request_times_and_error(order: Any) -> None:
    third = order.result().invocations[2]
    assert (third.number, third.request_id) == (3, "request-3")
    assert third.start == datetime(2026, 1, 31, 0, 0, 5, tzinfo=UTC)
    assert third.end == datetime(2026, 1, 31, 0, 0, 7, tzinfo=UTC)
    assert third.error == ErrorObject("the sandbox died", "Runtime.ExitError", None, None)


def test_reasons_are_the_start_a_due_retry_an_ended_wait_and_a_failure(order: Any) -> None:
    assert reasons(order) == [
        "started",
        "retry 2 of step 'charge'",
        "wait 'pause' ended",
        "retry after Runtime.ExitError",
    ]


def test_all_that_came_due_together_is_told_up_to_three(story: Any) -> None:
    story.started()
    waits = [story.wait(f"w{number}", 60) for number in range(5)]
    story.invoked()
    story.now = 60
    for wait in waits:
        story.wait_done(wait)
    story.wake()
    story.invoked()
    assert reasons(story)[1] == "wait 'w0' ended, wait 'w1' ended, wait 'w2' ended and 2 more"


def test_a_wait_and_a_retry_can_cause_one_invocation(story: Any) -> None:
    story.started()
    story.step_failed(story.step("charge"), CARD_ERROR, again=60)
    wait = story.wait(None, 60)
    story.invoked()
    story.now = 60
    story.wait_done(wait)
    story.wake()
    story.invoked()
    assert reasons(story)[1] == "unnamed wait ended, retry 2 of step 'charge'"


def test_a_retry_that_is_not_due_yet_caused_nothing(story: Any) -> None:
    story.started()
    story.step_failed(story.step("charge"), CARD_ERROR, again=90)
    wait = story.wait("pause", 60)
    story.invoked()
    story.now = 60
    story.wait_done(wait)
    story.wake()
    story.invoked()
    assert reasons(story)[1] == "wait 'pause' ended"


def test_a_retry_that_has_begun_does_not_cause_another_invocation(story: Any) -> None:
    story.started()
    charge = story.step("charge")
    story.step_failed(charge, CARD_ERROR, again=1)
    wait = story.wait("pause", 60)
    story.now = 1
    story.step_again(charge)
    story.step_done(charge, "1", attempt=2)
    story.invoked()
    story.now = 60
    story.wait_done(wait)
    story.wake()
    story.invoked()
    assert reasons(story)[1] == "wait 'pause' ended"


def test_a_wait_that_ended_while_the_handler_was_suspending_is_the_reason(story: Any) -> None:
    story.started()
    story.wait_done(story.wait("pause", 1))
    story.invoked()
    story.invoked()
    assert reasons(story)[1] == "wait 'pause' ended"


def test_an_invocation_without_a_visible_cause_was_resumed(story: Any) -> None:
    story.started()
    story.invoked()
    story.invoked()
    assert reasons(story)[1] == "resumed"


def test_a_failure_without_a_type_is_an_error(story: Any) -> None:
    story.started()
    story.invoked({})
    story.invoked()
    assert reasons(story)[1] == "retry after an error"


def test_an_invocation_that_has_not_ended_is_left_out(story: Any) -> None:
    story.started()
    story.done("charge")
    assert story.result().invocations == []


def test_events_that_a_history_does_not_show_change_no_reason(story: Any) -> None:
    story.started()
    charge = story.step("charge")
    story.step_failed(charge, CARD_ERROR, again=5)
    story.invoked()
    story.now = 5
    story.add(EventType.STEP_READY, charge)
    story.wake()
    story.invoked()
    assert reasons(story)[1] == "retry 2 of step 'charge'"


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("CallbackSucceeded", "callback 'approval' answered"),
        ("CallbackFailed", "callback 'approval' failed"),
        ("CallbackTimedOut", "callback 'approval' timed out"),
    ],
)
def test_a_callback_that_ended_is_a_reason(story: Any, ending: str, reason: str) -> None:
    story.started()
    approval = story.callback("approval")
    story.invoked()
    story.now = 60
    story.add(EventType(ending), approval, Outcome())
    story.wake()
    story.invoked()
    assert reasons(story)[1] == reason


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("Succeeded", "invoke 'charge' returned"),
        ("Failed", "invoke 'charge' failed"),
        ("TimedOut", "invoke 'charge' timed out"),
        ("Stopped", "invoke 'charge' stopped"),
    ],
)
def test_an_invoke_that_ended_is_a_reason(story: Any, ending: str, reason: str) -> None:
    story.started()
    charge = story.invoke("charge", "charge-fn")
    story.invoked()
    story.invoke_ended(charge, ending, CARD_ERROR)
    story.invoked()
    assert reasons(story)[1] == reason


@pytest.mark.parametrize(("name", "told"), [("approval", "callback 'approval'"), ("", "unnamed callback")])
def test_a_callback_that_the_sdk_named_goes_by_the_name_that_the_handler_wrote(
    story: Any, name: str, told: str
) -> None:
    story.started()
    context = story.context(name, sub_type="WaitForCallback")
    approval = story.callback(f"{name} create callback id".strip(), context)
    story.invoked()
    story.answered(approval, "yes")
    story.invoked()
    assert reasons(story)[1] == f"{told} answered"


def test_an_invoke_of_an_unknown_function_causes_no_invocation(story: Any) -> None:
    story.started()
    story.invoke_ended(story.invoke("charge", "ghost"), "Failed", CARD_ERROR)
    pause = story.wait("pause", 5)
    story.invoked()
    story.now = 5
    story.wait_done(pause)
    story.wake()
    story.invoked()
    assert reasons(story)[1] == "wait 'pause' ended"


def test_a_heartbeat_is_no_reason(story: Any) -> None:
    story.started()
    approval = story.callback("approval", None, 0, 60)
    story.invoked()
    story.add(EventType.CALLBACK_HEARTBEAT, approval)
    story.now = 60
    story.timed_out(approval)
    story.wake()
    story.invoked()
    assert reasons(story) == ["started", "callback 'approval' timed out"]


def test_a_callback_that_was_answered_after_the_last_invocation_belongs_to_none(story: Any) -> None:
    story.started()
    approval = story.callback("approval")
    story.invoked()
    story.answered(approval, "yes")
    assert reasons(story) == ["started"]
