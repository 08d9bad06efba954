"""The errors of AWS's testing package: tree, HTTP status, response bodies."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from pytest_durable import errors, exceptions
from pytest_durable.exceptions import (
    AwsApiException,
    CallbackTimeoutException,
    DurableFunctionsLocalRunnerError,
    DurableFunctionsTestError,
    ExecutionAlreadyStartedException,
    ExecutionConflictException,
    IllegalArgumentException,
    IllegalStateException,
    InvalidInvocationOutputError,
    InvalidParameterValueException,
    ResourceNotFoundException,
    RuntimeException,
    ServiceException,
    TooManyRequestsException,
    UnknownRouteError,
)

INVALID = {"Type": "InvalidParameterValueException", "message": "m"}


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (InvalidParameterValueException("m"), 400, INVALID),
        (IllegalArgumentException("m"), 400, INVALID),
        (ResourceNotFoundException("m"), 404, {"Type": "ResourceNotFoundException", "Message": "m"}),
        (CallbackTimeoutException("m"), 408, {"Type": "CallbackTimeoutException", "message": "m"}),
        (ExecutionConflictException("m"), 409, {"Type": "ExecutionConflictException", "message": "m"}),
        (ExecutionAlreadyStartedException("m", "arn"), 409, {"message": "m", "DurableExecutionArn": "arn"}),
        (TooManyRequestsException("m"), 429, {"Type": "TooManyRequestsException", "message": "m"}),
        (ServiceException("m"), 500, {"Type": "ServiceException", "Message": "m"}),
        (IllegalStateException("m"), 500, {"Type": "ServiceException", "Message": "m"}),
        (RuntimeException("m"), 500, {"Type": "ServiceException", "Message": "m"}),
    ],
)
def test_an_api_error_has_its_status_and_body(
    error: AwsApiException, status: int, body: dict[str, Any]
) -> None:
    assert (error.http_status_code, error.to_dict(), str(error)) == (status, body, "m")
    assert isinstance(error, DurableFunctionsLocalRunnerError)


def test_the_base_of_api_errors_has_no_body() -> None:
    with pytest.raises(NotImplementedError, match="AwsApiException has no response body"):
        AwsApiException("m").to_dict()


def test_what_else_errors_carry() -> None:
    assert str(UnknownRouteError("GET", "/x")) == "Unknown path pattern: GET /x"
    assert InvalidInvocationOutputError("m", "r-1").request_id == "r-1"


def test_whoever_catches_awss_base_catches_ours() -> None:
    members = vars(errors).values()
    ours = [value for value in members if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(cls, DurableFunctionsTestError) for cls in ours)
    assert len(ours) > 8


def test_every_error_of_the_module_is_in_the_tree_of_its_docstring() -> None:
    public = [name for name in vars(exceptions) if name.endswith(("Error", "Exception"))]
    assert [name for name in public if name not in (exceptions.__doc__ or "")] == []


@pytest.mark.parametrize(
    "module", ["pytest_durable.errors", "pytest_durable.exceptions", "durable_sdk.exceptions"]
)
def test_the_tree_of_errors_names_every_one_below_its_base(module: str) -> None:
    found = importlib.import_module(module)
    tree = inspect.getdoc(found) or ""
    classes = {
        name: error
        for name, error in vars(found).items()
        if inspect.isclass(error) and issubclass(error, BaseException) and not name.startswith("_")
    }
    indents = {line.split()[0]: len(line) - len(line.lstrip()) for line in tree.splitlines() if line.strip()}
    assert [name for name in classes if name not in indents] == []
    for name, error in classes.items():
        bases = [base.__name__ for base in error.__mro__[1:] if base.__name__ in indents]
        if bases:
            assert indents[name] > indents[bases[0]], f"{name} is not below {bases[0]}"
