"""Message: structures of the service to and from dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from durable_sdk._wire.codec import NOT_SENT, JsonMessage, Message, TimestampConverter
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk.exceptions import ValidationError

A_TIME = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
MILLISECONDS = 1714979289123


@dataclass(frozen=True)
class Inner(Message):
    some_number: int = 0
    at: datetime | None = None


@dataclass(frozen=True)
class Outer(JsonMessage, names={"key": "Id"}, blank_is_none=("label",), absent={"inners": []}):
    key: str
    inners: list[Inner]
    label: str | None = None
    status: OperationStatus | None = None
    error: ErrorObject | None = None
    at: datetime | None = None
    private: object = field(default=None, metadata=NOT_SENT)


def test_members_are_named_after_fields_unless_told_otherwise() -> None:
    outer = Outer(
        "k", [Inner(5)], "name", OperationStatus.READY, ErrorObject.from_message("m"), A_TIME, object()
    )
    assert outer.to_dict() == {
        "Id": "k",
        "Inners": [{"SomeNumber": 5}],
        "Label": "name",
        "Status": "READY",
        "Error": {"ErrorMessage": "m"},
        "At": A_TIME,
    }


def test_none_and_blanks_that_mean_none_are_left_out() -> None:
    assert Outer("", [], "").to_dict() == {"Id": "", "Inners": []}
    assert Outer.from_dict({"Id": "", "Label": "", "Status": None}) == Outer("", [])


def test_times_are_integers_in_events_at_every_depth() -> None:
    outer = Outer("k", [Inner(at=A_TIME)], at=A_TIME)
    written = outer.to_json_dict()
    assert written == {
        "Id": "k",
        "Inners": [{"SomeNumber": 0, "At": MILLISECONDS}],
        "At": MILLISECONDS,
    }
    assert Outer.from_json_dict(written) == outer


@pytest.mark.parametrize(
    "form", [A_TIME, MILLISECONDS, "2024-05-06T07:08:09.123Z", "2024-05-06T09:08:09.123+02:00"]
)
def test_every_form_of_a_time_is_read(form: object) -> None:
    assert Inner.from_dict({"At": form}).at == A_TIME


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({}, "Outer needs Id; it got []"),
        ({"Key": 1}, "Outer needs Id; it got ['Key']"),
        ({"Id": "k", "Status": "NOPE"}, "Outer: Status is 'NOPE': 'NOPE' is not a valid OperationStatus"),
        ({"Id": "k", "At": "yesterday"}, "Outer: At is 'yesterday'"),
        ({"Id": "k", "Inners": 5}, "Outer: Inners is 5"),
        ({"Id": "k", "Inners": [5]}, "Inner is read from an object, got 5"),
        ({"Id": "k", "Error": "text"}, "Outer: Error is 'text'"),
        ("text", "Outer is read from an object, got 'text'"),
    ],
)
def test_what_is_wrong_is_named(data: Any, complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.from_dict(data)
    assert complaint in str(caught.value)


def test_an_empty_error_stays_one() -> None:
    read = Outer.from_dict({"Id": "k", "Error": {}})
    assert read.error == ErrorObject(None, None, None, None)
    assert read.to_dict()["Error"] == {}


def test_what_stands_for_an_absent_member_is_not_shared() -> None:
    first, second = Outer.from_dict({"Id": "a"}), Outer.from_dict({"Id": "b"})
    first.inners.append(Inner())
    assert second.inners == []


def test_milliseconds_are_cut_off_and_none_stays_none() -> None:
    late = datetime(2024, 5, 6, 7, 8, 9, 123999, tzinfo=UTC)
    assert TimestampConverter.to_unix_millis(late) == MILLISECONDS
    assert TimestampConverter.from_unix_millis(MILLISECONDS) == A_TIME
    assert TimestampConverter.to_unix_millis(None) is None
    assert TimestampConverter.from_unix_millis(None) is None
