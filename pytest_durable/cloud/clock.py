"""Clock: the time of the real world, and letting it pass. Nothing else in `cloud` asks for either."""

from __future__ import annotations

import time
import uuid
from typing import Protocol


class Clock(Protocol):
    """Seconds since any moment; they never go back."""

    def now(self) -> float:
        """Return the time in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ...


class RealClock(Clock):
    """The machine's."""

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)


def unique_text() -> str:
    """Return twelve hexadecimal digits that no other test run has."""
    return uuid.uuid4().hex[:12]
