"""Waits: started once, ended by their timer."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationAction, OperationStatus, OperationType
from pytest_durable.history.events import Event, EventType, Outcome, Subject, WaitSchedule
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.effects import StartTimer
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions import wait

WAIT = Subject("w", OperationType.WAIT, "Wait", "pause")
NOW = 5_000_000


def test_a_start_schedules_the_end() -> None:
    transition = wait.apply(None, Update(WAIT, OperationAction.START, wait_seconds=3), NOW)
    assert transition.event.details == WaitSchedule(3, NOW + 3_000_000)
    assert transition.effect == StartTimer("w", NOW + 3_000_000)


@pytest.mark.parametrize("error", [None, {"ErrorType": "E"}])
def test_the_sdk_can_cancel_a_wait_that_has_not_ended(error: Any) -> None:
    started = RecordedOperation(WAIT, OperationStatus.STARTED, 0, duration_seconds=3)
    transition = wait.apply(started, Update(WAIT, OperationAction.CANCEL, error=error), NOW)
    assert transition.event == Event(EventType.WAIT_CANCELLED, NOW, WAIT, Outcome(error=error))
    cancelled = fold(started, transition.event)
    assert cancelled.status is OperationStatus.CANCELLED
    assert wait.fire(cancelled, NOW) is None
    with pytest.raises(InvalidParameterValueException, match=r"Cannot CANCEL WAIT .* which is CANCELLED"):
        wait.apply(cancelled, Update(WAIT, OperationAction.CANCEL), NOW)


@pytest.mark.parametrize("action", [action for action in OperationAction if action.value != "START"])
def test_the_sdk_can_only_start_a_wait(action: OperationAction) -> None:
    with pytest.raises(InvalidParameterValueException, match="'pause', which does not exist"):
        wait.apply(None, Update(WAIT, action, wait_seconds=3), NOW)


@pytest.mark.parametrize("status", OperationStatus)
def test_a_wait_starts_once(status: OperationStatus) -> None:
    with pytest.raises(InvalidParameterValueException, match=f"which is {status.value}"):
        wait.apply(RecordedOperation(WAIT, status), Update(WAIT, OperationAction.START, wait_seconds=3), NOW)


def test_a_start_needs_a_length() -> None:
    with pytest.raises(InvalidParameterValueException, match="'pause' without WaitOptions"):
        wait.apply(None, Update(WAIT, OperationAction.START), NOW)


def test_its_timer_ends_a_wait_once() -> None:
    started = fold(None, wait.apply(None, Update(WAIT, OperationAction.START, wait_seconds=3), NOW).event)
    event = wait.fire(started, NOW + 3_000_000)
    assert event is not None
    assert (event.type, event.details) == (EventType.WAIT_SUCCEEDED, WaitSchedule(3))
    ended = fold(started, event)
    assert (ended.status, ended.ended_at) == (OperationStatus.SUCCEEDED, NOW + 3_000_000)
    assert wait.fire(ended, NOW) is None
