"""Callbacks: started once, answered once, timed out by the earlier of their deadlines."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationAction, OperationStatus, OperationType
from pytest_durable.history.events import CallbackStart, Event, EventType, Outcome, Subject
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.callbacks import CallbackAnswer, CallbackCall
from pytest_durable.simulator.service.effects import StartTimer
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.requests import CallbackOptions, Update
from pytest_durable.simulator.service.transitions import callback

CALLBACK = Subject("c", OperationType.CALLBACK, "Callback", "approval")
START = OperationAction.START
SECOND = 1_000_000
NOW = 5 * SECOND
LIMITS = Limits()


def started(timeout_seconds: int = 0, heartbeat_timeout_seconds: int = 0) -> RecordedOperation:
    options = CallbackOptions(timeout_seconds, heartbeat_timeout_seconds)
    return fold(
        None, callback.apply(None, Update(CALLBACK, START, callback_options=options), NOW, "id").event
    )


@pytest.mark.parametrize(
    ("options", "due"),
    [
        (None, None),
        (CallbackOptions(), None),
        (CallbackOptions(60), 65),
        (CallbackOptions(0, 7), 12),
        (CallbackOptions(60, 7), 12),
        (CallbackOptions(7, 60), 12),
    ],
)
def test_a_start_has_one_timer_for_the_earlier_deadline(options: Any, due: int | None) -> None:
    transition = callback.apply(None, Update(CALLBACK, START, callback_options=options), NOW, "id")
    given = options or CallbackOptions()
    assert transition.event.details == CallbackStart("id", *given)
    assert transition.effect == (None if due is None else StartTimer("c", due * SECOND))


def test_each_timeout_says_which_it_was() -> None:
    event = callback.fire(started(60, 7), 12 * SECOND)
    assert event == Event(
        EventType.CALLBACK_TIMED_OUT,
        12 * SECOND,
        CALLBACK,
        Outcome(error={"ErrorType": "Callback.Heartbeat", "ErrorMessage": "Callback timed out on heartbeat"}),
    )
    event = callback.fire(started(7, 60), 12 * SECOND)
    assert event is not None
    assert event.details == Outcome(
        error={"ErrorType": "Callback.Timeout", "ErrorMessage": "Callback timed out"}
    )


def test_where_both_deadlines_come_together_it_is_the_timeout_of_the_whole() -> None:
    event: Any = callback.fire(started(7, 7), 12 * SECOND)
    assert event.details.error["ErrorType"] == "Callback.Timeout"


def test_a_timer_before_the_deadline_does_nothing() -> None:
    assert callback.fire(started(60, 7), 12 * SECOND - 1) is None
    assert callback.fire(started(), 10**15) is None


@pytest.mark.parametrize("status", [status for status in OperationStatus if status.value != "STARTED"])
def test_a_timer_of_a_callback_that_does_not_wait_does_nothing(status: OperationStatus) -> None:
    assert callback.fire(started(60)._replace(status=status), 65 * SECOND) is None


def test_heartbeats_keep_a_callback_alive_until_its_timeout() -> None:
    operation = started(20, 7)
    times = []
    for second in (10, 16, 22):
        transition = callback.beat(operation, second * SECOND)
        operation = fold(operation, transition.event)
        assert isinstance(transition.effect, StartTimer)
        times.append(transition.effect.due // SECOND)
    assert times == [17, 23, 25]
    assert callback.fire(operation, 23 * SECOND) is None
    event: Any = callback.fire(operation, 25 * SECOND)
    assert event.details.error["ErrorType"] == "Callback.Timeout"


def test_a_heartbeat_of_a_callback_without_deadlines_needs_no_timer() -> None:
    assert callback.beat(started(), NOW).effect is None


def test_answers_become_events() -> None:
    def event_of(call: CallbackCall, **members: Any) -> Event:
        answer = CallbackAnswer(call, "e", "c", **members)
        return callback.act_on(started(), answer, NOW, LIMITS).event

    assert event_of(CallbackCall.SUCCESS, result="yes") == Event(
        EventType.CALLBACK_SUCCEEDED, NOW, CALLBACK, Outcome("yes")
    )
    assert event_of(CallbackCall.SUCCESS).details == Outcome(None)
    assert event_of(CallbackCall.FAILURE, error={"ErrorType": "E"}) == Event(
        EventType.CALLBACK_FAILED, NOW, CALLBACK, Outcome(error={"ErrorType": "E"})
    )
    assert event_of(CallbackCall.FAILURE).details == Outcome(error={})
    assert event_of(CallbackCall.HEARTBEAT) == Event(EventType.CALLBACK_HEARTBEAT, NOW, CALLBACK)


def test_a_result_is_measured_in_bytes_of_utf8() -> None:
    limits = Limits(callback_result_bytes=10)
    answer = CallbackAnswer(CallbackCall.SUCCESS, "e", "c", "ä" * 5)
    callback.act_on(started(), answer, NOW, limits)
    with pytest.raises(InvalidParameterValueException, match="equal to 10 bytes"):
        callback.act_on(started(), answer._replace(result="ä" * 5 + "x"), NOW, limits)


def test_a_timed_out_callback_does_not_share_its_error_with_others() -> None:
    one: Any = callback.fire(started(7), 12 * SECOND)
    one.details.error["ErrorType"] = "changed"
    other: Any = callback.fire(started(7), 12 * SECOND)
    assert other.details.error["ErrorType"] == "Callback.Timeout"
