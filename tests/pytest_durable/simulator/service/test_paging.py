"""Pages hold every operation once, in order of creation, within the limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import Attempt, Event, EventType, Subject
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.paging import Marker, state_page
from pytest_durable.simulator.service.records import ExecutionRecord


def record_of(payloads: list[str], limits: Limits) -> ExecutionRecord:
    record = ExecutionRecord("arn", Subject("e", OperationType.EXECUTION), 60, limits)
    for number, payload in enumerate(payloads):
        subject = Subject(str(number), OperationType.STEP)
        record.commit(Event(EventType.STEP_SUCCEEDED, 0, subject, Attempt(1, payload)))
    return record


def pages_of(record: ExecutionRecord, kind: Marker, max_items: int = 0) -> list[list[dict[str, Any]]]:
    pages, marker = [], kind.value
    while marker:
        page = state_page(record, marker, max_items)
        pages.append(page["Operations"])
        marker = page.get("NextMarker", "")
        assert len(pages) <= 1000
    return pages


@given(
    payloads=st.lists(st.text(max_size=50), max_size=30),
    items=st.integers(1, 40),
    size_bytes=st.integers(1, 5000),
    max_items=st.integers(0, 40),
)
def test_pages_hold_every_operation_once(
    payloads: list[str], items: int, size_bytes: int, max_items: int
) -> None:
    record = record_of(payloads, Limits(state_page_items=items, state_page_bytes=size_bytes))
    pages = pages_of(record, Marker.STATE, max_items)
    found = [operation["Id"] for page in pages for operation in page]
    assert found == [str(number) for number in range(len(payloads))]
    for page in pages:
        assert len(page) <= min(items, max_items or items)
        assert (
            len(page) == 1 or sum(len(json.dumps(operation)) for operation in page) <= size_bytes or not page
        )
    # Only the one page of an empty state is empty.
    assert all(pages) or len(pages) == 1


def test_an_operation_too_large_for_any_page_has_one_of_its_own() -> None:
    record = record_of(["x", "y" * 500, "z"], Limits(state_page_bytes=10))
    assert [len(page) for page in pages_of(record, Marker.STATE)] == [1, 1, 1]


def test_an_answer_pages_through_what_it_had_to_tell_only() -> None:
    record = record_of(["a", "b", "c"], Limits(state_page_items=1))
    record.untold.pop("1")
    record.begin_answer()
    ids = [operation["Id"] for page in pages_of(record, Marker.ANSWER) for operation in page]
    assert ids == ["0", "2"]


@pytest.mark.parametrize("marker", ["nowhere", "state-x", "state--1", "state-4", "answer-1", "state-²"])
def test_an_unknown_marker_is_refused(marker: str) -> None:
    with pytest.raises(InvalidParameterValueException, match="Invalid marker"):
        state_page(record_of(["a", "b", "c"], Limits()), marker)


def test_the_end_of_the_state_is_an_empty_page() -> None:
    assert state_page(record_of(["a"], Limits()), "state-1") == {"Operations": []}
