"""ExecutionState: what is known of the execution, from the event and from every answer."""

from __future__ import annotations

from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, ServiceError

from durable_sdk import _updates
from durable_sdk._boto_client import BotoClient
from durable_sdk._runtime import ThreadRuntime
from durable_sdk._wire.enums import OperationStatus, OperationSubType, OperationType
from durable_sdk._wire.invocation import InvocationEvent
from durable_sdk.exceptions import GetExecutionStateError, NonDeterministicExecutionError
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.state import ExecutionState

STEP = OperationIdentifier("id", OperationSubType.STEP, None, "charge", operation_type=OperationType.STEP)


def state_of(service: FakeLambda) -> ExecutionState:
    invocation = InvocationEvent.from_json_dict(service.event())
    return ExecutionState(invocation, BotoClient(service), ThreadRuntime())


def store(service: FakeLambda, *names: str) -> None:
    for name in names:
        operation: dict[str, Any] = {"Id": name, "Type": "STEP", "Status": "STARTED", "SubType": "Step"}
        service.operations[name] = operation


def test_nothing_is_known_before_it_is_loaded() -> None:
    service = FakeLambda()
    store(service, "id")
    state = state_of(service)
    assert not state.has("id")
    state.load()
    assert state.has("id")


def test_an_execution_alone_is_no_history() -> None:
    service = FakeLambda('{"a": 1}')
    state = state_of(service)
    state.load()
    assert not state.has_history
    assert state.execution is not None
    assert state.execution.input_payload == '{"a": 1}'


def test_history_may_begin_on_any_page() -> None:
    service = FakeLambda(page_size=1)
    store(service, "id")
    state = state_of(service)
    state.load()
    assert state.has_history
    assert service.markers == ["1"]


def test_pages_read_before_an_error_are_kept() -> None:
    service = FakeLambda(page_size=1)
    store(service, "a", "b")
    service.fail_page(1, ServiceError("ServiceException", 500))
    state = state_of(service)
    with pytest.raises(GetExecutionStateError):
        state.load()
    assert state.has("a")
    assert not state.has("b")


def test_every_answer_is_merged() -> None:
    service = FakeLambda()
    state = state_of(service)
    state.load()
    assert state.find(STEP) is None
    state.checkpoint(_updates.start(STEP), synchronous=True)
    recorded = state.find(STEP)
    assert recorded is not None
    assert recorded.status is OperationStatus.STARTED
    state.checkpoint(_updates.succeed(STEP, "1"), synchronous=True)
    recorded = state.find(STEP)
    assert recorded is not None
    assert recorded.result == "1"


def test_a_refresh_merges_what_happened_outside() -> None:
    service = FakeLambda()
    service.elapse_on_refresh = True
    wait = OperationIdentifier("w", OperationSubType.WAIT, operation_type=OperationType.WAIT)
    state = state_of(service)
    state.checkpoint(_updates.start_wait(wait, 1), synchronous=True)
    state.refresh()
    recorded = state.find(wait)
    assert recorded is not None
    assert recorded.is_terminal


def test_another_operation_at_the_position_is_found_out() -> None:
    service = FakeLambda()
    store(service, "id")
    state = state_of(service)
    state.load()
    with pytest.raises(NonDeterministicExecutionError, match="name checkpoint=None current='charge'"):
        state.find(STEP)
    assert state.peek("id") is not None


def test_a_withdrawn_token_is_noticed() -> None:
    service = FakeLambda()
    service.revoked_at = 0
    state = state_of(service)
    assert not state.token_revoked
    with pytest.raises(BaseException, match="revoked"):
        state.refresh()
    assert state.token_revoked
