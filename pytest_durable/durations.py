"""Durations as tests write them: ``"2h30m"``, seconds, a timedelta or the SDK's Duration."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TypeAlias

from durable_sdk.config import Duration
from pytest_durable.errors import UsageError

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

DurationLike: TypeAlias = str | int | float | timedelta | Duration

_UNITS_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|[dhms])")


def to_microseconds(duration: DurationLike, what: str = "duration") -> int:
    """Return a duration in microseconds; ``what`` names it in errors.

    Raises:
        UsageError: it is malformed, negative, or of another type.
    """
    match duration:
        case bool():
            raise _malformed(duration, what)
        case str():
            seconds = _parse(duration, what)
        case timedelta():
            seconds = duration.total_seconds()
        case Duration():
            seconds = duration.to_seconds()
        case int() | float():
            seconds = float(duration)
        case _:
            raise _malformed(duration, what)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise _malformed(duration, what)
    return round(seconds * 1_000_000)


def to_whole_seconds(duration: DurationLike, what: str) -> int:
    """Return a duration in seconds, rounded up, at least 1.

    Raises:
        UsageError: it is malformed or shorter than a microsecond.
    """
    microseconds = to_microseconds(duration, what)
    if microseconds == 0:
        raise UsageError(f"{what} must be longer than zero, got {duration!r}.")
    return -(-microseconds // 1_000_000)


def _parse(text: str, what: str) -> float:
    position, seconds = 0, 0.0
    while position < len(text.rstrip()):
        part = _PART.match(text, position)
        if part is None:
            raise _malformed(text, what)
        seconds += float(part[1]) * _UNITS_SECONDS[part[2]]
        position = part.end()
    if position == 0:
        raise _malformed(text, what)
    return seconds


def _malformed(duration: object, what: str) -> UsageError:
    return UsageError(
        f"{what} is a duration such as '2h30m', 90 (seconds), a timedelta or a Duration, got {duration!r}."
    )
