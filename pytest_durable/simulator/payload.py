"""The input of an execution: any JSON value, or text that already is JSON."""

from __future__ import annotations

import json
from typing import Any

from pytest_durable.errors import UsageError


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
            json.loads(value)
        except ValueError:
            return json.dumps(value)
        return value
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"input must be JSON, since that is what Lambda hands to a handler: {error}. Got {value!r:.200}"
        ) from error
