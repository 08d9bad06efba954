"""Checkpoint tokens: each answer brings the only token that the next request may carry."""

from __future__ import annotations

import base64

from pytest_durable.simulator.service.errors import InvalidParameterValueException

INVALID_TOKEN = "Invalid checkpoint token"


def make_token(execution_id: str, invocation: int, sequence: int) -> str:
    """Return the token number ``sequence`` of an invocation: base64 text, as the API's model demands."""
    return base64.b64encode(f"{execution_id}:{invocation}:{sequence}".encode()).decode()


def check_token(token: str, current: str | None) -> None:
    """Refuse a token that is not the current one.

    Raises:
        InvalidParameterValueException: it is stale, revoked or made up.
    """
    if token != current:
        raise InvalidParameterValueException(INVALID_TOKEN)
