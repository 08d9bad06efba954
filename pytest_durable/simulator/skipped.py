"""SkippedTime: how much of virtual time belongs to waits and delays of retries.

A runner that skips them at once, as AWS's does, gives its timeouts in time that really passes. Here all of it
is virtual, so timeouts that mean the same leave this part out.
"""

from __future__ import annotations


class SkippedTime:
    """Counts each stretch of time once, however many operations wait in it. In microseconds."""

    __slots__ = ("total", "until")

    def __init__(self) -> None:
        self.total = 0
        self.until = 0
        """The end of the last wait or delay so far, since the epoch."""

    def add(self, now: int, due: int) -> int:
        """Take note that an operation waits from ``now`` until ``due``; return what that adds."""
        gap = max(0, due - max(now, self.until))
        if gap:
            self.total += gap
            self.until = due
        return gap
