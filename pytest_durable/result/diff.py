"""Diff: where two histories part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from pytest_durable.result.wording import counted

_CONTEXT = 2
_WIDTH = 200

# The members that say most come first: with another type of event, all details differ as well.
_MEMBERS_FIRST = ("EventType", "Name", "SubType", "ParentId", "Id")
_MEMBERS_LAST = ("EventTimestamp", "EventId")


def first_difference(left: Sequence[dict[str, Any]], right: Sequence[dict[str, Any]]) -> str | None:
    """Describe the first event in which two encoded histories differ; None if they are equal."""
    for index, (one, other) in enumerate(zip_longest(left, right)):
        if one == other:
            continue
        before = [f"    {_event(event)}" for event in left[max(0, index - _CONTEXT) : index]]
        heading = "equal before it:" if before else "it is the first event"
        return "\n".join([*_difference(index, one, other, left, right), f"  {heading}", *before])
    return None


def _difference(
    index: int,
    one: dict[str, Any] | None,
    other: dict[str, Any] | None,
    left: Sequence[object],
    right: Sequence[object],
) -> Iterator[str]:
    if one is None or other is None:
        side, length = ("left", len(left)) if one is None else ("right", len(right))
        yield f"The {side} history ends after {counted(length, 'event')}; the other goes on:"
        yield f"    {_event(one or other or {})}"
        return
    path, left_value, right_value = next(_differences(one, other, ""))
    # Events that were put into another order have no numbers.
    at = f" at event {one['EventId']}" if "EventId" in one else ""
    yield f"The histories differ{at} in {path}:"
    yield f"  left:  {_value(left_value)}"
    yield f"  right: {_value(right_value)}"
    yield f"  left event:  {_event(one)}"
    yield f"  right event: {_event(other)}"


def _differences(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the innermost members that differ, the most telling first."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in _ordered({**one, **other}):
            if one.get(key, _ABSENT) != other.get(key, _ABSENT):
                inner = f"{path}.{key}" if path else str(key)
                yield from _differences(one.get(key, _ABSENT), other.get(key, _ABSENT), inner)
    elif isinstance(one, list) and isinstance(other, list):
        for index, (a, b) in enumerate(zip_longest(one, other, fillvalue=_ABSENT)):
            if a != b:
                yield from _differences(a, b, f"{path}[{index}]")
    else:
        yield path, one, other


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


_ABSENT = _Absent()


def _ordered(members: Mapping[str, Any]) -> list[str]:
    rest = (key for key in members if key not in _MEMBERS_FIRST + _MEMBERS_LAST)
    ordered = [*_MEMBERS_FIRST, *sorted(rest), *_MEMBERS_LAST]
    return [key for key in ordered if key in members]


def _event(event: Mapping[str, Any]) -> str:
    name = event.get("Name")
    words = [str(event[member]) for member in ("EventId", "EventType") if member in event]
    if name:
        words.append(repr(name))
    elif event.get("Id"):
        words.append(f"(no name, id {str(event['Id'])[:8]})")
    return " ".join(words)


def _value(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
