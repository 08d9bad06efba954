"""Members: values of the model's types, read from text (path, query, headers) and from JSON (bodies)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from pytest_durable.endpoint.wire.constraints import (
    check_constraints,
    check_required,
    item_of,
    member_of,
    refusal,
)

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
# A date and a time; what is left out of the rest of ISO 8601 no client writes.
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_BITS = {"integer": 32, "long": 64}
_BOOLEANS = {"true": True, "false": False}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def json_name(shape: Shape, name: str) -> str:
    """Return what a member is called outside, in JSON, a header or the query."""
    return str(shape.serialization.get("name", name))


def from_text(shape: Shape, text: str, where: str) -> Any:
    """Read a value from text and check it.

    Raises:
        InvalidParameterValueException: it is not of the type, or the model forbids it.
    """
    value = _FROM_TEXT[shape.type_name](shape, text, where)
    check_constraints(shape, value, where)
    return value


def from_json(shape: Shape, value: Any, where: str) -> Any:
    """Read a value from decoded JSON and check it. Members that the model lacks are left out, and nulls.

    Raises:
        InvalidParameterValueException: it is not of the type, or the model forbids it.
    """
    read = _FROM_JSON[shape.type_name](shape, value, where)
    check_constraints(shape, read, where)
    return read


def _mistyped(shape: Shape, value: object, where: str) -> Exception:
    return refusal(shape, value, where, f"Member must be of type {shape.type_name}")


def _string(shape: Shape, value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _mistyped(shape, value, where)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        # Halves of a surrogate pair; nothing could store or send them.
        raise refusal(shape, value, where, "Member must be Unicode text") from error
    return value


def _integer(shape: Shape, value: Any, where: str) -> int:
    if type(value) is not int:
        raise _mistyped(shape, value, where)
    most = 1 << (_BITS[shape.type_name] - 1)
    if not -most <= value < most:
        raise _mistyped(shape, value, where)
    return value


def _integer_text(shape: Shape, text: str, where: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _mistyped(shape, text, where)
    return _integer(shape, int(text), where)


def _float(shape: Shape, value: Any, where: str) -> float:
    if type(value) not in (int, float) or abs(value) >= 1e308:
        raise _mistyped(shape, value, where)
    return float(value)


def _boolean(shape: Shape, value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _mistyped(shape, value, where)
    return value


def _boolean_text(shape: Shape, text: str, where: str) -> bool:
    if text not in _BOOLEANS:
        raise _mistyped(shape, text, where)
    return _BOOLEANS[text]


def _blob(shape: Shape, value: Any, where: str) -> bytes:
    try:
        return base64.b64decode(_string(shape, value, where), validate=True)
    except binascii.Error as error:
        raise refusal(shape, value, where, "Member must be base64") from error


def _timestamp(shape: Shape, value: Any, where: str) -> datetime:
    seconds = _float(shape, value, where)
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise _mistyped(shape, value, where) from error


def _timestamp_text(shape: Shape, text: str, where: str) -> datetime:
    if not _TIMESTAMP.fullmatch(text):
        raise _mistyped(shape, text, where)
    try:
        moment = datetime.fromisoformat(text.upper())
        # Without an offset it is UTC, in which clients write it.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _mistyped(shape, text, where) from error


def _structure(shape: Shape, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mistyped(shape, value, where)
    members = {}
    for name, member in cast("StructureShape", shape).members.items():
        given = value.get(json_name(member, name))
        if given is not None:
            members[name] = from_json(member, given, member_of(where, name))
    check_required(shape, members, where)
    return members


def _list(shape: Shape, value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _mistyped(shape, value, where)
    item = cast("ListShape", shape).member
    return [from_json(item, each, item_of(where, index)) for index, each in enumerate(value)]


def _map(shape: Shape, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mistyped(shape, value, where)
    of = cast("MapShape", shape)
    return {
        from_json(of.key, key, f"{where}.key"): from_json(of.value, each, f"{where}.value")
        for key, each in value.items()
    }


_FROM_JSON: dict[str, Callable[[Shape, Any, str], Any]] = {
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
    "structure": _structure,
    "list": _list,
    "map": _map,
}
_FROM_TEXT: dict[str, Callable[[Shape, str, str], Any]] = {
    "string": _string,
    "integer": _integer_text,
    "long": _integer_text,
    "boolean": _boolean_text,
    "timestamp": _timestamp_text,
}
