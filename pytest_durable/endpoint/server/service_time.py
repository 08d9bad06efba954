"""ServiceTime: the time of a server, which is the machine's and what has been skipped of it."""

from __future__ import annotations

import time

# Held here: a sandbox shows its handler, who calls them by the module, another time.
_time_ns = time.time_ns
_monotonic = time.monotonic
_sleep = time.sleep


def machine_seconds() -> float:
    """Return seconds since any moment, of which none are ever skipped."""
    return _monotonic()


def pause(seconds: float) -> None:
    """Let seconds pass on the machine."""
    _sleep(seconds)


class ServiceTime:
    """Reads in microseconds since the epoch, and never goes back."""

    def __init__(self, skipped: int = 0) -> None:
        self.skipped = skipped
        """How far it is ahead of the machine's clock."""
        self._last = 0

    @property
    def now(self) -> int:
        """The moment."""
        self._last = max(self._last, _time_ns() // 1000 + self.skipped)
        return self._last

    def skip_to(self, moment: int) -> None:
        """Jump forward, if it has not come there yet."""
        self.skipped += max(0, moment - self.now)
