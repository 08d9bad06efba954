"""Values in messages, without memory addresses: messages are recorded, and equal runs record the same."""

from __future__ import annotations

from durable_sdk.exceptions import qualified_name

_PLAIN = (str, bytes, int, float, type(None))


def shown(value: object) -> str:
    """Write a value as Python does if that is always the same text, at most 100 characters; else its type."""
    if isinstance(value, _PLAIN):
        return f"{value!r:.100}"
    return f"an object of type {qualified_name(type(value))}"
