"""Steps: which actions each state allows, and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationAction, OperationStatus, OperationType
from pytest_durable.history.events import Attempt, EventType, Subject
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.effects import StartTimer
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions import step

STEP = Subject("s", OperationType.STEP, "Step", "charge")
ERROR = {"ErrorType": "E"}
NOW = 5_000_000

ALLOWED = {
    (None, "START"),
    (None, "SUCCEED"),
    (None, "FAIL"),
    (None, "RETRY"),
    ("STARTED", "SUCCEED"),
    ("STARTED", "FAIL"),
    ("STARTED", "RETRY"),
    ("READY", "START"),
    ("READY", "SUCCEED"),
    ("READY", "FAIL"),
    ("READY", "RETRY"),
}


def recorded(status: str | None, attempt: int = 0) -> RecordedOperation | None:
    return None if status is None else RecordedOperation(STEP, OperationStatus(status), 0, attempt=attempt)


@pytest.mark.parametrize("action", [action.value for action in OperationAction])
@pytest.mark.parametrize("status", [None, *(status.value for status in OperationStatus)])
def test_a_state_allows_these_actions_only(status: str | None, action: str) -> None:
    update = Update(STEP, OperationAction(action), next_attempt_delay_seconds=3)
    if (status, action) in ALLOWED:
        assert step.apply(recorded(status), update, NOW).event.subject == STEP
    else:
        with pytest.raises(InvalidParameterValueException, match=f"Cannot {action} STEP operation 'charge'"):
            step.apply(recorded(status), update, NOW)


@pytest.mark.parametrize(("status", "before", "number"), [(None, 0, 1), ("STARTED", 0, 1), ("READY", 2, 3)])
def test_every_way_to_end_an_attempt_counts_it(status: str | None, before: int, number: int) -> None:
    for action in (OperationAction.SUCCEED, OperationAction.FAIL, OperationAction.RETRY):
        update = Update(STEP, action, next_attempt_delay_seconds=3)
        details = step.apply(recorded(status, before), update, NOW).event.details
        assert isinstance(details, Attempt)
        assert details.number == number


def test_a_retry_starts_a_timer_and_makes_the_step_pending() -> None:
    update = Update(STEP, OperationAction.RETRY, error=ERROR, next_attempt_delay_seconds=3)
    transition = step.apply(recorded("STARTED"), update, NOW)
    assert transition.event.type is EventType.STEP_FAILED
    assert transition.effect == StartTimer("s", NOW + 3_000_000)
    operation = fold(recorded("STARTED"), transition.event)
    assert operation.status is OperationStatus.PENDING
    assert (operation.next_attempt_at, operation.error, operation.attempt) == (NOW + 3_000_000, ERROR, 1)


def test_a_retry_with_a_state_has_not_failed() -> None:
    update = Update(STEP, OperationAction.RETRY, payload="1", next_attempt_delay_seconds=3)
    assert step.apply(recorded("STARTED"), update, NOW).event.type is EventType.STEP_SUCCEEDED


def test_a_retry_needs_a_delay() -> None:
    with pytest.raises(InvalidParameterValueException, match="'charge' without StepOptions"):
        step.apply(recorded("STARTED"), Update(STEP, OperationAction.RETRY), NOW)


def test_a_failure_without_an_error_has_an_empty_one() -> None:
    details: Any = step.apply(None, Update(STEP, OperationAction.FAIL), NOW).event.details
    assert details.error == {}


@pytest.mark.parametrize("status", OperationStatus)
def test_a_timer_readies_a_pending_step_only(status: OperationStatus) -> None:
    event = step.fire(RecordedOperation(STEP, status, 0), NOW)
    if status is OperationStatus.PENDING:
        assert event is not None
        assert event.type is EventType.STEP_READY
    else:
        assert event is None


def test_what_an_attempt_left_behind_survives_the_next_start() -> None:
    pending = fold(
        recorded("STARTED"),
        step.apply(
            recorded("STARTED"),
            Update(STEP, OperationAction.RETRY, payload="state", next_attempt_delay_seconds=3),
            NOW,
        ).event,
    )
    fired = step.fire(pending, NOW)
    assert fired is not None
    ready = fold(pending, fired)
    started = fold(ready, step.apply(ready, Update(STEP, OperationAction.START), NOW).event)
    assert (started.status, started.result, started.attempt) == (OperationStatus.STARTED, "state", 1)
    assert (ready.next_attempt_at, started.next_attempt_at) == (None, None)
