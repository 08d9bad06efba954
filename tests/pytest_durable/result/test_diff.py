"""The first difference of two histories is told so that the cause can be guessed."""

from __future__ import annotations

from copy import deepcopy
from textwrap import dedent
from typing import Any

import pytest

from pytest_durable.result.diff import first_difference


@pytest.fixture
def left(order: Any) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = order.result().history
    return history


@pytest.fixture
def right(left: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return deepcopy(left)


def test_equal_histories_do_not_differ(left: Any, right: Any) -> None:
    assert first_difference(left, right) is None
    assert first_difference([], []) is None


def test_a_difference_names_event_member_and_both_values(left: Any, right: Any) -> None:
    right[2]["StepSucceededDetails"]["Result"]["Payload"] = '"r-2"'
    right[5]["EventType"] = "later differences do not matter"
    assert first_difference(left, right) == dedent(
        """\
        The histories differ at event 3 in StepSucceededDetails.Result.Payload:
          left:  '"r-1"'
          right: '"r-2"'
          left event:  3 StepSucceeded 'reserve'
          right event: 3 StepSucceeded 'reserve'
          equal before it:
            1 ExecutionStarted 'order-1'
            2 StepStarted 'reserve'"""
    )


def test_the_type_of_event_is_told_before_its_details(left: Any, right: Any) -> None:
    del right[1]
    text = first_difference(left, right) or ""
    assert "at event 2 in EventType:" in text
    assert "right: 'StepSucceeded'" in text


def test_a_name_is_told_before_an_id(left: Any, right: Any) -> None:
    right[1] |= {"Name": "resrve", "Id": "other"}
    assert "in Name:" in (first_difference(left, right) or "")


def test_a_member_that_only_one_has_is_absent_in_the_other(left: Any, right: Any) -> None:
    del right[1]["SubType"]
    text = first_difference(left, right) or ""
    assert "in SubType:\n  left:  'Step'\n  right: (absent)" in text


def test_times_are_written_as_iso_text(left: Any, right: Any) -> None:
    right[0]["EventTimestamp"] = right[-1]["EventTimestamp"]
    text = first_difference(left, right) or ""
    assert "left:  2026-01-01T00:00:00+00:00" in text
    assert "it is the first event" in text


def test_a_history_that_ends_early_is_told_with_what_it_lacks(left: Any, right: Any) -> None:
    shorter = right[:2]
    text = first_difference(left, shorter) or ""
    assert text.startswith("The right history ends after 2 events; the other goes on:")
    assert "3 StepSucceeded 'reserve'" in text
    assert "1 ExecutionStarted 'order-1'" in text
    assert (first_difference(shorter, left) or "").startswith("The left history ends after 2")


def test_lists_differ_at_an_index() -> None:
    one = [{"EventType": "E", "EDetails": {"StackTrace": ["a", "b"]}}]
    other = [{"EventType": "E", "EDetails": {"StackTrace": ["a"]}}]
    assert "in EDetails.StackTrace[1]:" in (first_difference(one, other) or "")
