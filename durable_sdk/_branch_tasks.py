"""BranchTasks: how many branches of one invocation run at a time, all batches taken together."""

from __future__ import annotations

from durable_sdk._runtime import Runtime

MAX_TASKS = 512
"""Half of the 1,024 threads that Lambda allows an execution environment (its documented quota)."""


class BranchTasks:
    """Counts the branches that run, each in a task of its own.

    A batch that runs none gets one beyond the limit, too: otherwise branches that wait for batches inside
    them could hold all there are, and nothing would ever go on.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._lock = runtime.lock()
        self._running = 0

    def take(self, *, beyond_the_limit: bool) -> bool:
        """Count another one in; return False if there are enough."""
        with self._lock:
            if self._running >= MAX_TASKS and not beyond_the_limit:
                return False
            self._running += 1
            return True

    def give_back(self) -> None:
        """Count one out that has ended."""
        with self._lock:
            self._running -= 1
