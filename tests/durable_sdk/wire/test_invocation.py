"""The invocation event and the answer."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk._wire.enums import InvocationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import (
    DurableExecutionInvocationOutput,
    InvocationEvent,
    StatePage,
)
from durable_sdk.exceptions import ExecutionError

MINIMUM = {"DurableExecutionArn": "arn", "CheckpointToken": "token"}


def test_an_event_is_read() -> None:
    operation = {"Id": "id", "Type": "STEP", "Status": "STARTED"}
    event = MINIMUM | {
        "InitialExecutionState": {"Operations": [operation], "NextMarker": "2"},
        "UpdatedOperationIds": ["id"],
    }
    assert InvocationEvent.from_json_dict(event) == InvocationEvent(
        "arn", "token", StatePage([operation], "2"), ["id"]
    )


@pytest.mark.parametrize("rest", [{}, {"InitialExecutionState": None, "UpdatedOperationIds": None}])
def test_the_state_and_the_updated_ids_may_be_absent(rest: dict[str, None]) -> None:
    decoded = InvocationEvent.from_json_dict(MINIMUM | rest)
    assert decoded.initial_execution_state == StatePage()
    assert not decoded.updated_operation_ids


@pytest.mark.parametrize(
    ("event", "culprit"),
    [
        (None, "expected an object, got None"),
        ("text", "expected an object, got 'text'"),
        ([MINIMUM], "expected an object"),
        ({}, "DurableExecutionArn is None; members: []"),
        ({"orderId": 1}, "members: ['orderId']"),
        ({"DurableExecutionArn": "arn"}, "CheckpointToken is None"),
        (MINIMUM | {"CheckpointToken": ""}, "CheckpointToken is ''"),
        (MINIMUM | {"DurableExecutionArn": 1}, "DurableExecutionArn is 1"),
        (MINIMUM | {"InitialExecutionState": []}, "InitialExecutionState is []"),
    ],
)
def test_any_other_event_is_refused_with_its_culprit(event: Any, culprit: str) -> None:
    with pytest.raises(ExecutionError) as caught:
        InvocationEvent.from_json_dict(event)
    message = str(caught.value)
    assert message.startswith("Unexpected payload provided to start the durable execution. ")
    assert culprit.lower() in message.lower()


@pytest.mark.parametrize("page", [None, {}, {"Operations": None, "NextMarker": None}])
def test_an_absent_page_is_an_empty_last_one(page: Any) -> None:
    assert StatePage.from_dict(page) == StatePage((), "")


def test_an_answer_has_only_the_members_that_are_set() -> None:
    output = DurableExecutionInvocationOutput
    assert output(InvocationStatus.PENDING).to_dict() == {"Status": "PENDING"}
    assert output(InvocationStatus.SUCCEEDED, result="").to_dict() == {"Status": "SUCCEEDED", "Result": ""}
    error = ErrorObject(None, None, None, None)
    assert output(InvocationStatus.FAILED, error=error).to_dict() == {"Status": "FAILED", "Error": {}}
