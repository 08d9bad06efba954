"""Lengths of time, in the one unit that the service knows: whole seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from durable_sdk.exceptions import ValidationError

LONGEST_DELAY_SECONDS = 31_622_400
"""The longest wait, retry delay or execution: a leap year, the service's limit."""

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}

# Some thirty billion years. With it the sum of the units cannot leave the range of floats.
_ENDLESS_SECONDS = 1e18


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time in whole ``seconds``, 0 or more.

    Raises:
        ValidationError: ``seconds`` is negative or not an int.
    """

    seconds: int = 0

    def __post_init__(self) -> None:
        if type(self.seconds) is not int:
            raise ValidationError(
                f"Duration takes whole seconds as an int, got {self.seconds!r}. "
                "Duration.from_seconds() accepts fractions and drops them."
            )
        if self.seconds < 0:
            raise ValidationError(f"Duration cannot be negative, got {self.seconds!r} seconds.")

    @classmethod
    def from_seconds(cls, value: float) -> Duration:
        """Return ``value`` seconds, without the fraction."""
        if type(value) is int and value >= 0:
            return cls(value)
        return cls(int(_in_seconds("seconds", value)))

    @classmethod
    def from_minutes(cls, value: float) -> Duration:
        """Return ``value`` minutes, cut to whole seconds."""
        return cls(int(_in_seconds("minutes", value)))

    @classmethod
    def from_hours(cls, value: float) -> Duration:
        """Return ``value`` hours, cut to whole seconds."""
        return cls(int(_in_seconds("hours", value)))

    @classmethod
    def from_days(cls, value: float) -> Duration:
        """Return ``value`` days, cut to whole seconds."""
        return cls(int(_in_seconds("days", value)))

    def to_seconds(self) -> int:
        """Return the length in seconds."""
        return self.seconds


def as_duration(
    value: Duration | timedelta | int | float | None = None,
    *,
    seconds: int | float | None = None,
    minutes: float | None = None,
    hours: float | None = None,
    days: float | None = None,
) -> Duration:
    """Return the length that was given either as ``value`` or in units, which add up.

    A plain number is in seconds. The sum is cut to whole seconds.

    Raises:
        ValidationError: both or neither were given, or an amount is negative, endless or no number.
    """
    # The two usual calls first: every wait of every replay comes through here.
    if minutes is None and hours is None and days is None:
        if value is None and type(seconds) is int:
            return Duration(seconds)
        if seconds is None and isinstance(value, Duration):
            return value
    given = {"seconds": seconds, "minutes": minutes, "hours": hours, "days": days}
    units = {unit: amount for unit, amount in given.items() if amount is not None}
    if value is None:
        if not units:
            raise ValidationError(
                "No duration was given. Write a Duration, a timedelta or a number of seconds, "
                "or units such as hours=1, minutes=30."
            )
        return Duration(int(sum(_in_seconds(unit, amount) for unit, amount in units.items())))
    if units:
        raise ValidationError(f"A duration was given twice, as {value!r} and as {_written(units)}. Keep one.")
    if isinstance(value, Duration):
        return value
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return Duration(int(_in_seconds("seconds", value)))


def _in_seconds(unit: str, amount: object) -> float:
    # bool is an int to Python, but never a length of time.
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise ValidationError(
            f"{unit}={amount!r} is no length of time: a {type(amount).__name__} is not a number."
        )
    seconds = amount * _UNITS[unit]
    if not 0 <= seconds < _ENDLESS_SECONDS:
        raise ValidationError(f"{unit}={amount!r} is no length of time: it must be finite and not negative.")
    return seconds


def _written(units: dict[str, float]) -> str:
    return ", ".join(f"{unit}={amount!r}" for unit, amount in units.items())
