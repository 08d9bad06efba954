"""A record with an execution that has begun, for events that are made up."""

from __future__ import annotations

import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import Event, EventType, ExecutionInput, Subject
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord

EXECUTION = Subject("e", OperationType.EXECUTION, name="order-1")


@pytest.fixture
def record() -> ExecutionRecord:
    return ExecutionRecord("arn:order-1", EXECUTION, 60, Limits())


@pytest.fixture
def started() -> Event:
    return Event(EventType.EXECUTION_STARTED, 0, EXECUTION, ExecutionInput(None, 60))


@pytest.fixture
def show(record: ExecutionRecord, started: Event):  # type: ignore[no-untyped-def]
    """Show a checker the events, after the start of the execution."""

    def show(checker: Checker, *events: Event) -> None:
        for event in (started, *events):
            checker.recorded(record, event)

    return show
