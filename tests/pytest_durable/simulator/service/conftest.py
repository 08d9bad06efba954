"""An execution record to decide on, without a loop around it."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import Event, Subject
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.requests import parse_checkpoint
from pytest_durable.simulator.service.transitions import execution as transitions

SECOND = 1_000_000


class Desk:
    """Applies checkpoints to a record, at a time that the test sets, as the loop does."""

    def __init__(self, limits: Limits) -> None:
        subject = Subject("execution", OperationType.EXECUTION, name="order-1")
        self.record = ExecutionRecord("arn:order-1", subject, 3600, limits)
        self.record.commit(transitions.start(subject, '{"a": 1}', 3600, 0))
        self.record.begin_invocation()
        self.now = 0

    def apply(self, *updates: dict[str, Any], token: str | None = None) -> dispatch.Applied:
        """Decide on updates without committing them."""
        request = {
            "DurableExecutionArn": self.record.arn,
            "CheckpointToken": token or self.record.token,
            "Updates": list(updates),
        }
        return dispatch.apply_checkpoint(self.record, parse_checkpoint(request), self.now)

    def send(self, *updates: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        """Apply and commit updates, and return the answer."""
        applied = self.apply(*updates, token=token)
        for event in applied.events:
            self.record.commit(event)
        if applied.ends_execution:
            self.record.token = None
        else:
            self.record.next_token()
        self.record.begin_answer()
        return dispatch.checkpoint_answer(self.record)

    def fire(self, operation_id: str) -> Event | None:
        """Let a timer of an operation fire."""
        event = dispatch.fire_timer(self.record, operation_id, self.now)
        if event is not None:
            self.record.commit_outside(event)
        return event


def update(kind: str, action: str, operation_id: str = "a", **members: Any) -> dict[str, Any]:
    """Return an update in the service's JSON."""
    return {"Id": operation_id, "Type": kind, "Action": action, **members}


@pytest.fixture
def desk() -> Desk:
    return Desk(Limits())


@pytest.fixture
def make_desk() -> type[Desk]:
    return Desk


@pytest.fixture
def make_update() -> Any:
    return update
