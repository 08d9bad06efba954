"""Errors that were recorded by this SDK, by AWS's, and by AWS's first generation come out as themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, facts, invoke, outcome

from durable_sdk import (
    BatchCompletionError,
    CallbackError,
    CallbackExternalError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    ChildContextError,
    DurableContext,
    DurableOperationError,
    InvokeError,
    SerDesError,
    StepError,
    WaitForConditionError,
)
from durable_sdk.config import Duration
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision

ERRORS: list[type[DurableOperationError]] = [
    StepError,
    InvokeError,
    ChildContextError,
    WaitForConditionError,
    CallbackError,
    CallbackExternalError,
    CallbackTimeoutError,
    CallbackSubmitterError,
    BatchCompletionError,
]


def forms(cls: type) -> list[str]:
    """Return the names under which the class may be stored: ours, AWS's, and AWS's of 1.x."""
    own = f"{cls.__module__}.{cls.__qualname__}"
    return [own, own.replace("durable_sdk", "aws_durable_execution_sdk_python", 1), cls.__name__]


def condition(context: DurableContext) -> Any:
    def decide(state: int, attempt: int) -> WaitForConditionDecision:
        return WaitForConditionDecision.continue_waiting(Duration(60))

    return context.wait_for_condition(lambda state, c: state, WaitForConditionConfig(decide, 0), "op")


def retried(context: DurableContext) -> Any:
    def fails() -> None:
        raise ValueError

    return context.step(fails, "op")


KINDS: dict[str, tuple[Callable[[DurableContext], Any], str, type[DurableOperationError]]] = {
    "step": (retried, "StepDetails", StepError),
    "condition": (condition, "StepDetails", WaitForConditionError),
    "invoke": (lambda context: context.invoke("f", 1, "op"), "ChainedInvokeDetails", InvokeError),
    "child": (
        lambda context: context.run_in_child_context(lambda child: child.wait(60), "op"),
        "ContextDetails",
        ChildContextError,
    ),
    "map": (
        lambda context: context.map([1], lambda c, item, i, all_: c.wait(60), "op"),
        "ContextDetails",
        ChildContextError,
    ),
    "parallel": (
        lambda context: context.parallel([lambda c: c.wait(60)], "op"),
        "ContextDetails",
        ChildContextError,
    ),
}


def replayed(kind: str, error: dict[str, Any] | None) -> Any:
    """Begin the operation, let it fail as ``error`` says, and return what a replay raises, twice."""
    call, details, _ = KINDS[kind]
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(outcome(lambda: call(context)))

    assert invoke(handler, service) == {"Status": "PENDING"}
    service.named("op").update({"Status": "FAILED", details: {} if error is None else {"Error": error}})
    invoke(handler, service)
    invoke(handler, service)
    assert facts(seen[0]) == facts(seen[1])
    return seen[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cls", ERRORS)
def test_defect_s8_an_error_that_escaped_is_the_cause_under_every_name(
    kind: str, cls: type[DurableOperationError]
) -> None:
    for name in forms(cls):
        error = replayed(
            kind, {"ErrorType": name, "ErrorMessage": "m", "ErrorData": "d", "StackTrace": ["line"]}
        )
        assert type(error) is KINDS[kind][2]
        assert (error.message, error.error_type, error.data, error.stack_trace) == ("m", name, "d", ["line"])
        cause = error.__cause__
        assert type(cause) is cls
        assert (cause.message, cause.error_type, cause.data, cause.stack_trace) == ("m", name, "d", ["line"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", forms(SerDesError))
def test_a_serdes_error_comes_out_of_any_operation_as_itself(kind: str, name: str) -> None:
    error = replayed(kind, {"ErrorType": name, "ErrorMessage": "m", "ErrorData": "d"})
    assert type(error) is SerDesError
    assert (error.message, error.error_type, error.data) == ("m", name, "d")
    assert type(error.__cause__) is DurableOperationError


@pytest.mark.parametrize("kind", KINDS)
def test_any_other_type_is_a_plain_cause(kind: str) -> None:
    error = replayed(kind, {"ErrorType": "my.module.Oops", "ErrorMessage": "m"})
    assert type(error) is KINDS[kind][2]
    assert (type(error.__cause__), error.__cause__.error_type) == (DurableOperationError, "my.module.Oops")


@pytest.mark.parametrize("stored", [None, {}], ids=["none", "empty"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_without_an_error_says_that_there_is_none(kind: str, stored: dict[str, Any] | None) -> None:
    error = replayed(kind, stored)
    assert type(error) is KINDS[kind][2]
    assert str(error) == "Unknown error. No ErrorObject exists on the Checkpoint Operation."
    assert error.__cause__ is None


def test_data_and_stack_trace_cross_every_boundary() -> None:
    seen: list[Any] = []

    def middle(context: DurableContext) -> None:
        context.invoke("f", 1, "call")

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(
            outcome(
                lambda: context.run_in_child_context(
                    lambda outer: outer.map([1], lambda c, item, i, all_: middle(c)).throw_if_error(), "outer"
                )
            )
        )
        context.wait(1)

    service = FakeLambda()
    invoke(handler, service)
    service.settle(
        "call",
        "FAILED",
        Error={"ErrorType": "Broken", "ErrorMessage": "m", "ErrorData": "d", "StackTrace": ["line"]},
    )
    invoke(handler, service)
    invoke(handler, service)
    first, second = seen
    assert facts(first) == facts(second)
    assert type(first) is ChildContextError
    assert (first.message, first.data, first.stack_trace) == ("m", "d", ["line"])
    assert first.error_type == "durable_sdk.exceptions.ChildContextError"
    assert service.named("map-item-0")["ContextDetails"]["Error"] == {
        "ErrorMessage": "m",
        "ErrorType": "durable_sdk.exceptions.InvokeError",
        "ErrorData": "d",
        "StackTrace": ["line"],
    }
