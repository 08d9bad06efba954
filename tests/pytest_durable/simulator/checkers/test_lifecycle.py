"""The check that operations go through their states in order, inside contexts that are open."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.errors import CheckerError
from pytest_durable.history.events import (
    Attempt,
    CallbackStart,
    Event,
    EventType,
    InvocationOutcome,
    InvokeStart,
    Outcome,
    Subject,
)
from pytest_durable.simulator.checkers.lifecycle import LifecycleChecker

STEP = Subject("s", OperationType.STEP, "Step", "charge")
CONTEXT = Subject("c", OperationType.CONTEXT, "Parallel", "all")
INNER = Subject("i", OperationType.STEP, "Step", "inner", "c")
DEEPER = Subject("d", OperationType.CONTEXT, "ParallelBranch", "one", "c")
DEEPEST = Subject("p", OperationType.STEP, "Step", "pay", "d")
EXECUTION = Subject("e", OperationType.EXECUTION, name="order-1")
CALLBACK = Subject("b", OperationType.CALLBACK, "Callback", "approval")
INVOKE = Subject("n", OperationType.CHAINED_INVOKE, "ChainedInvoke", "charge")
INNER_CALLBACK = Subject("b", OperationType.CALLBACK, "Callback", "approval", "c")


def event(event_type: str, subject: Subject | None = STEP, details: Any = None) -> Event:
    return Event(EventType(event_type), 0, subject, details)


RETRY = event("StepFailed", details=Attempt(1, next_delay_seconds=3))
DONE = event("StepSucceeded", details=Attempt(1))
START = event("StepStarted")
READY = event("StepReady")
ENDED = event("ExecutionSucceeded", EXECUTION, Outcome())
AWAITED = event("CallbackStarted", CALLBACK, CallbackStart("aWQ="))
BEAT = event("CallbackHeartbeat", CALLBACK)
ANSWERED = event("CallbackSucceeded", CALLBACK, Outcome())
INVOKED = event("ChainedInvokeStarted", INVOKE, InvokeStart("charge"))
RETURNED = event("ChainedInvokeFailed", INVOKE, Outcome())
IN_CONTEXT = [
    event("ContextStarted", CONTEXT),
    event("CallbackStarted", INNER_CALLBACK, CallbackStart("aWQ=")),
]
CONTEXT_ENDED = event("ContextSucceeded", CONTEXT)


@pytest.mark.parametrize(
    "events",
    [
        [START, DONE],
        [START, RETRY, READY, START, DONE],
        [START, RETRY, READY, DONE],
        [event("ContextStarted", CONTEXT), event("StepStarted", INNER), event("ContextSucceeded", CONTEXT)],
        [START, event("InvocationCompleted", None, InvocationOutcome("r", 0, 0)), DONE, ENDED],
        [ENDED, event("InvocationCompleted", None, InvocationOutcome("r", 0, 0))],
        [AWAITED, ANSWERED],
        [AWAITED, BEAT, BEAT, event("CallbackTimedOut", CALLBACK, Outcome())],
        [INVOKED, RETURNED],
        [AWAITED, INVOKED, ENDED],
        [event("ExecutionPaused", EXECUTION), event("ExecutionResumed", EXECUTION), ENDED],
        [*IN_CONTEXT, CONTEXT_ENDED, event("CallbackHeartbeat", INNER_CALLBACK)],
        [*IN_CONTEXT, CONTEXT_ENDED, event("CallbackSucceeded", INNER_CALLBACK, Outcome())],
    ],
)
def test_a_sound_sequence_passes(show: Any, events: list[Event]) -> None:
    show(LifecycleChecker(), *events)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([START, START], "StepStarted of operation 'charge' comes when it is started"),
        ([START, DONE, DONE], "StepSucceeded of operation 'charge' comes when it is ended"),
        ([START, DONE, START], "comes when it is ended"),
        ([START, RETRY, START], "comes when it is pending"),
        ([START, RETRY, DONE], "comes when it is pending"),
        ([READY], "StepReady of operation 'charge' comes when it is new"),
        ([START, READY], "comes when it is started"),
        ([event("StepStarted", INNER)], "lies in context 'c', which is new"),
        (
            [
                event("ContextStarted", CONTEXT),
                event("ContextSucceeded", CONTEXT),
                event("StepStarted", INNER),
            ],
            "lies in context 'c', which is ended",
        ),
        (
            [
                *IN_CONTEXT[:1],
                event("ContextStarted", DEEPER),
                CONTEXT_ENDED,
                event("StepStarted", DEEPEST),
            ],
            "StepStarted of operation 'pay' lies below context 'c', which is ended",
        ),
        ([ANSWERED], "CallbackSucceeded of operation 'approval' comes when it is new"),
        ([BEAT], "CallbackHeartbeat of operation 'approval' comes when it is new"),
        ([AWAITED, AWAITED], "comes when it is started"),
        ([AWAITED, ANSWERED, ANSWERED], "comes when it is ended"),
        ([AWAITED, ANSWERED, BEAT], "comes when it is ended"),
        ([INVOKED, INVOKED], "ChainedInvokeStarted of operation 'charge' comes when it is started"),
        ([INVOKED, RETURNED, RETURNED], "comes when it is ended"),
        ([AWAITED, ENDED, ANSWERED], "comes after the execution has ended"),
        ([IN_CONTEXT[1]], "lies in context 'c', which is new"),
        ([event("ContextStarted", CONTEXT), CONTEXT_ENDED, IN_CONTEXT[1]], "in context 'c', which is ended"),
        ([ENDED, START], "comes after the execution has ended"),
        ([ENDED, ENDED], "comes when it is ended"),
    ],
)
def test_it_fails_on_a_sequence_that_cannot_be(show: Any, events: list[Event], message: str) -> None:
    with pytest.raises(CheckerError) as caught:
        show(LifecycleChecker(), *events)
    assert message in str(caught.value)
    assert "arn:order-1" in str(caught.value)


def test_operations_of_two_executions_are_told_apart(show: Any, record: Any) -> None:
    checker = LifecycleChecker()
    show(checker, START)
    record.arn = "arn:order-2"
    show(checker, START)


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_it_passes_on_the_corpus(case: corpus.Case) -> None:
    assert corpus.run_watched(case, LifecycleChecker()).closed
