"""Constraints: what the model demands of a value beyond its type, and the service's words where it fails."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_durable.service_errors import InvalidParameterValueException

if TYPE_CHECKING:
    from botocore.model import Shape

# Longer values are cut in messages.
_SHOWN_CHARACTERS = 200


def refusal(shape: Shape, value: object, where: str, constraint: str) -> InvalidParameterValueException:
    """Return the error for a value that does not satisfy a constraint, in the service's words."""
    shown = "Value"
    if value is None:
        shown = "Value null"
    elif not shape.metadata.get("sensitive"):
        # What cannot be written as UTF-8 could not be answered either.
        text = str(value)[:_SHOWN_CHARACTERS].encode("utf-8", "backslashreplace").decode()
        shown = f"Value '{text}'"
    return InvalidParameterValueException(
        f"1 validation error detected: {shown} at '{where}' failed to satisfy constraint: {constraint}"
    )


def member_of(where: str, name: str) -> str:
    """Return the place of a member, which the service writes with a small first letter."""
    name = name[:1].lower() + name[1:]
    return f"{where}.{name}" if where else name


def item_of(where: str, index: int) -> str:
    """Return the place of an item of a list."""
    return f"{where}.{index + 1}.member"


def check_required(shape: Shape, members: dict[str, Any], where: str) -> None:
    """Refuse a structure that lacks a required member.

    Raises:
        InvalidParameterValueException: it lacks one.
    """
    for name in shape.metadata.get("required", ()):
        if name not in members:
            raise refusal(shape, None, member_of(where, name), "Member must not be null")


def check_constraints(shape: Shape, value: Any, where: str) -> None:
    """Refuse a value of the right type that is too short, long, small or large, or has a wrong form.

    Raises:
        InvalidParameterValueException: it is.
    """
    metadata = shape.metadata
    least, most = metadata.get("min"), metadata.get("max")
    if least is not None or most is not None:
        # Lengths first: patterns are tried on nothing of more than moderate length.
        what, size = ("length", len(value)) if hasattr(value, "__len__") else ("value", value)
        if most is not None and size > most:
            raise refusal(shape, value, where, f"Member must have {what} less than or equal to {most}")
        if least is not None and size < least:
            raise refusal(shape, value, where, f"Member must have {what} greater than or equal to {least}")
    if not isinstance(value, str):
        return
    allowed = metadata.get("enum")
    if allowed and value not in allowed:
        raise refusal(shape, value, where, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    pattern = metadata.get("pattern")
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        raise refusal(shape, value, where, f"Member must satisfy regular expression pattern: {pattern}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)
