"""An execution record to decide on, without a loop around it."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import Event, Subject
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.callbacks import CallbackAnswer
from pytest_durable.simulator.service.function_names import FunctionName
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.requests import CheckpointRequest, parse_checkpoint
from pytest_durable.simulator.service.transitions import execution as transitions
from pytest_durable.simulator.service.transitions.base import Transition
from pytest_durable.simulator.service.transitions.chained_invoke import Target

SECOND = 1_000_000
ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST/durable-execution/order-1/execution"


class Desk:
    """Applies checkpoints to a record, at a time that the test sets, as the loop does."""

    def __init__(self, limits: Limits) -> None:
        subject = Subject("execution", OperationType.EXECUTION, name="order-1")
        self.record = ExecutionRecord(ARN, subject, 3600, limits)
        self.functions: dict[str, Target] = {}
        self.record.commit(transitions.start(subject, '{"a": 1}', 3600, 0))
        self.record.begin_invocation()
        self.now = 0

    def request(
        self, *updates: dict[str, Any], token: str | None = None, client_token: str | None = None
    ) -> CheckpointRequest:
        """Return a request with these updates."""
        return parse_checkpoint(
            {
                "DurableExecutionArn": self.record.arn,
                "CheckpointToken": token or self.record.token,
                "Updates": list(updates),
                "ClientToken": client_token,
            }
        )

    def resolve(self, function: FunctionName, operation_id: str) -> Target | None:
        """Find one of ``functions``."""
        found = (self.functions[name] for name in function.candidates if name in self.functions)
        return next(found, None)

    def apply(self, *updates: dict[str, Any], token: str | None = None) -> dispatch.Applied:
        """Decide on updates without committing them."""
        request = self.request(*updates, token=token)
        return dispatch.apply_checkpoint(self.record, request, self.now, self.resolve)

    def send(
        self, *updates: dict[str, Any], token: str | None = None, client_token: str | None = None
    ) -> dict[str, Any]:
        """Apply and commit updates, and return the answer."""
        request = self.request(*updates, token=token, client_token=client_token)
        repeated = dispatch.repeated_answer(self.record, request)
        if repeated is not None:
            return repeated
        applied = dispatch.apply_checkpoint(self.record, request, self.now, self.resolve)
        for event in applied.events:
            self.record.commit(event)
        if applied.ends_execution:
            self.record.token = None
        else:
            self.record.next_token()
        self.record.begin_answer()
        answer = dispatch.checkpoint_answer(self.record)
        self.record.remember(request, answer)
        return answer

    def answer(self, answer: CallbackAnswer) -> Transition:
        """Let somebody outside say something about a callback."""
        transition = dispatch.answer_callback(self.record, answer, self.now)
        self.record.commit_outside(transition.event)
        return transition

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
