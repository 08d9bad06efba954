"""HistoryPage: the events of an execution in pages, forwards or backwards."""

from __future__ import annotations

from typing import Any

from pytest_durable.history.codec import event_to_json
from pytest_durable.history.log import EventLog
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.requests import HistoryRequest


def history_page(log: EventLog, request: HistoryRequest, limits: Limits) -> dict[str, Any]:
    """Return the page at the request's marker, which is the id of the event with which it begins.

    A log that grows between two pages is no harm: the ids of events never change.

    Raises:
        InvalidParameterValueException: there is no such marker.
    """
    shown = log.shown
    count = len(shown)
    size = min(request.max_items or limits.history_page_items, limits.history_page_items_max)
    if request.reverse_order:
        first = _event_id(request.marker, count, count)
        last = max(first - size, 0)
        ids, following = range(first, last, -1), last
    else:
        first = _event_id(request.marker, 1, count)
        last = min(first + size, count + 1)
        ids, following = range(first, last), 0 if last > count else last
    with_data = request.include_execution_data
    page: dict[str, Any] = {
        "Events": [event_to_json(event_id, shown[event_id - 1], with_data=with_data) for event_id in ids]
    }
    if following:
        page["NextMarker"] = str(following)
    return page


def _event_id(marker: str, default: int, count: int) -> int:
    if not marker:
        return default
    if not (marker.isascii() and marker.isdecimal() and 1 <= int(marker[:20]) <= count):
        raise InvalidParameterValueException(f"Invalid marker {marker!r:.100}.")
    return int(marker)
