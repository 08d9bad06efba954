"""The input of an execution: any JSON value, or text that already is JSON."""

from __future__ import annotations

import json
import reprlib
from typing import Any

from pytest_durable.errors import UsageError

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
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"input must be JSON, since that is what Lambda hands to a handler: {error}. "
            f"Got {reprlib.repr(value)}"
        ) from error


def _refuse_constant(name: str) -> None:
    # json.loads takes NaN and Infinity, which JSON does not have.
    raise ValueError(name)
