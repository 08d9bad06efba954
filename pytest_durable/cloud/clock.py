"""Clock: the time of the real world, and letting it pass. Nothing else in `cloud` asks for either."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import uuid4  # by itself: a test may put another one in its place

_stand_ins: list[Callable[[int], object]] = []
"""What lets virtual time pass where something in this process stands for the service, the innermost last."""


class Clock(Protocol):
    """Seconds since any moment; they never go back."""

    @property
    def is_virtual(self) -> bool:
        """Whether no real time passes when somebody sleeps."""
        ...

    def now(self) -> float:
        """Return the time in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ...


class RealClock(Clock):
    """The machine's."""

    @property
    def is_virtual(self) -> bool:
        """Never."""
        return False

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)


class ServiceClock(Clock):
    """A clock, unless something in this process stands for the service, whose time is virtual.

    While it does, only sleeping counts. What passes there besides, as waits that are jumped over, is not seen
    here: a deadline is how long the test is ready to wait.
    """

    def __init__(self, otherwise: Clock) -> None:
        self._otherwise = otherwise
        self._slept = 0
        """In virtual microseconds."""
        self._stopped_at: float | None = None

    @property
    def is_virtual(self) -> bool:
        """Whether something stands for the service now."""
        return bool(_stand_ins) or self._otherwise.is_virtual

    def now(self) -> float:
        """Return the time in seconds."""
        if not _stand_ins:
            self._stopped_at = None
        elif self._stopped_at is None:
            self._stopped_at = self._otherwise.now()
        real = self._otherwise.now() if self._stopped_at is None else self._stopped_at
        return real + self._slept / 1_000_000

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        if not _stand_ins:
            self._otherwise.sleep(seconds)
            return
        microseconds = round(seconds * 1_000_000)
        self._slept += microseconds
        _stand_ins[-1](microseconds)


@contextmanager
def standing_in(let_pass: Callable[[int], object]) -> Iterator[None]:
    """Let whoever sleeps until the service has done something call this, with virtual microseconds."""
    _stand_ins.append(let_pass)
    try:
        yield
    finally:
        _stand_ins.remove(let_pass)


def unique_text() -> str:
    """Return twelve hexadecimal digits that nobody else has."""
    return uuid4().hex[:12]
