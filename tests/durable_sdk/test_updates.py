"""Updates: exactly the members that the service documents, and no others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from durable_sdk import _updates
from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk.identifier import OperationIdentifier

STEP = OperationIdentifier(
    "id-1", OperationSubType.STEP, "parent", "charge", operation_type=OperationType.STEP
)
CONTEXT = OperationIdentifier("id-2", "Mine", operation_type=OperationType.CONTEXT)
WAIT = OperationIdentifier("id-3", OperationSubType.WAIT, operation_type=OperationType.WAIT)
ERROR = ErrorObject("boom", "ValueError", None, None)
STEP_JSON = {"Id": "id-1", "Type": "STEP", "SubType": "Step", "ParentId": "parent", "Name": "charge"}
CONTEXT_JSON = {"Id": "id-2", "Type": "CONTEXT", "SubType": "Mine"}


def test_a_start_carries_the_identity() -> None:
    assert _updates.start(STEP) == STEP_JSON | {"Action": "START"}
    assert _updates.start(CONTEXT) == CONTEXT_JSON | {"Action": "START"}


@pytest.mark.parametrize("empty", [None, ""])
def test_a_name_and_a_parent_are_left_out_when_there_is_none(empty: str | None) -> None:
    bare = OperationIdentifier("id", OperationSubType.STEP, empty, empty, operation_type=OperationType.STEP)
    assert _updates.start(bare) == {"Id": "id", "Type": "STEP", "SubType": "Step", "Action": "START"}


def test_a_wait_carries_its_seconds() -> None:
    assert _updates.start_wait(WAIT, 60) == {
        "Id": "id-3",
        "Type": "WAIT",
        "SubType": "Wait",
        "Action": "START",
        "WaitOptions": {"WaitSeconds": 60},
    }


@pytest.mark.parametrize("payload", ["1", ""])
def test_a_payload_is_sent_even_if_it_is_empty(payload: str) -> None:
    assert _updates.succeed(STEP, payload) == STEP_JSON | {"Action": "SUCCEED", "Payload": payload}


def test_no_payload_is_left_out() -> None:
    assert _updates.succeed(STEP, None) == STEP_JSON | {"Action": "SUCCEED"}


@pytest.mark.parametrize("replay_children", [False, True])
def test_a_context_tells_whether_replay_runs_it_again(replay_children: bool) -> None:
    update = _updates.succeed_context(CONTEXT, "x", replay_children=replay_children)
    options = {"ContextOptions": {"ReplayChildren": replay_children}}
    assert update == CONTEXT_JSON | {"Action": "SUCCEED", "Payload": "x"} | options


def test_a_failure_carries_the_error() -> None:
    error = {"ErrorMessage": "boom", "ErrorType": "ValueError"}
    assert _updates.fail(STEP, ERROR) == STEP_JSON | {"Action": "FAIL", "Error": error}


def test_a_retry_carries_the_error_and_the_delay() -> None:
    assert _updates.retry(STEP, ERROR, 5) == STEP_JSON | {
        "Action": "RETRY",
        "Error": {"ErrorMessage": "boom", "ErrorType": "ValueError"},
        "StepOptions": {"NextAttemptDelaySeconds": 5},
    }


def test_the_end_of_an_execution_is_labelled_with_the_millisecond() -> None:
    now = 1_700_000_000_123_456
    assert _updates.succeed_execution("text", now) == {
        "Id": "execution-result-1700000000123",
        "Type": "EXECUTION",
        "Action": "SUCCEED",
        "Payload": "text",
    }
    assert _updates.fail_execution(ERROR, now) == {
        "Id": "execution-result-1700000000123",
        "Type": "EXECUTION",
        "Action": "FAIL",
        "Error": {"ErrorMessage": "boom", "ErrorType": "ValueError"},
    }


def test_only_the_end_of_a_context_ends_a_context() -> None:
    assert _updates.ends_context(_updates.succeed_context(CONTEXT, "", replay_children=False))
    assert _updates.ends_context(_updates.fail(CONTEXT, ERROR))
    assert not _updates.ends_context(_updates.start(CONTEXT))
    assert not _updates.ends_context(_updates.succeed(STEP, ""))


def test_only_execution_updates_end_the_execution() -> None:
    assert _updates.is_execution(_updates.succeed_execution("", 0))
    assert not _updates.is_execution(_updates.succeed(STEP, ""))


@pytest.mark.parametrize("payload", ["", "plain", '\n"\\', "€ and 🙂", "x" * 100_000, "🙂" * 10_000])
def test_the_size_is_an_upper_bound_close_to_what_is_sent(payload: str) -> None:
    identifier = OperationIdentifier(
        "i" * 64, "s" * 32, "p" * 64, "n" * 256, operation_type=OperationType.STEP
    )
    for update in (
        _updates.succeed(identifier, payload),
        _updates.succeed_context(identifier, payload, replay_children=True),
        _updates.retry(identifier, replace(ERROR, message=payload, data=payload), 31_622_400),
        _updates.fail(STEP, replace(ERROR, stack_trace=[payload])),
    ):
        sent = len(json.dumps(update))
        assert sent <= _updates.size_bytes(update) <= sent + 1024


def test_the_size_bounds_an_update_whose_name_has_to_be_escaped() -> None:
    identifier = OperationIdentifier(
        "i" * 64, "s" * 32, "p" * 64, '"' * 256, operation_type=OperationType.STEP
    )
    update = _updates.succeed(identifier, "")
    assert len(json.dumps(update)) <= _updates.size_bytes(update)
