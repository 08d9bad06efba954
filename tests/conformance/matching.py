"""Comparison of the events and log records of an execution with what a requirement expects of them.

An expected event is compared with the event of its EventId, and only in the members that it lists; each of
them must be there, even where any value will do. Names that an expectation binds must stand for one value
over all events and log records of an execution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class _Marker:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ANY = _Marker("ANY")
"""Matches every value. An empty mapping as expected value does so, too."""

ABSENT = _Marker("ABSENT")
"""As the value of a member: it must not be there."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A name that is bound to a value where it first occurs, and must be equal wherever else."""

    name: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that is searched for in the text of the value."""

    regex: str


@dataclass(frozen=True, slots=True)
class Logged:
    """How many log records match.

    ``count`` is exact and ``min_count`` a lower limit; one of them is given. Each record that matches must
    come after one that matches, for each mapping of ``after``.
    """

    match: Mapping[str, Any]
    count: int | None = None
    min_count: int | None = None
    after: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        if (self.count is None) == (self.min_count is None):
            raise ValueError("Logged takes either count or min_count.")


class Matcher:
    """Compares one execution. It remembers what the names are bound to."""

    def __init__(self) -> None:
        self.bindings: dict[str, Any] = {}

    def differences(self, expected: Any, actual: Any, where: str) -> list[str]:
        """Return in words what is not as expected; nothing if all is."""
        if expected is ANY or expected == {}:
            return []
        match expected:
            case Bound(name):
                value = self.bindings.setdefault(name, actual)
                if value == actual and type(value) is type(actual):
                    return []
                return [f"{where}: {name} is {value!r} elsewhere, but here {actual!r}"]
            case Pattern(regex):
                if re.search(regex, str(actual)) is not None:
                    return []
                return [f"{where}: /{regex}/ is not found in {actual!r}"]
            case Mapping():
                return self._mapping_differences(expected, actual, where)
            case Sequence() if not isinstance(expected, str):
                return self._list_differences(expected, actual, where)
            case _ if expected == actual and isinstance(expected, bool) == isinstance(actual, bool):
                return []
        return [f"{where}: expected {expected!r}, got {actual!r}"]

    def _mapping_differences(self, expected: Mapping[str, Any], actual: Any, where: str) -> list[str]:
        if not isinstance(actual, Mapping):
            return [f"{where}: expected a mapping, got {actual!r}"]
        found = []
        for key, value in expected.items():
            if value is ABSENT:
                if key in actual:
                    found.append(f"{where}.{key}: must not be there, but is {actual[key]!r}")
            elif key not in actual:
                found.append(f"{where}.{key}: is missing")
            else:
                found += self.differences(value, actual[key], f"{where}.{key}")
        return found

    def _list_differences(self, expected: Sequence[Any], actual: Any, where: str) -> list[str]:
        if not isinstance(actual, list):
            return [f"{where}: expected a list, got {actual!r}"]
        if len(actual) != len(expected):
            return [f"{where}: expected {len(expected)} elements, got {len(actual)}: {actual!r}"]
        found = []
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            found += self.differences(one, other, f"{where}[{index}]")
        return found

    def event_differences(
        self, expected: Mapping[int, Mapping[str, Any]], events: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Compare events, each with the expected one of its EventId; events beyond those are ignored."""
        by_id = {event["EventId"]: event for event in events}
        found = []
        for event_id, event in expected.items():
            if event_id not in by_id:
                found.append(f"event {event_id}: is missing, expected {event['EventType']}")
                continue
            actual = by_id[event_id]
            if actual["EventType"] != event["EventType"]:
                # The rest would only repeat that these are two different events.
                found.append(f"event {event_id}: expected {event['EventType']}, got {actual['EventType']}")
                continue
            found += self.differences(event, actual, f"event {event_id} ({event['EventType']})")
        return found

    def log_differences(self, expected: Sequence[Logged], records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Compare log records with the expected counts and order.

        Names must have been bound by the events: which record matches would otherwise depend on the order.
        """
        found = []
        for each in expected:
            for mapping in (each.match, *each.after):
                unbound = _names(mapping) - self.bindings.keys()
                if unbound:
                    raise ValueError(f"No event binds {', '.join(sorted(unbound))} of the log {mapping!r}.")
            places = self._places(each.match, records)
            if each.count is not None and len(places) != each.count:
                found.append(f"log {each.match!r}: expected {each.count} times, got {len(places)}")
            if each.min_count is not None and len(places) < each.min_count:
                found.append(f"log {each.match!r}: expected at least {each.min_count}, got {len(places)}")
            for earlier in each.after:
                first = min(self._places(earlier, records), default=len(records))
                found += [
                    f"log {each.match!r}: record {place} does not come after {earlier!r}"
                    for place in places
                    if place <= first
                ]
        return found

    def _places(self, expected: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[int]:
        return [
            place for place, record in enumerate(records) if not self.differences(expected, record, "record")
        ]


def _names(expected: Any) -> set[str]:
    match expected:
        case Bound(name):
            return {name}
        case Mapping():
            return set().union(*map(_names, expected.values()))
        case list() | tuple():
            return set().union(*map(_names, expected))
    return set()
