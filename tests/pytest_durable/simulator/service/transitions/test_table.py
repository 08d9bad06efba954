"""Every type of operation, in every state, under every action: accepted with this outcome, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationAction, OperationStatus, OperationType
from pytest_durable.history.events import Event, Subject
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.requests import (
    CallbackOptions,
    InvokeOptions,
    Update,
)
from pytest_durable.simulator.service.transitions import (
    callback,
    chained_invoke,
    context,
    execution,
    step,
    wait,
)
from pytest_durable.simulator.service.transitions.base import Transition
from pytest_durable.simulator.service.transitions.chained_invoke import Target

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST/durable-execution/n/i"
NOW = 5_000_000
SUCCEEDED, FAILED, STARTED, PENDING, CANCELLED = "SUCCEEDED", "FAILED", "STARTED", "PENDING", "CANCELLED"

# What is not here is refused: (type, status before, action) -> status after.
ACCEPTED = {
    ("STEP", None, "START"): STARTED,
    ("STEP", None, "SUCCEED"): SUCCEEDED,
    ("STEP", None, "FAIL"): FAILED,
    ("STEP", None, "RETRY"): PENDING,
    ("STEP", "STARTED", "SUCCEED"): SUCCEEDED,
    ("STEP", "STARTED", "FAIL"): FAILED,
    ("STEP", "STARTED", "RETRY"): PENDING,
    ("STEP", "READY", "START"): STARTED,
    ("STEP", "READY", "SUCCEED"): SUCCEEDED,
    ("STEP", "READY", "FAIL"): FAILED,
    ("STEP", "READY", "RETRY"): PENDING,
    ("CONTEXT", None, "START"): STARTED,
    ("CONTEXT", None, "SUCCEED"): SUCCEEDED,
    ("CONTEXT", None, "FAIL"): FAILED,
    ("CONTEXT", "STARTED", "SUCCEED"): SUCCEEDED,
    ("CONTEXT", "STARTED", "FAIL"): FAILED,
    ("WAIT", None, "START"): STARTED,
    ("WAIT", "STARTED", "CANCEL"): CANCELLED,
    ("CALLBACK", None, "START"): STARTED,
    ("CHAINED_INVOKE", None, "START"): STARTED,
    ("EXECUTION", "STARTED", "SUCCEED"): SUCCEEDED,
    ("EXECUTION", "STARTED", "FAIL"): FAILED,
}


def apply(recorded: RecordedOperation | None, update: Update) -> Transition:
    match update.subject.operation_type:
        case OperationType.STEP:
            return step.apply(recorded, update, NOW)
        case OperationType.CONTEXT:
            return context.apply(recorded, update, NOW)
        case OperationType.WAIT:
            return wait.apply(recorded, update, NOW)
        case OperationType.CALLBACK:
            return callback.apply(recorded, update, NOW, "aWQ=")
        case OperationType.CHAINED_INVOKE:
            return chained_invoke.apply(
                recorded, update, NOW, lambda function, operation_id: Target("$LATEST"), ARN, Limits()
            )
        case OperationType.EXECUTION:
            return execution.apply(recorded, update, NOW)


@pytest.mark.parametrize("action", [action.value for action in OperationAction])
@pytest.mark.parametrize("status", [None, *(status.value for status in OperationStatus)])
@pytest.mark.parametrize("kind", [kind.value for kind in OperationType])
def test_a_transition_leads_to_its_state_or_is_refused(kind: str, status: str | None, action: str) -> None:
    subject = Subject("x", OperationType(kind), None, "mine")
    recorded = None if status is None else RecordedOperation(subject, OperationStatus(status), 0)
    update = Update(
        subject,
        OperationAction(action),
        next_attempt_delay_seconds=3,
        wait_seconds=3,
        callback_options=CallbackOptions(),
        invoke_options=InvokeOptions("charge"),
    )
    after = ACCEPTED.get((kind, status, action))
    if after is None:
        where = "does not exist" if status is None else f"is {status}"
        with pytest.raises(
            InvalidParameterValueException, match=rf"Cannot {action} {kind} operation 'mine', which {where}\."
        ):
            apply(recorded, update)
    else:
        assert fold(recorded, apply(recorded, update).event).status.value == after


# What comes from outside: (type, status before) -> status after the timer; other states are left alone.
FIRED = {
    ("STEP", "PENDING"): "READY",
    ("WAIT", "STARTED"): SUCCEEDED,
    ("CALLBACK", "STARTED"): "TIMED_OUT",
}


def fire(recorded: RecordedOperation) -> Event | None:
    match recorded.subject.operation_type:
        case OperationType.STEP:
            return step.fire(recorded, NOW)
        case OperationType.WAIT:
            return wait.fire(recorded, NOW)
        case _:
            return callback.fire(recorded, NOW)


@pytest.mark.parametrize("status", [status.value for status in OperationStatus])
@pytest.mark.parametrize("kind", ["STEP", "WAIT", "CALLBACK"])
def test_a_timer_moves_what_waits_for_it_only(kind: str, status: str) -> None:
    subject = Subject("x", OperationType(kind))
    recorded: Any = RecordedOperation(subject, OperationStatus(status), 0, timeout_at=NOW)
    event = fire(recorded)
    after = None if event is None else fold(recorded, event).status.value
    assert after == FIRED.get((kind, status))
