"""Clock: virtual time as an integer, microseconds since the epoch."""

from __future__ import annotations

from typing import Protocol


class Time(Protocol):
    """What reads as a moment, in microseconds since the epoch."""

    @property
    def now(self) -> int:
        """The moment."""
        ...


class Clock:
    """Reads the same until the loop moves it; never goes back."""

    __slots__ = ("now",)

    def __init__(self, now: int) -> None:
        self.now = now

    def move_to(self, moment: int) -> None:
        """Move forward to ``moment``; a moment that has passed changes nothing."""
        if moment > self.now:
            self.now = moment
