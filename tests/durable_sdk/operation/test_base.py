"""The loop that acts on decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda

from durable_sdk import _updates
from durable_sdk._boto_client import BotoClient
from durable_sdk._runtime import ThreadRuntime
from durable_sdk._wire.enums import OperationStatus, OperationSubType, OperationType
from durable_sdk._wire.invocation import InvocationEvent
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.exceptions import SuspendExecution, TimedSuspendExecution
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Begin, Completed, Decision, Execute, Suspend, perform
from durable_sdk.state import ExecutionState

IDENTIFIER = OperationIdentifier("id", OperationSubType.STEP, operation_type=OperationType.STEP)


class Scripted:
    """An operation that decides what the test says, and notes what it was told."""

    identifier = IDENTIFIER

    def __init__(self, *decisions: Decision[Any]) -> None:
        self._decisions = list(decisions)
        self.told: list[tuple[OperationStatus | None, bool]] = []

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[Any]:
        self.told.append((None if recorded is None else recorded.status, begun))
        return self._decisions.pop(0)


@pytest.fixture
def service() -> FakeLambda:
    return FakeLambda()


@pytest.fixture
def perform_on(service: FakeLambda) -> Callable[[Scripted], Any]:
    invocation = InvocationEvent.from_json_dict(service.event())
    state = ExecutionState(invocation, BotoClient(service), ThreadRuntime())
    return lambda operation: perform(operation, None, state)


def test_a_completed_operation_answers(perform_on: Callable[[Scripted], Any], service: FakeLambda) -> None:
    assert perform_on(Scripted(Completed(5))) == 5
    assert service.requests == []


def test_a_body_is_run(perform_on: Callable[[Scripted], Any]) -> None:
    assert perform_on(Scripted(Execute(lambda: 7))) == 7


def test_a_suspension_knows_its_time_or_not(perform_on: Callable[[Scripted], Any]) -> None:
    with pytest.raises(TimedSuspendExecution, match="waits") as timed:
        perform_on(Scripted(Suspend("waits", 5)))
    assert timed.value.resume_at == 5
    with pytest.raises(SuspendExecution, match="waits") as endless:
        perform_on(Scripted(Suspend("waits")))
    assert not isinstance(endless.value, TimedSuspendExecution)


def test_after_a_synchronous_start_the_answer_of_the_service_decides(
    perform_on: Callable[[Scripted], Any], service: FakeLambda
) -> None:
    operation = Scripted(Begin(_updates.start(IDENTIFIER), synchronous=True), Completed(1))
    assert perform_on(operation) == 1
    assert operation.told == [(None, False), (OperationStatus.STARTED, True)]
    assert service.actions == [["START Step"]]


def test_after_an_asynchronous_start_it_goes_on_at_once(
    perform_on: Callable[[Scripted], Any], service: FakeLambda
) -> None:
    operation = Scripted(Begin(_updates.start(IDENTIFIER), synchronous=False), Execute(lambda: 1))
    assert perform_on(operation) == 1
    assert operation.told == [(None, False), (None, True)]


def test_an_operation_begins_once(perform_on: Callable[[Scripted], Any]) -> None:
    begin = Begin(_updates.start(IDENTIFIER), synchronous=True)
    with pytest.raises(AssertionError, match="asks to begin twice"):
        perform_on(Scripted(begin, begin))
