"""Lengths of time: every way to write one, and every way to write none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durable_sdk._duration import Duration, as_duration
from durable_sdk.exceptions import ValidationError


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (Duration(), 0),
        (Duration(7), 7),
        (Duration.from_seconds(1.9), 1),
        (Duration.from_minutes(1.51), 90),
        (Duration.from_hours(0.5), 1_800),
        (Duration.from_days(2), 172_800),
    ],
)
def test_a_duration_is_whole_seconds(duration: Duration, seconds: int) -> None:
    assert duration.seconds == duration.to_seconds() == seconds


def test_durations_of_the_same_length_are_equal() -> None:
    assert Duration.from_minutes(2) == Duration(120)
    assert len({Duration.from_minutes(2), Duration(120)}) == 1


@pytest.mark.parametrize("seconds", [-1, 1.5, True, "5", None])
def test_a_duration_refuses_what_is_no_whole_number_of_seconds(seconds: Any) -> None:
    with pytest.raises(ValidationError, match=repr(seconds)):
        Duration(seconds)


@pytest.mark.parametrize(
    "amount", [-1, -0.5, float("nan"), float("inf"), 1e308, True, "5", None, timedelta(1)]
)
@pytest.mark.parametrize("unit", ["seconds", "minutes", "hours", "days"])
def test_a_unit_refuses_what_is_no_amount_and_names_it(unit: str, amount: Any) -> None:
    with pytest.raises(ValidationError, match=f"^{unit}=") as raised:
        getattr(Duration, f"from_{unit}")(amount)
    assert repr(amount) in str(raised.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (Duration(5), 5),
        (timedelta(minutes=1, milliseconds=900), 60),
        (7, 7),
        (7.9, 7),
        (0, 0),
        (10**20 // 10**3, 10**17),
    ],
)
def test_one_value_is_taken_as_it_is(value: Any, seconds: int) -> None:
    assert as_duration(value) == Duration(seconds)


def test_units_add_up_before_the_fraction_is_dropped() -> None:
    assert as_duration(days=1, hours=1, minutes=1, seconds=1) == Duration(90_061)
    assert as_duration(minutes=0.01, seconds=0.4) == Duration(1)
    assert as_duration(seconds=3) == as_duration(seconds=3.7) == Duration(3)


def test_a_length_given_twice_is_refused_and_both_are_shown() -> None:
    with pytest.raises(ValidationError, match=r"Duration\(seconds=3\) and as hours=1, days=2"):
        as_duration(Duration(3), hours=1, days=2)
    with pytest.raises(ValidationError, match="as 5 and as seconds=5"):
        as_duration(5, seconds=5)


def test_no_length_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="No duration was given"):
        as_duration()


@pytest.mark.parametrize(
    "value",
    [-1, -0.1, True, "5", float("nan"), float("inf"), timedelta(seconds=-1), object(), [1]],
)
def test_a_value_that_is_no_length_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="is no length of time"):
        as_duration(value)


@pytest.mark.parametrize("amount", [-1, True, "5", float("nan"), float("inf")])
@pytest.mark.parametrize("unit", ["seconds", "minutes", "hours", "days"])
def test_a_unit_that_is_no_amount_is_refused(unit: str, amount: Any) -> None:
    with pytest.raises(ValidationError):
        as_duration(**{unit: amount})
