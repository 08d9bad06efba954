"""What the runtime of Lambda, which calls a handler, itself reports as the error of a function."""

from __future__ import annotations


def marshal_error(error: Exception) -> dict[str, str]:
    """Return what is reported of a result that is no JSON."""
    return {"ErrorType": "Runtime.MarshalError", "ErrorMessage": f"Unable to marshal response: {error}"}


def unmarshal_error(error: Exception) -> dict[str, str]:
    """Return what is reported of an input that is no JSON."""
    return {"ErrorType": "Runtime.UnmarshalError", "ErrorMessage": f"Unable to unmarshal input: {error}"}
