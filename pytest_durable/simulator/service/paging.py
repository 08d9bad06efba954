"""Paging: operations in pages that respect the limits of number and size."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.records import ExecutionRecord


class Marker(StrEnum):
    """What a marker pages through; a number after it says where the page begins."""

    STATE = "state"
    """All operations."""

    ANSWER = "answer"
    """What the last answer to a checkpoint had to tell."""


_KINDS = {member.value: member for member in Marker}


def state_page(record: ExecutionRecord, marker: str, max_items: int = 0) -> dict[str, Any]:
    """Return the page at ``marker`` in the service's JSON; a bare `Marker` is its first page.

    ``max_items`` of 0 stands for the service's maximum. A page holds one operation at least.

    Raises:
        InvalidParameterValueException: there is no such marker.
    """
    limits = record.limits
    kind, first = _parse(marker or Marker.STATE)
    ids = list(record.log.operations) if kind is Marker.STATE else list(record.answered)
    if first > len(ids):
        raise _unknown(marker)
    last = min(len(ids), first + min(max_items or limits.state_page_items, limits.state_page_items))
    operations = record.encoded(ids[first:last], limits.state_page_bytes)
    following = first + len(operations)
    if following < len(ids):
        return {"Operations": operations, "NextMarker": f"{kind.value}-{following}"}
    return {"Operations": operations}


def _parse(marker: str) -> tuple[Marker, int]:
    kind, _, position = marker.partition("-")
    known = _KINDS.get(kind)
    if known is None or (position and not position.isdecimal()):
        raise _unknown(marker)
    return known, int(position or 0)


def _unknown(marker: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"Invalid marker {marker!r}.")
