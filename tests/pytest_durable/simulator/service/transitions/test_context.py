"""Contexts: started once, ended once."""

from __future__ import annotations

import pytest

from durable_sdk.lambda_service import OperationAction, OperationStatus, OperationType
from pytest_durable.history.events import Outcome, Subject
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions import context

CONTEXT = Subject("c", OperationType.CONTEXT, "Parallel", "all")
ALLOWED = {
    (None, "START"),
    (None, "SUCCEED"),
    (None, "FAIL"),
    ("STARTED", "SUCCEED"),
    ("STARTED", "FAIL"),
}


@pytest.mark.parametrize("action", [action.value for action in OperationAction])
@pytest.mark.parametrize("status", [None, *(status.value for status in OperationStatus)])
def test_a_state_allows_these_actions_only(status: str | None, action: str) -> None:
    recorded = None if status is None else RecordedOperation(CONTEXT, OperationStatus(status), 0)
    update = Update(CONTEXT, OperationAction(action))
    if (status, action) in ALLOWED:
        assert context.apply(recorded, update, 1).effect is None
    else:
        with pytest.raises(InvalidParameterValueException, match=f"Cannot {action} CONTEXT operation 'all'"):
            context.apply(recorded, update, 1)


def test_the_end_keeps_the_result_and_whether_children_are_replayed() -> None:
    update = Update(CONTEXT, OperationAction.SUCCEED, payload="summary", replay_children=True)
    event = context.apply(None, update, 1).event
    assert event.details == Outcome("summary", replay_children=True)
    assert fold(None, event).replay_children


def test_a_failure_without_an_error_has_an_empty_one() -> None:
    assert context.apply(None, Update(CONTEXT, OperationAction.FAIL), 1).event.details == Outcome(error={})
