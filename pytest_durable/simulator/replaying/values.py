"""Values as text, to compare what an operation is given in two runs.

Only plain data has a text: what JSON knows, tuples, sets, dates, numbers, UUIDs, dataclasses. Of anything
else only the class is told, since its repr may hold an address or read what changes.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
import zlib
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

# Beyond these a value is cut: two values that differ only there count as equal.
MAX_PARTS = 200
_DEEPEST = 12
_SHOWN_CHARACTERS = 120

_ATOMS: dict[type, Callable[[Any], str]] = {
    int: repr,
    float: repr,
    bool: repr,
    type(None): repr,
    complex: repr,
}
_MUTABLE = (list, dict, set, bytearray)


def is_mutable(value: object) -> bool:
    """Return whether a value may have another text later."""
    return isinstance(value, _MUTABLE) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def is_plain(value: object) -> bool:
    """Return whether the value itself, whatever is inside, has a text of its own."""
    return (
        type(value) in _ATOMS
        or type(value) in (str, list, dict, tuple)
        or isinstance(
            value,
            str
            | int
            | float
            | complex
            | bytes
            | bytearray
            | list
            | tuple
            | dict
            | set
            | frozenset
            | datetime.date
            | datetime.time
            | datetime.timedelta
            | Decimal
            | Fraction
            | uuid.UUID
            | Enum
            | PurePath,
        )
        or value is None
        or (dataclasses.is_dataclass(value) and not isinstance(value, type))
    )


def value_text(value: object) -> str:
    """Return the text of a value; equal texts are as good as equal values."""
    try:
        return _Writer().write(value)
    except Exception:
        # Code of the value's own class has raised, which is nobody's business here.
        return f"<{type(value).__qualname__}>"


class _Writer:
    """Counts parts, so that a large value costs no more than a small one."""

    def __init__(self) -> None:
        self._left = MAX_PARTS
        self._depth = 0

    def write(self, value: object) -> str:
        self._left -= 1
        if self._left < 0:
            return "..."
        atom = _ATOMS.get(type(value))
        if atom is not None:
            return atom(value)
        if isinstance(value, Enum):
            return f"{type(value).__name__}.{value.name}"
        if isinstance(value, str):
            return _long(str.__repr__(value), len(value), value.encode(errors="replace"))
        if isinstance(value, bytes | bytearray):
            return _long(repr(bytes(value)), len(value), bytes(value))
        if self._depth >= _DEEPEST:
            return "..."
        self._depth += 1
        text = self._write_structure(value)
        self._depth -= 1
        return text

    def _write_structure(self, value: object) -> str:
        match value:
            case list():
                return f"[{self._all(value)}]"
            case tuple():
                name = "" if type(value) is tuple else type(value).__name__
                return f"{name}({self._all(value)}{',' if len(value) == 1 else ''})"
            case dict():
                return "{" + ", ".join(self._item(*item) for item in value.items()) + "}"
            case set() | frozenset():
                # The order of a set is no part of its value.
                texts = sorted(value_text(each) for each in value)
                self._left -= len(texts)
                return "{" + ", ".join(texts) + "}" if texts else "set()"
            case datetime.datetime():
                return f"datetime({value.isoformat()})"
            case datetime.date():
                return f"date({value.isoformat()})"
            case datetime.time():
                return f"time({value.isoformat()})"
            case datetime.timedelta():
                return f"timedelta({value.total_seconds()})"
            case Decimal() | Fraction() | uuid.UUID() | PurePath():
                return f"{type(value).__name__}({str(value)!r})"
            case int() | float():
                return f"{type(value).__name__}({value!r:.40})"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._write_dataclass(value)
        return f"<{type(value).__qualname__}>"

    def _write_dataclass(self, value: Any) -> str:
        fields = [
            f"{field.name}={self.write(getattr(value, field.name, None))}"
            for field in dataclasses.fields(value)
            if field.compare
            if self._left > 0
        ]
        return f"{type(value).__name__}({', '.join(fields)})"

    def _item(self, key: object, value: object) -> str:
        return f"{self.write(key)}: {self.write(value)}" if self._left > 0 else "..."

    def _all(self, values: list[Any] | tuple[Any, ...]) -> str:
        return ", ".join(self.write(value) for value in values[: MAX_PARTS + 1])


def _long(text: str, length: int, data: bytes) -> str:
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"{text[:_SHOWN_CHARACTERS]}...({length}, {zlib.crc32(data):x})"
