"""Exceptions: who may swallow what, which service errors are final, and names of stored types."""

from __future__ import annotations

from typing import Any

import durable_sdk_fakes as fakes
import pytest

from durable_sdk import exceptions
from durable_sdk.exceptions import (
    BackgroundThreadError,
    BotoClientError,
    CheckpointError,
    ChildContextError,
    DurableExecutionsError,
    DurableOperationError,
    ExecutionError,
    GetExecutionStateError,
    InvocationError,
    OrphanedChildException,
    RetryableSerDesError,
    SerDesError,
    StepError,
    StepInterruptedError,
    SuspendExecution,
    TerminationReason,
    TimedSuspendExecution,
    operation_error_class,
    qualified_name,
    register_operation_error,
)


class Outer:
    class InnerError(Exception):
        pass


@pytest.mark.parametrize(
    "control",
    [SuspendExecution, TimedSuspendExecution, BackgroundThreadError, OrphanedChildException],
)
def test_a_handler_cannot_swallow_control_flow(control: type[BaseException]) -> None:
    assert not issubclass(control, Exception)


def test_every_ordinary_error_has_the_common_base() -> None:
    ordinary = [
        cls
        for cls in vars(exceptions).values()
        if isinstance(cls, type) and issubclass(cls, Exception) and cls.__module__ == exceptions.__name__
    ]
    assert len(ordinary) > 10
    assert all(issubclass(cls, DurableExecutionsError) for cls in ordinary)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ExecutionError("x"), TerminationReason.EXECUTION_ERROR),
        (InvocationError("x"), TerminationReason.INVOCATION_ERROR),
        (CheckpointError("x"), TerminationReason.CHECKPOINT_FAILED),
        (GetExecutionStateError("x"), TerminationReason.INVOCATION_ERROR),
        (StepInterruptedError("x"), TerminationReason.STEP_INTERRUPTED),
        (RetryableSerDesError("x"), TerminationReason.SERIALIZATION_ERROR),
    ],
)
def test_an_unrecoverable_error_tells_its_reason(error: Any, reason: TerminationReason) -> None:
    assert error.termination_reason is reason
    assert str(error) == "x"


@pytest.mark.parametrize(
    ("code", "status", "message", "retryable"),
    [
        ("KMSAccessDeniedException", 400, "", False),
        ("KMSDisabledException", 400, "", False),
        ("KMSInvalidStateException", 502, "", False),
        ("KMSNotFoundException", 500, "", False),
        ("ValidationException", 400, "", False),
        ("AccessDeniedException", 403, "", False),
        ("ResourceNotFoundException", 404, "", False),
        ("Unknown", 499, "", False),
        ("TooManyRequestsException", 429, "", True),
        ("InvalidParameterValueException", 400, "Invalid checkpoint token", True),
        ("InvalidParameterValueException", 400, "Invalid checkpoint token: it is stale", True),
        ("InvalidParameterValueException", 400, "Invalid Checkpoint Token", False),
        ("InvalidParameterValueException", 400, "An Invalid checkpoint token", False),
        ("InvalidParameterValueException", 400, "", False),
        ("ValidationException", 400, "Invalid checkpoint token", False),
        ("ServiceException", 500, "", True),
        ("ServiceUnavailable", 503, "", True),
        ("Odd", 302, "", True),
    ],
)
@pytest.mark.parametrize("kind", [CheckpointError, GetExecutionStateError])
def test_only_a_definite_client_error_is_final(
    kind: type[BotoClientError], code: str, status: int, message: str, retryable: bool
) -> None:
    error = kind.from_exception(fakes.ServiceError(code, status, message))
    assert type(error) is kind
    assert error.is_retryable() is retryable
    assert error.error == {"Code": code, "Message": message}
    assert error.response_metadata == {"HTTPStatusCode": status}


@pytest.mark.parametrize(
    ("error", "metadata"),
    [(None, None), (None, {"HTTPStatusCode": 400}), ({}, {"HTTPStatusCode": 400}), ({"Code": "X"}, None)],
)
def test_an_error_without_a_full_answer_is_worth_another_invocation(error: Any, metadata: Any) -> None:
    lost = ConnectionError("lost")
    lost.response = {"Error": error, "ResponseMetadata": metadata}  # type: ignore[attr-defined]
    assert BotoClientError.from_exception(lost).is_retryable()


def test_an_error_of_the_network_keeps_its_message() -> None:
    error = CheckpointError.from_exception(ConnectionError("reset by peer"))
    assert (str(error), error.error, error.response_metadata) == ("reset by peer", None, None)
    assert error.is_retryable()


def test_a_stored_type_is_qualified_unless_it_is_a_builtin() -> None:
    assert qualified_name(ValueError) == "ValueError"
    assert qualified_name(StepError) == "durable_sdk.exceptions.StepError"
    assert qualified_name(Outer.InnerError) == f"{__name__}.Outer.InnerError"


@pytest.mark.parametrize("cls", [StepError, ChildContextError])
@pytest.mark.parametrize(
    "prefix", ["durable_sdk.exceptions.", "aws_durable_execution_sdk_python.exceptions.", ""]
)
def test_stored_names_of_this_sdk_and_of_both_generations_of_awss_are_known(
    cls: type[DurableOperationError], prefix: str
) -> None:
    assert operation_error_class(prefix + cls.__name__) is cls


@pytest.mark.parametrize("stored", [None, "", "ValueError", "__main__.StepError"])
def test_any_other_stored_name_stands_for_the_base_class(stored: str | None) -> None:
    assert operation_error_class(stored) is DurableOperationError


def test_a_registered_class_is_known() -> None:
    class ShippingError(DurableOperationError):
        pass

    register_operation_error(ShippingError)
    assert operation_error_class(qualified_name(ShippingError)) is ShippingError


@pytest.mark.parametrize("cls", [SerDesError, DurableOperationError, StepError])
def test_an_error_of_an_operation_names_its_own_class_unless_told_otherwise(cls: Any) -> None:
    assert cls("boom").error_type == f"durable_sdk.exceptions.{cls.__name__}"
    error = cls("boom", "ValueError", "data", ["line"])
    assert (error.message, error.error_type, error.data, error.stack_trace) == (
        "boom",
        "ValueError",
        "data",
        ["line"],
    )
    assert str(error) == "boom"
    assert str(cls()) == ""
