"""Events made from operations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from durable_sdk.lambda_service import (
    CallbackDetails,
    CallbackOptions,
    ChainedInvokeDetails,
    ChainedInvokeOptions,
    ContextDetails,
    DurableExecutionInvocationOutput,
    ErrorObject,
    ExecutionDetails,
    InvocationStatus,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StepDetails,
    StepOptions,
    WaitDetails,
)
from pytest_durable.exceptions import InvalidParameterValueException
from pytest_durable.model import (
    HISTORY_EVENT_TYPES,
    TERMINAL_STATUSES,
    Event,
    EventCreationContext,
    StartDurableExecutionInput,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2024, 1, 1, 0, 1, tzinfo=UTC)
ERROR = ErrorObject.from_message("boom")
ERROR_JSON = {"Payload": {"ErrorMessage": "boom"}, "Truncated": False}
RESULT_JSON = {"Payload": "r", "Truncated": False}
INPUT = StartDurableExecutionInput("1", "fn", "$LATEST", "name", 5, 1, input="in")
OUTPUT = DurableExecutionInvocationOutput(InvocationStatus.FAILED, "r", ERROR)

DETAILS: dict[OperationType, dict[str, Any]] = {
    OperationType.STEP: {"step_details": StepDetails(2, None, "r", ERROR)},
    OperationType.WAIT: {"wait_details": WaitDetails(END)},
    OperationType.CONTEXT: {"context_details": ContextDetails(False, "r", ERROR)},
    OperationType.CALLBACK: {"callback_details": CallbackDetails("cb", "r", ERROR)},
    OperationType.CHAINED_INVOKE: {"chained_invoke_details": ChainedInvokeDetails("r", ERROR)},
    OperationType.EXECUTION: {"execution_details": ExecutionDetails("in")},
}

UPDATES = {
    OperationType.STEP: OperationUpdate(
        "i", OperationType.STEP, OperationAction.RETRY, step_options=StepOptions(4)
    ),
    OperationType.CALLBACK: OperationUpdate(
        "i", OperationType.CALLBACK, OperationAction.START, callback_options=CallbackOptions(11, 0)
    ),
    OperationType.CHAINED_INVOKE: OperationUpdate(
        "i",
        OperationType.CHAINED_INVOKE,
        OperationAction.START,
        payload="p",
        chained_invoke_options=ChainedInvokeOptions("fn", "blue"),
    ),
}

STARTED = {
    OperationType.STEP: {},
    OperationType.WAIT: {"Duration": 60, "ScheduledEndTimestamp": END},
    OperationType.CONTEXT: {},
    OperationType.CALLBACK: {"CallbackId": "cb", "Timeout": 11},
    OperationType.CHAINED_INVOKE: {
        "FunctionName": "fn",
        "TenantId": "blue",
        "Input": {"Payload": "p", "Truncated": False},
    },
    OperationType.EXECUTION: {"Input": {"Payload": "in", "Truncated": False}, "ExecutionTimeout": 5},
}


def context(
    operation_type: OperationType, status: OperationStatus, *, include: bool = True
) -> EventCreationContext:
    operation = Operation("i", operation_type, status, "p", "n", START, END, "Sub", **DETAILS[operation_type])
    return EventCreationContext.create(
        operation, 7, "arn", INPUT, OUTPUT, UPDATES.get(operation_type), include
    )


@pytest.mark.parametrize("operation_type", OperationType)
def test_an_event_that_begins_an_operation(operation_type: OperationType) -> None:
    made = context(operation_type, OperationStatus.STARTED)
    event = Event.create_event_started(made)
    name = operation_type.name.lower()
    assert getattr(Event, f"create_{name}_event_started")(made) == event
    assert event.to_dict() == {
        "EventType": event.event_type,
        "EventTimestamp": START,
        "EventId": 7,
        "SubType": "Sub",
        "Id": "i",
        "Name": "n",
        "ParentId": "p",
        f"{event.event_type}Details": STARTED[operation_type],
    }


ENDINGS = [
    (config.operation_type, config.operation_status, event_type)
    for event_type, config in HISTORY_EVENT_TYPES.items()
    if config.is_end_event
]


@pytest.mark.parametrize(("operation_type", "status", "event_type"), ENDINGS)
def test_an_event_that_ends_an_operation(
    operation_type: OperationType, status: OperationStatus, event_type: str
) -> None:
    made = context(operation_type, status)
    event = Event.create_event_terminated(made)
    name = operation_type.name.lower()
    assert getattr(Event, f"create_{name}_event_{status.name.lower()}")(made) == event
    assert getattr(Event, f"create_{name}_event")(made) == event
    assert (event.event_type, event.event_timestamp) == (event_type, END)
    details = event.to_dict()[f"{event_type}Details"]
    if operation_type is OperationType.WAIT:
        assert details == ({"Duration": 60} if status is OperationStatus.SUCCEEDED else {})
        return
    if operation_type is OperationType.STEP:
        assert details.pop("RetryDetails") == {"CurrentAttempt": 2, "NextAttemptDelaySeconds": 4}
    succeeded = status is OperationStatus.SUCCEEDED
    assert details == ({"Result": RESULT_JSON} if succeeded else {"Error": ERROR_JSON})


def test_payloads_are_left_out_unless_asked_for() -> None:
    made = context(OperationType.STEP, OperationStatus.SUCCEEDED, include=False)
    details = Event.create_step_event(made).to_dict()["StepSucceededDetails"]
    assert details["Result"] == {"Truncated": True}
    started = Event.create_execution_event_started(
        context(OperationType.EXECUTION, OperationStatus.STARTED, include=False)
    )
    assert started.to_dict()["ExecutionStartedDetails"]["Input"] == {"Truncated": True}


def test_an_event_needs_a_status_that_an_event_leads_to_and_its_time() -> None:
    with pytest.raises(InvalidParameterValueException, match="type STEP into status READY"):
        Event.create_step_event(context(OperationType.STEP, OperationStatus.READY))
    timeless = EventCreationContext(
        Operation("i", OperationType.WAIT, OperationStatus.SUCCEEDED), 1, "arn", INPUT
    )
    with pytest.raises(InvalidParameterValueException, match="end_timestamp of operation 'i', which is None"):
        Event.create_wait_event_succeeded(timeless)
    with pytest.raises(InvalidParameterValueException, match="start_timestamp of operation 'i'"):
        Event.create_wait_event_started(timeless)


def test_the_end_of_an_invocation_is_about_no_operation() -> None:
    event = Event.create_invocation_completed(3, END, START, END, "r")
    assert event.to_dict() == {
        "EventType": "InvocationCompleted",
        "EventTimestamp": END,
        "EventId": 3,
        "InvocationCompletedDetails": {"StartTimestamp": START, "EndTimestamp": END, "RequestId": "r"},
    }
    assert Event.from_event_with_id(event, 9).event_id == 9


def test_the_types_say_what_they_are_about() -> None:
    assert HISTORY_EVENT_TYPES["CallbackTimedOut"].operation_status is OperationStatus.TIMED_OUT
    assert HISTORY_EVENT_TYPES["StepStarted"].is_start_event
    assert HISTORY_EVENT_TYPES["InvocationCompleted"].operation_type is None
    assert HISTORY_EVENT_TYPES["ExecutionPaused"].operation_status is None
    assert "StepReady" not in HISTORY_EVENT_TYPES
    assert OperationStatus.STOPPED in TERMINAL_STATUSES
    assert OperationStatus.PENDING not in TERMINAL_STATUSES
