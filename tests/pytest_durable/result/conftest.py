"""Histories written by hand, event by event."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import (
    Attempt,
    CallbackStart,
    Event,
    EventType,
    ExecutionInput,
    InvocationOutcome,
    InvokeStart,
    Outcome,
    Subject,
    WaitSchedule,
)
from pytest_durable.history.log import EventLog
from pytest_durable.result.execution import DurableFunctionTestResult

START = 1_767_225_600_000_000
SECOND = 1_000_000

STEP, WAIT, CONTEXT = OperationType.STEP, OperationType.WAIT, OperationType.CONTEXT
CALLBACK, INVOKE = OperationType.CALLBACK, OperationType.CHAINED_INVOKE


def error(error_type: str, message: str) -> dict[str, Any]:
    return {"ErrorType": error_type, "ErrorMessage": message}


class Story:
    """Appends events at ``now``, seconds since the start, which the test moves."""

    def __init__(self) -> None:
        self.log = EventLog()
        self.now: float = 0
        self.execution = Subject("execution-id", OperationType.EXECUTION, name="order-1")
        self._invocations = 0
        self._invoked_at = START

    @property
    def at(self) -> int:
        return START + round(self.now * SECOND)

    def result(self, seed: int | None = None) -> DurableFunctionTestResult:
        return DurableFunctionTestResult(self.log, seed=seed)

    def add(self, event_type: EventType, subject: Subject | None, details: Any = None) -> None:
        self.log.append(Event(event_type, self.at, subject, details))

    def started(self, payload: str | None = '{"order": 7}') -> None:
        self.add(EventType.EXECUTION_STARTED, self.execution, ExecutionInput(payload, 3600))

    def wake(self) -> None:
        """An invocation begins now."""
        self._invoked_at = self.at

    def invoked(self, failed: dict[str, Any] | None = None) -> None:
        """The invocation ends now."""
        self._invocations += 1
        outcome = InvocationOutcome(f"request-{self._invocations}", self._invoked_at, self.at, failed)
        self.add(EventType.INVOCATION_COMPLETED, None, outcome)
        self._invoked_at = self.at

    def step(self, name: str | None, parent: Subject | None = None, sub_type: str = "Step") -> Subject:
        return self._begin(EventType.STEP_STARTED, STEP, sub_type, name, parent)

    def step_again(self, step: Subject) -> None:
        self.add(EventType.STEP_STARTED, step)

    def step_done(self, step: Subject, result: str | None, attempt: int = 1) -> None:
        self.add(EventType.STEP_SUCCEEDED, step, Attempt(attempt, result))

    def step_failed(
        self, step: Subject, failure: dict[str, Any], attempt: int = 1, again: int | None = None
    ) -> None:
        self.add(EventType.STEP_FAILED, step, Attempt(attempt, None, failure, again))

    def done(self, name: str, result: str = "1", parent: Subject | None = None) -> Subject:
        step = self.step(name, parent)
        self.step_done(step, result)
        return step

    def context(
        self, name: str, parent: Subject | None = None, sub_type: str = "RunInChildContext"
    ) -> Subject:
        return self._begin(EventType.CONTEXT_STARTED, CONTEXT, sub_type, name, parent)

    def context_done(self, context: Subject, result: str | None) -> None:
        self.add(EventType.CONTEXT_SUCCEEDED, context, Outcome(result))

    def context_failed(self, context: Subject, failure: dict[str, Any]) -> None:
        self.add(EventType.CONTEXT_FAILED, context, Outcome(error=failure))

    def wait(self, name: str | None, seconds: int, parent: Subject | None = None) -> Subject:
        schedule = WaitSchedule(seconds, self.at + seconds * SECOND)
        return self._begin(EventType.WAIT_STARTED, WAIT, "Wait", name, parent, schedule)

    def wait_done(self, wait: Subject) -> None:
        self.add(EventType.WAIT_SUCCEEDED, wait, WaitSchedule(1))

    def callback(
        self,
        name: str | None,
        parent: Subject | None = None,
        timeout_seconds: int = 0,
        heartbeat_timeout_seconds: int = 0,
    ) -> Subject:
        start = CallbackStart("aWQ=", timeout_seconds, heartbeat_timeout_seconds)
        return self._begin(EventType.CALLBACK_STARTED, CALLBACK, "Callback", name, parent, start)

    def answered(self, callback: Subject, result: str | None) -> None:
        self.add(EventType.CALLBACK_SUCCEEDED, callback, Outcome(result))

    def timed_out(self, callback: Subject) -> None:
        failure = error("Callback.Timeout", "Callback timed out")
        self.add(EventType.CALLBACK_TIMED_OUT, callback, Outcome(error=failure))

    def invoke(
        self, name: str | None, function_name: str, payload: str | None = None, parent: Subject | None = None
    ) -> Subject:
        start = InvokeStart(function_name, payload, None, "$LATEST", "arn:child")
        return self._begin(EventType.CHAINED_INVOKE_STARTED, INVOKE, "ChainedInvoke", name, parent, start)

    def returned(self, invoke: Subject, result: str | None) -> None:
        self.add(EventType.CHAINED_INVOKE_SUCCEEDED, invoke, Outcome(result))

    def invoke_ended(self, invoke: Subject, how: str, failure: dict[str, Any]) -> None:
        self.add(EventType(f"ChainedInvoke{how}"), invoke, Outcome(error=failure))

    def succeeded(self, result: str | None) -> None:
        self.add(EventType.EXECUTION_SUCCEEDED, self.execution, Outcome(result))

    def failed(self, failure: dict[str, Any]) -> None:
        self.add(EventType.EXECUTION_FAILED, self.execution, Outcome(error=failure))

    def _begin(
        self,
        event_type: EventType,
        kind: OperationType,
        sub_type: str,
        name: str | None,
        parent: Subject | None,
        details: Any = None,
    ) -> Subject:
        parent_id = parent.operation_id if parent else None
        subject = Subject(f"id-{len(self.log)}", kind, sub_type, name, parent_id)
        self.add(event_type, subject, details)
        return subject


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def order(story: Story) -> Story:
    """A run with a bit of everything: nesting, a retry, a long wait, a crash, a failure."""
    story.started()
    story.done("reserve", '"r-1"')
    orders = story.context("orders")
    charge = story.step("charge", orders)
    story.step_failed(charge, error("CardError", "no funds"), again=5)
    story.invoked()
    story.now = 5
    story.add(EventType.STEP_READY, charge)
    story.wake()
    story.step_again(charge)
    story.step_done(charge, '{"t":"m","v":{"id":{"t":"i","v":1}}}', attempt=2)
    story.context_done(orders, "true")
    pause = story.wait("pause", 30 * 86_400)
    story.invoked()
    story.now = 5 + 30 * 86_400
    story.wait_done(pause)
    story.wake()
    ship = story.step("ship")
    story.now += 2
    story.invoked(error("Runtime.ExitError", "the sandbox died"))
    story.now += 1
    story.wake()
    story.step_failed(ship, error("ShipError", "no boat"))
    story.invoked()
    story.failed(error("durable_sdk.exceptions.StepError", "no boat"))
    return story
