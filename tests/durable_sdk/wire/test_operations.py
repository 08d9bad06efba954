"""StoredOperation: the service's JSON, in the form of events and in that of boto3, read alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from durable_sdk._wire.enums import OperationStatus, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.operations import StoredOperation

MINIMUM = {"Id": "id", "Type": "STEP", "Status": "STARTED"}
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
MOMENT_MICROSECONDS = 1_767_323_045_678_000


def step(**details: Any) -> StoredOperation:
    return StoredOperation(MINIMUM | {"StepDetails": details})


def test_only_id_type_and_status_are_required() -> None:
    operation = StoredOperation(MINIMUM)
    assert operation.operation_id == "id"
    assert operation.operation_type is OperationType.STEP
    assert operation.status is OperationStatus.STARTED
    assert operation.sub_type is operation.name is operation.parent_id is None
    assert operation.start_timestamp is operation.end_timestamp is None
    assert operation.result is operation.error is operation.input_payload is None
    assert operation.next_attempt_at is operation.scheduled_end_at is None
    assert operation.attempt == 0
    assert operation.replay_children is False


@pytest.mark.parametrize(
    "moment",
    [
        MOMENT_MICROSECONDS // 1000,
        MOMENT,
        MOMENT.astimezone(timezone(timedelta(hours=-7))),
    ],
)
def test_milliseconds_and_datetimes_are_the_same_time(moment: Any) -> None:
    operation = StoredOperation(
        MINIMUM
        | {
            "StartTimestamp": moment,
            "EndTimestamp": moment,
            "StepDetails": {"NextAttemptTimestamp": moment},
        }
    )
    wait = StoredOperation({"Id": "w", "Type": "WAIT", "WaitDetails": {"ScheduledEndTimestamp": moment}})
    assert operation.start_timestamp == MOMENT_MICROSECONDS
    assert operation.end_timestamp == MOMENT_MICROSECONDS
    assert operation.next_attempt_at == MOMENT_MICROSECONDS
    assert wait.scheduled_end_at == MOMENT_MICROSECONDS


@pytest.mark.parametrize(
    ("operation_type", "details"),
    [
        ("CONTEXT", "ContextDetails"),
        ("STEP", "StepDetails"),
        ("CALLBACK", "CallbackDetails"),
        ("CHAINED_INVOKE", "ChainedInvokeDetails"),
    ],
)
def test_results_and_errors_are_read_from_the_details_of_the_type(operation_type: str, details: str) -> None:
    operation = StoredOperation(
        {
            "Id": "id",
            "Type": operation_type,
            "Status": "FAILED",
            details: {"Result": "text", "Error": {"ErrorMessage": "boom"}},
        }
    )
    assert operation.result == "text"
    assert operation.error == ErrorObject.from_message("boom")


def test_details_of_another_type_are_not_looked_at() -> None:
    assert StoredOperation(MINIMUM | {"ContextDetails": {"Result": "text"}}).result is None


def test_an_empty_error_is_an_error() -> None:
    assert step(Error={}).error == ErrorObject(None, None, None, None)


def test_steps_and_contexts_and_executions_have_members_of_their_own() -> None:
    assert step(Attempt=3).attempt == 3
    assert step(Attempt=None).attempt == 0
    context = StoredOperation({"Id": "c", "Type": "CONTEXT", "ContextDetails": {"ReplayChildren": True}})
    assert context.replay_children is True
    execution = StoredOperation({"Id": "e", "Type": "EXECUTION", "ExecutionDetails": {"InputPayload": "{}"}})
    assert execution.input_payload == "{}"


@pytest.mark.parametrize("status", list(OperationStatus))
def test_five_statuses_are_terminal(status: OperationStatus) -> None:
    terminal = status.value in {"SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT", "STOPPED"}
    assert StoredOperation(MINIMUM | {"Status": status.value}).is_terminal is terminal
    assert status.is_terminal is terminal


def test_any_sub_type_is_possible() -> None:
    assert StoredOperation(MINIMUM | {"SubType": "Invented"}).sub_type == "Invented"
