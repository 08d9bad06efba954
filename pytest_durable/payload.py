"""Payloads: what a test gives, as the service stores it."""

from __future__ import annotations

import json
import reprlib
from typing import Any

from durable_sdk.lambda_service import ErrorObject
from pytest_durable.errors import UsageError
from pytest_durable.history.events import ErrorJson

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


def encode_input(value: Any) -> str | None:
    """Return the input as the service stores it: text that is valid JSON as it is, all else encoded.

    None is no input, for which the SDK hands ``{}`` to the handler.

    Raises:
        UsageError: the value is not JSON.
    """
    if value is None:
        return None
    if isinstance(value, str):
        try:
            json.loads(value, parse_constant=_refuse_constant)
        except ValueError:
            return json.dumps(value)
        return value
    return encode_json(value, "input")


def _refuse_constant(name: str) -> None:
    # json.loads takes NaN and Infinity, which JSON does not have.
    raise ValueError(name)


def encode_json(value: Any, what: str) -> str:
    """Return a value as JSON text; ``what`` names it in errors.

    Raises:
        UsageError: the value is not JSON.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{what} must be JSON: {error}. Got {reprlib.repr(value)}") from None


def encode_callback_text(result: Any) -> str | None:
    """Return the result of a callback as the service stores it; nothing if it is empty.

    Raises:
        UsageError: it is neither text nor bytes of UTF-8.
    """
    if isinstance(result, bytes | bytearray):
        try:
            result = bytes(result).decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"The result of a callback is text in UTF-8: {error}.") from None
    if result is not None and not isinstance(result, str):
        raise UsageError(
            f"The result of a callback is text or bytes, got {reprlib.repr(result)}. "
            "Pass any JSON value as value=."
        )
    return result or None


def encode_callback_value(value: Any) -> str | None:
    """Return what a callback succeeds with: text and bytes as they are, any other value as JSON.

    Raises:
        UsageError: the value is not JSON.
    """
    if value is None or isinstance(value, str | bytes | bytearray):
        return encode_callback_text(value)
    return encode_json(value, "The value of a callback")


_ERROR_MEMBERS = {"ErrorMessage", "ErrorType", "ErrorData", "StackTrace"}


def _is_error(error: dict[Any, Any]) -> bool:
    trace = error.get("StackTrace", [])
    texts = [text for member, text in error.items() if member != "StackTrace"]
    return (
        error.keys() <= _ERROR_MEMBERS
        and isinstance(trace, list)
        and all(isinstance(text, str) for text in [*texts, *trace])
    )


def encode_error(error: Any) -> ErrorJson:
    """Return an error in the service's JSON form; None is an empty one, text its message.

    Raises:
        UsageError: it is no error.
    """
    match error:
        case None:
            return {}
        case str():
            return {"ErrorMessage": error}
        case ErrorObject() if _is_error(error.to_dict()):
            return error.to_dict()
        case BaseException():
            return ErrorObject.from_exception(error).to_dict()
        case type() if issubclass(error, BaseException):
            return ErrorObject.from_exception(error()).to_dict()
        case dict() if _is_error(error):
            return dict(error)
        case _:
            raise UsageError(
                "An error is an exception, a message, an ErrorObject, or a dict of ErrorData, ErrorMessage, "
                f"ErrorType (texts) and StackTrace (a list of texts); got {reprlib.repr(error)}."
            )
