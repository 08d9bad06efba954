"""ErrorObject: exceptions to the stored form and back, with nothing lost that user code may rely on."""

from __future__ import annotations

import json

import pytest

from durable_sdk._wire.errors import ErrorObject, rebuild_error
from durable_sdk.exceptions import (
    CallbackSubmitterError,
    CallbackTimeoutError,
    ChildContextError,
    DurableOperationError,
    NonDeterministicExecutionError,
    SerDesError,
    StepError,
)
from durable_sdk.operation.wait_for_callback import surface

FULL = ErrorObject("boom", "ValueError", "data", ["line 1", "line 2"])


class MySerDesError(SerDesError):
    pass


def test_the_services_form_reads_back() -> None:
    assert ErrorObject.from_dict(FULL.to_dict()) == FULL


def test_members_that_are_none_are_left_out() -> None:
    assert ErrorObject(None, None, None, None).to_dict() == {}
    assert ErrorObject.from_message("boom").to_dict() == {"ErrorMessage": "boom"}
    assert ErrorObject.from_dict({}) == ErrorObject(None, None, None, None)


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (ValueError("boom"), ErrorObject("boom", "ValueError", None, None)),
        (SystemExit(3), ErrorObject("3", "SystemExit", None, None)),
        (
            json.JSONDecodeError("x", "", 0),
            ErrorObject("x: line 1 column 1 (char 0)", "json.decoder.JSONDecodeError", None, None),
        ),
        (
            StepError("boom", "ValueError", "data", ["line"]),
            ErrorObject("boom", "durable_sdk.exceptions.StepError", "data", ["line"]),
        ),
        (
            MySerDesError("boom", "ValueError", "data", ["line"]),
            ErrorObject("boom", "durable_sdk.exceptions.SerDesError", "data", ["line"]),
        ),
        (
            NonDeterministicExecutionError("boom"),
            ErrorObject("boom", "durable_sdk.exceptions.NonDeterministicExecutionError", None, None),
        ),
    ],
)
def test_an_exception_is_stored_with_its_own_type(error: BaseException, stored: ErrorObject) -> None:
    assert ErrorObject.from_exception(error) == stored


def test_a_rebuilt_error_has_the_class_of_the_operation_and_the_type_of_what_escaped() -> None:
    error = rebuild_error(FULL, StepError)
    assert type(error) is StepError
    assert (error.message, error.error_type, error.data, error.stack_trace) == (
        "boom",
        "ValueError",
        "data",
        ["line 1", "line 2"],
    )
    assert type(error.__cause__) is DurableOperationError
    assert error.__cause__.error_type == "ValueError"


@pytest.mark.parametrize(
    "name",
    [
        "durable_sdk.exceptions.StepError",
        "aws_durable_execution_sdk_python.exceptions.StepError",
        "StepError",
    ],
)
def test_the_cause_of_a_nested_error_has_the_class_that_escaped(name: str) -> None:
    error = rebuild_error(ErrorObject("boom", name, None, None), ChildContextError)
    assert type(error) is ChildContextError
    assert type(error.__cause__) is StepError
    assert error.error_type == name


def test_the_error_of_a_callback_that_passes_a_wait_for_callback_has_no_cause() -> None:
    stored = ErrorObject.from_exception(CallbackTimeoutError("Callback timed out", data="data"))
    error = rebuild_error(stored, surface)
    assert type(error) is CallbackTimeoutError
    assert (error.message, error.data, error.__cause__) == ("Callback timed out", "data", None)


def test_the_cause_of_a_failed_submitter_is_the_error_of_its_step() -> None:
    error = rebuild_error(ErrorObject.from_exception(StepError("no route")), surface)
    assert type(error) is CallbackSubmitterError
    assert type(error.__cause__) is StepError


@pytest.mark.parametrize(
    "name",
    [
        "durable_sdk.exceptions.SerDesError",
        "aws_durable_execution_sdk_python.exceptions.SerDesError",
        "SerDesError",
    ],
)
def test_a_stored_serdes_error_comes_out_as_itself(name: str) -> None:
    error = rebuild_error(ErrorObject("boom", name, "data", None), StepError)
    assert type(error) is SerDesError
    assert (error.message, error.error_type, error.data) == ("boom", name, "data")
    assert type(error.__cause__) is DurableOperationError


@pytest.mark.parametrize("stored", [None, ErrorObject.from_dict({})])
def test_a_failure_without_a_stored_error_says_so(stored: ErrorObject | None) -> None:
    error = rebuild_error(stored, StepError)
    assert str(error) == "Unknown error. No ErrorObject exists on the Checkpoint Operation."
    assert error.error_type == "durable_sdk.exceptions.StepError"
    assert error.__cause__ is None


def test_every_boundary_keeps_data_and_stack_trace() -> None:
    inner = rebuild_error(FULL, StepError)
    outer = rebuild_error(ErrorObject.from_exception(inner), ChildContextError)
    assert (outer.data, outer.stack_trace) == ("data", ["line 1", "line 2"])


@pytest.mark.parametrize(
    ("stored", "cls"),
    [("ValueError", DurableOperationError), ("durable_sdk.exceptions.StepError", StepError)],
)
def test_an_error_becomes_the_operation_error_that_it_names(
    stored: str, cls: type[DurableOperationError]
) -> None:
    error = ErrorObject("boom", stored, "data", ["line"]).to_durable_operation_error()
    assert type(error) is cls
    assert (error.message, error.error_type, error.data, error.stack_trace) == (
        "boom",
        stored,
        "data",
        ["line"],
    )


def test_an_error_is_raised_as_that_of_an_operation() -> None:
    with pytest.raises(StepError, match="boom") as caught:
        FULL.raise_as_operation_error(StepError)
    assert type(caught.value.__cause__) is DurableOperationError
    with pytest.raises(SerDesError):
        ErrorObject("boom", "durable_sdk.exceptions.SerDesError", None, None).raise_as_operation_error(
            StepError
        )
