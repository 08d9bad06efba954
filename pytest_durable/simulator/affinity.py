"""CorePin: keeps the threads of a run on one core while turns pass between them.

Only one of them runs at a time, so they lose nothing, and passing a turn takes a third of the time: the
woken thread need not be brought to another core first.
"""

from __future__ import annotations

import os

_CAN_PIN = hasattr(os, "sched_setaffinity")

# Position of the number of the core among the fields of /proc/thread-self/stat that follow the name.
_PROCESSOR_FIELD = 36

# The fields are fewer and shorter than that.
_STAT_BYTES = 4096


def _current_core() -> int:
    """Return the number of the core that the calling thread runs on."""
    # Every run asks, and a file object would take three times as long as the system does.
    stat = os.open("/proc/thread-self/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fields = os.read(stat, _STAT_BYTES).rpartition(b")")[2].split()
    finally:
        os.close(stat)
    return int(fields[_PROCESSOR_FIELD])


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
            core = _current_core()
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
