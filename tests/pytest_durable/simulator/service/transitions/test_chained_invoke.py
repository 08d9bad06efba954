"""Chained invokes: started once, and ended as the function that they call ends."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk.lambda_service import OperationAction, OperationStatus, OperationType
from pytest_durable.history.events import Event, EventType, InvokeStart, Outcome, Subject
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.effects import StartInvoke
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.function_names import FunctionName
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.requests import InvokeOptions, Update
from pytest_durable.simulator.service.transitions import chained_invoke
from pytest_durable.simulator.service.transitions.chained_invoke import Target, resolve_nothing

INVOKE = Subject("i", OperationType.CHAINED_INVOKE, "ChainedInvoke", "charge it")
EXECUTION = Subject("e", OperationType.EXECUTION)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST/durable-execution/n/i"
ERROR = {"ErrorType": "E", "ErrorMessage": "m"}
NOW = 5_000_000
LIMITS = Limits(invoke_payload_bytes=10)
STARTED = RecordedOperation(INVOKE, OperationStatus.STARTED, 0, start=InvokeStart("charge"))


def start(options: InvokeOptions, resolve: Any) -> Any:
    update = Update(INVOKE, OperationAction.START, "1", invoke_options=options)
    return chained_invoke.apply(None, update, NOW, resolve, ARN, LIMITS)


def test_the_resolver_is_asked_for_the_function_and_the_operation() -> None:
    asked = []

    def resolve(function: FunctionName, operation_id: str) -> Target:
        asked.append((function, operation_id))
        return Target("7")

    transition = start(InvokeOptions("123456789012:function:charge:7", "blue", "Root=1"), resolve)
    assert asked == [(FunctionName("charge", "7", "123456789012"), "i")]
    name = "123456789012:function:charge:7"
    assert transition.event.details == InvokeStart(name, "1", "blue", "7", None)
    assert transition.effect == StartInvoke("i", name, "1", "blue", None, "Root=1")
    assert transition.ending is None


def test_a_durable_target_is_known_by_the_arn_of_its_execution_to_come() -> None:
    transition = start(InvokeOptions("charge"), lambda function, operation_id: Target("$LATEST", "arn:child"))
    assert fold(None, transition.event).execution_arn == "arn:child"
    assert transition.effect == StartInvoke("i", "charge", "1", None, "arn:child")


def test_an_unknown_function_fails_the_invoke_at_once_and_its_input_is_not_stored() -> None:
    transition = start(InvokeOptions("ghost", "blue"), resolve_nothing)
    assert transition.event.details == InvokeStart("ghost", None, "blue")
    assert transition.effect is None
    failed = fold(fold(None, transition.event), transition.ending)
    assert (failed.status, failed.started_at, failed.ended_at) == (OperationStatus.FAILED, NOW, NOW)
    assert failed.error is not None
    assert failed.error["ErrorType"] == "ResourceNotFoundException"


def test_a_function_is_not_looked_for_elsewhere() -> None:
    def resolve(function: FunctionName, operation_id: str) -> Target:
        raise AssertionError("asked")

    for name in ("no spaces", "210987654321:function:charge", "eu-west-1:charge", "x" * 257):
        with pytest.raises(InvalidParameterValueException):
            start(InvokeOptions(name), resolve)


def test_what_a_plain_function_returns_is_bounded_in_bytes_of_utf8() -> None:
    fits = chained_invoke.succeed(STARTED, "ä" * 5, NOW, LIMITS)
    assert fits == Event(EventType.CHAINED_INVOKE_SUCCEEDED, NOW, INVOKE, Outcome("ä" * 5))
    assert chained_invoke.succeed(STARTED, None, NOW, LIMITS).details == Outcome(None)
    event = chained_invoke.succeed(STARTED, "ä" * 5 + "x", NOW, LIMITS)
    assert event.type is EventType.CHAINED_INVOKE_FAILED
    assert event.details == Outcome(
        error={"ErrorMessage": "CHAINED_INVOKE output payload size must be less than or equal to 10 bytes."}
    )


@pytest.mark.parametrize(
    ("status", "stored", "event_type", "outcome"),
    [
        ("SUCCEEDED", {"result": "1"}, "ChainedInvokeSucceeded", Outcome("1")),
        ("SUCCEEDED", {}, "ChainedInvokeSucceeded", Outcome(None)),
        (
            "SUCCEEDED",
            {"result": "x" * 11},
            "ChainedInvokeFailed",
            Outcome(
                error={
                    "ErrorMessage": "Execution output payload size must be less than or equal to 10 bytes."
                }
            ),
        ),
        ("FAILED", {"error": ERROR}, "ChainedInvokeFailed", Outcome(error=ERROR)),
        (
            "FAILED",
            {"error": {}},
            "ChainedInvokeFailed",
            Outcome(error={"ErrorMessage": "Chained invoke failed."}),
        ),
        (
            "TIMED_OUT",
            {"error": ERROR},
            "ChainedInvokeTimedOut",
            Outcome(
                error={
                    "ErrorType": "ChainedInvoke.Timeout",
                    "ErrorMessage": "CHAINED_INVOKE timed out after 120 seconds.",
                }
            ),
        ),
        ("STOPPED", {"error": ERROR}, "ChainedInvokeStopped", Outcome(error=ERROR)),
        ("STOPPED", {}, "ChainedInvokeStopped", Outcome(error={})),
    ],
)
def test_an_invoke_ends_as_the_execution_of_its_function_has_ended(
    status: str, stored: dict[str, Any], event_type: str, outcome: Outcome
) -> None:
    child = RecordedOperation(EXECUTION, OperationStatus(status), 0, 1, **stored)
    event = chained_invoke.conclude(STARTED, child, 120, NOW, LIMITS)
    assert event == Event(EventType(event_type), NOW, INVOKE, outcome)


def test_the_error_of_a_plain_function_is_passed_on() -> None:
    assert chained_invoke.fail(STARTED, ERROR, NOW).details == Outcome(error=ERROR)
