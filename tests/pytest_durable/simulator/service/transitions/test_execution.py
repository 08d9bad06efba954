"""The execution: started by a caller, ended once."""

from __future__ import annotations

import pytest

from durable_sdk.lambda_service import OperationAction, OperationStatus, OperationType
from pytest_durable.history.events import EventType, ExecutionInput, Outcome, Subject
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions import execution

EXECUTION = Subject("e", OperationType.EXECUTION, name="order-1")
RUNNING = RecordedOperation(EXECUTION, OperationStatus.STARTED, 0, input_payload="1")
FROM_THE_SDK = Subject("execution-result-1", OperationType.EXECUTION)


def test_a_start_keeps_the_input_and_the_timeout() -> None:
    event = execution.start(EXECUTION, "1", 60, 7)
    assert event.details == ExecutionInput("1", 60)
    assert fold(None, event).input_payload == "1"


@pytest.mark.parametrize("action", ["SUCCEED", "FAIL"])
def test_a_checkpoint_ends_it_under_its_own_identity(action: str) -> None:
    event = execution.apply(RUNNING, Update(FROM_THE_SDK, OperationAction(action)), 9).event
    assert event.subject == EXECUTION
    assert fold(RUNNING, event).is_terminal
    assert fold(RUNNING, event).input_payload == "1"


@pytest.mark.parametrize("action", ["START", "RETRY", "CANCEL"])
def test_no_other_action_is_allowed(action: str) -> None:
    with pytest.raises(InvalidParameterValueException):
        execution.apply(RUNNING, Update(FROM_THE_SDK, OperationAction(action)), 9)


@pytest.mark.parametrize("status", [status for status in OperationStatus if status.is_terminal])
def test_it_ends_once(status: OperationStatus) -> None:
    ended = RecordedOperation(EXECUTION, status)
    with pytest.raises(InvalidParameterValueException):
        execution.apply(ended, Update(FROM_THE_SDK, OperationAction.SUCCEED), 9)


def test_the_endings_by_others() -> None:
    assert execution.time_out(EXECUTION, 60, 9).details == Outcome(
        error={"ErrorMessage": "Execution timed out after 60 seconds."}
    )
    assert execution.stop(EXECUTION, None, 9).details == Outcome(error={})
    assert execution.stop(EXECUTION, {"ErrorType": "Ops"}, 9).type is EventType.EXECUTION_STOPPED
    assert execution.fail(EXECUTION, None, 9).details == Outcome(error=None)
