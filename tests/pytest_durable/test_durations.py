"""Durations in every form that a test may write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk.config import Duration
from pytest_durable.durations import to_microseconds, to_whole_seconds
from pytest_durable.errors import UsageError


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("2h30m", 9000),
        ("15m", 900),
        ("1d", 86_400),
        ("1d2h3m4s", 93_784),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1s500ms", 1.5),
        (" 2h 30m ", 9000),
        ("30 s", 30),
        (90, 90),
        (0, 0),
        (0.5, 0.5),
        (timedelta(days=1, microseconds=1), 86_400.000001),
        (Duration.from_minutes(2), 120),
    ],
)
def test_a_duration_is_understood(duration: Any, seconds: float) -> None:
    assert to_microseconds(duration) == round(seconds * 1_000_000)


@pytest.mark.parametrize(
    "duration",
    [
        *("", " ", "2", "h", "2x", "2h30", "-1h", "2h,30m", "1e3s"),
        *(-1, -0.5, float("nan"), float("inf"), timedelta(seconds=-1)),
        *(True, None, b"2h", [2]),
    ],
    ids=repr,
)
def test_what_is_no_duration_is_refused_by_name_and_value(duration: Any) -> None:
    with pytest.raises(UsageError) as caught:
        to_microseconds(duration, "timeout")
    assert str(caught.value).startswith("timeout is a duration such as '2h30m'")
    assert repr(duration) in str(caught.value)


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_text_adds_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    delta = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert to_microseconds(f"{days}d{hours}h{minutes}m{seconds}s") == to_microseconds(delta)


@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=366)))
def test_whole_seconds_round_up_and_are_never_zero(delta: timedelta) -> None:
    seconds = to_whole_seconds(delta, "timeout")
    assert timedelta(0) <= timedelta(seconds=seconds) - delta < timedelta(seconds=1)
    assert seconds >= 1


def test_a_timeout_of_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="timeout must be longer than zero, got '0s'"):
        to_whole_seconds("0s", "timeout")


@pytest.mark.parametrize("text", ["1" * 400 + "d", "9" * 310 + "s"])
def test_a_duration_beyond_all_floats_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        to_microseconds(text)
