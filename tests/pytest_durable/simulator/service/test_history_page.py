"""A history comes in pages, forwards or backwards, every event once, with its data or without."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.codec import events_to_json
from pytest_durable.history.events import Attempt, Event, EventType, Subject
from pytest_durable.history.log import EventLog
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.history_page import history_page
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.requests import HistoryRequest


def log_of(count: int) -> EventLog:
    """Return a log whose history shows ``count`` events, with others between them."""
    log = EventLog()
    for number in range(count):
        subject = Subject(f"s{number // 2}", OperationType.STEP)
        if number % 2:
            log.append(Event(EventType.STEP_FAILED, number, subject, Attempt(1, None, {"ErrorType": "E"}, 1)))
            log.append(Event(EventType.STEP_READY, number, subject))
        else:
            log.append(Event(EventType.STEP_STARTED, number, subject))
    return log


def pages_of(log: EventLog, limits: Limits | None = None, **request: Any) -> list[list[dict[str, Any]]]:
    pages, marker = [], ""
    while marker or not pages:
        page = history_page(log, HistoryRequest("arn", marker, **request), limits or Limits())
        pages.append(page["Events"])
        marker = page.get("NextMarker", "")
        assert len(pages) <= 1000
    return pages


@given(count=st.integers(0, 40), max_items=st.integers(0, 45), reverse=st.booleans(), most=st.integers(1, 45))
def test_pages_hold_every_event_once_in_order(count: int, max_items: int, reverse: bool, most: int) -> None:
    log = log_of(count)
    limits = Limits(history_page_items=7, history_page_items_max=most)
    pages = pages_of(log, limits, max_items=max_items, reverse_order=reverse, include_execution_data=True)
    whole = events_to_json(log)
    assert [event for page in pages for event in page] == (whole[::-1] if reverse else whole)
    size = min(max_items or 7, most)
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    # Only the one page of an empty history is empty.
    assert all(pages) or len(pages) == 1


def test_a_page_has_a_hundred_events_unless_the_request_says_otherwise() -> None:
    log = log_of(2500)
    assert [len(page) for page in pages_of(log)] == [100] * 25
    assert [len(page) for page in pages_of(log, max_items=1000)] == [1000, 1000, 500]


def test_payloads_come_only_when_asked_for() -> None:
    log = log_of(2)
    (bare,), (whole,) = pages_of(log), pages_of(log, include_execution_data=True)
    assert bare[1]["StepFailedDetails"]["Error"] == {"Truncated": True}
    assert whole[1]["StepFailedDetails"]["Error"] == {"Payload": {"ErrorType": "E"}, "Truncated": False}
    assert bare[1]["StepFailedDetails"]["RetryDetails"] == whole[1]["StepFailedDetails"]["RetryDetails"]


def test_a_log_that_grows_between_two_pages_repeats_and_skips_nothing() -> None:
    log = log_of(4)
    first = history_page(log, HistoryRequest("arn", max_items=3), Limits())
    back = history_page(log, HistoryRequest("arn", max_items=3, reverse_order=True), Limits())
    log.append(Event(EventType.STEP_STARTED, 9, Subject("new", OperationType.STEP)))
    rest = history_page(log, HistoryRequest("arn", first["NextMarker"]), Limits())
    assert [event["EventId"] for event in rest["Events"]] == [4, 5]
    rest = history_page(log, HistoryRequest("arn", back["NextMarker"], reverse_order=True), Limits())
    assert [event["EventId"] for event in rest["Events"]] == [1]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("marker", ["0", "5", "-1", "x", "1.0", "²", "9" * 5000, " "])
def test_an_unknown_marker_is_refused(marker: str, reverse: bool) -> None:
    with pytest.raises(InvalidParameterValueException, match="Invalid marker"):
        history_page(log_of(4), HistoryRequest("arn", marker, reverse_order=reverse), Limits())
    with pytest.raises(InvalidParameterValueException, match="Invalid marker"):
        history_page(EventLog(), HistoryRequest("arn", marker, reverse_order=reverse), Limits())


def test_a_page_costs_the_same_wherever_it_is() -> None:
    """Each event is looked at once to number it, whatever the number of pages."""
    log = log_of(3000)
    looked_at = 0

    class Counting(list[Event]):
        def __getitem__(self, index: Any) -> Any:
            nonlocal looked_at
            looked_at += 1
            return super().__getitem__(index)

    log._events = Counting(log._events)
    assert sum(map(len, pages_of(log, max_items=10))) == 3000
    assert looked_at == len(log)
