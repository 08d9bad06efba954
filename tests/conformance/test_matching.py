"""The comparison of what is expected with what is there finds every difference, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.matching import ABSENT, ANY, Bound, Logged, Matcher, Pattern


def differences(expected: Any, actual: Any) -> list[str]:
    return Matcher().differences(expected, actual, "value")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, 1),
        ("text", "text"),
        (None, None),
        (ANY, None),
        (ANY, {"any": "thing"}),
        ({}, "not even a mapping"),
        ({}, None),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {}}, {"a": None}),
        ({"a": {"b": ANY}}, {"a": {"b": 0, "c": 1}}),
        ({"a": ABSENT}, {"b": 1}),
        (Pattern("^[0-5]$"), 3),
        (Pattern("Error$"), "module.SomeError"),
        (Pattern("true"), "is true"),
        ([1, ANY], [1, 2]),
        ([], []),
        ([{"a": 1}], [{"a": 1, "b": 2}]),
        ([Bound("X"), Bound("X")], ["same", "same"]),
        ({"a": Bound("X"), "b": Bound("Y")}, {"a": 1, "b": 2}),
    ],
)
def test_what_is_as_expected_has_no_differences(expected: Any, actual: Any) -> None:
    assert differences(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        (1, 2, ["value: expected 1, got 2"]),
        (1, True, ["value: expected 1, got True"]),
        (True, 1, ["value: expected True, got 1"]),
        ("1", 1, ["value: expected '1', got 1"]),
        (None, "", ["value: expected None, got ''"]),
        ({"a": 1}, {"a": 2}, ["value.a: expected 1, got 2"]),
        ({"a": ANY}, {"b": 1}, ["value.a: is missing"]),
        ({"a": {}}, {}, ["value.a: is missing"]),
        ({"a": 1}, None, ["value: expected a mapping, got None"]),
        ({"a": ABSENT}, {"a": None}, ["value.a: must not be there, but is None"]),
        (Pattern("^[0-5]$"), 6, ["value: /^[0-5]$/ is not found in 6"]),
        ([1, 2], [1, 3], ["value[1]: expected 2, got 3"]),
        ([1], [1, 2], ["value: expected 1 elements, got 2: [1, 2]"]),
        ([], [1], ["value: expected 0 elements, got 1: [1]"]),
        ([1], "1", ["value: expected a list, got '1'"]),
        ([Bound("X"), Bound("X")], [1, 2], ["value[1]: X is 1 elsewhere, but here 2"]),
        ([Bound("X"), Bound("X")], [1, True], ["value[1]: X is 1 elsewhere, but here True"]),
        ({"a": 1, "b": 2}, {"a": 0}, ["value.a: expected 1, got 0", "value.b: is missing"]),
    ],
)
def test_every_difference_is_found_and_named(expected: Any, actual: Any, found: list[str]) -> None:
    assert differences(expected, actual) == found


EVENTS = [
    {"EventId": 1, "EventType": "ExecutionStarted"},
    {"EventId": 2, "EventType": "StepStarted", "Id": "a", "StepStartedDetails": {}},
    {"EventId": 3, "EventType": "StepSucceeded", "Id": "a", "StepSucceededDetails": {"Result": {}}},
]


def event_differences(expected: dict[int, dict[str, Any]]) -> list[str]:
    return Matcher().event_differences(expected, EVENTS)


def test_events_are_found_by_their_ids_and_others_are_ignored() -> None:
    expected = {3: {"EventType": "StepSucceeded", "StepSucceededDetails": {"Result": {}}}}
    assert event_differences(expected) == []


def test_a_missing_event_is_found() -> None:
    assert event_differences({4: {"EventType": "WaitStarted"}}) == [
        "event 4: is missing, expected WaitStarted"
    ]


def test_another_event_is_found_without_listing_its_members() -> None:
    expected = {2: {"EventType": "WaitStarted", "WaitStartedDetails": {"Duration": 1}}}
    assert event_differences(expected) == ["event 2: expected WaitStarted, got StepStarted"]


def test_a_missing_member_of_an_event_is_found() -> None:
    expected = {2: {"EventType": "StepStarted", "StepFailedDetails": {}}}
    assert event_differences(expected) == ["event 2 (StepStarted).StepFailedDetails: is missing"]


def test_the_same_name_must_be_the_same_operation_in_all_events() -> None:
    expected = {
        2: {"EventType": "StepStarted", "Id": Bound("X")},
        3: {"EventType": "StepSucceeded", "Id": Bound("X"), "EventId": Bound("X")},
    }
    assert event_differences(expected) == ["event 3 (StepSucceeded).EventId: X is 'a' elsewhere, but here 3"]


RECORDS = [
    {"hook": "start", "op": "a", "n": 1},
    {"hook": "end", "op": "a", "n": 1},
    {"hook": "start", "op": "b", "n": 2},
]
START = {"hook": "start"}
END = {"hook": "end"}


def log_differences(*expected: Logged, **bindings: Any) -> list[str]:
    matcher = Matcher()
    matcher.bindings.update(bindings)
    return matcher.log_differences(expected, RECORDS)


@pytest.mark.parametrize(
    "expected",
    [
        Logged(START, count=2),
        Logged({"hook": "none"}, count=0),
        Logged(START, min_count=1),
        Logged(START, min_count=2),
        Logged({"n": Pattern("^[12]$")}, count=3),
        Logged({"hook": "start", "op": ABSENT}, count=0),
        Logged(END, count=1, after=[{"hook": "start", "op": "a"}]),
        Logged({"op": "b"}, count=1, after=[START, END]),
    ],
)
def test_log_records_that_are_as_expected_have_no_differences(expected: Logged) -> None:
    assert log_differences(expected) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (Logged(START, count=1), "log {'hook': 'start'}: expected 1 times, got 2"),
        (Logged({"hook": "none"}, count=1), "log {'hook': 'none'}: expected 1 times, got 0"),
        (Logged(END, count=0), "log {'hook': 'end'}: expected 0 times, got 1"),
        (Logged(END, min_count=2), "log {'hook': 'end'}: expected at least 2, got 1"),
        (
            Logged(END, count=1, after=[{"op": "b"}]),
            "log {'hook': 'end'}: record 1 does not come after {'op': 'b'}",
        ),
        (
            Logged(START, count=2, after=[END]),
            "log {'hook': 'start'}: record 0 does not come after {'hook': 'end'}",
        ),
        (
            Logged(END, count=1, after=[{"hook": "none"}]),
            "log {'hook': 'end'}: record 1 does not come after {'hook': 'none'}",
        ),
        (
            Logged(END, count=1, after=[END]),
            "log {'hook': 'end'}: record 1 does not come after {'hook': 'end'}",
        ),
    ],
)
def test_a_wrong_count_or_order_of_log_records_is_found(expected: Logged, found: str) -> None:
    assert log_differences(expected) == [found]


def test_log_records_are_compared_with_what_the_events_have_bound() -> None:
    assert log_differences(Logged({"op": Bound("X")}, count=2), X="a") == []
    assert log_differences(Logged({"op": Bound("X")}, count=2), X="b") == [
        "log {'op': Bound(name='X')}: expected 2 times, got 1"
    ]


def test_a_name_that_no_event_binds_is_an_error_of_the_expectation() -> None:
    with pytest.raises(ValueError, match="No event binds X"):
        log_differences(Logged({"op": Bound("X")}, count=1))
    with pytest.raises(ValueError, match="No event binds X"):
        log_differences(Logged(END, count=1, after=[{"op": Bound("X")}]))


@pytest.mark.parametrize("counts", [{}, {"count": 1, "min_count": 1}])
def test_an_expected_log_record_has_one_count(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="either count or min_count"):
        Logged(START, **counts)
