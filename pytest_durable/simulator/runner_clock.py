"""RunnerClock: virtual time, as a test sees and moves it."""

from __future__ import annotations

from datetime import datetime

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.history.codec import to_datetime
from pytest_durable.simulator.simulator import Simulator

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class RunnerClock:
    """The attribute ``clock`` of a runner."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    @property
    def now(self) -> datetime:
        """Virtual time, aware."""
        return to_datetime(self._simulator.now)

    def advance(self, duration: DurationLike) -> None:
        """Let virtual time pass, with all that happens in it.

        If a fault ends an invocation meanwhile, it goes on until the handler has suspended or ended.
        """
        self._simulator.advance(to_microseconds(duration), self._simulator.executions.values())

    def advance_to_next(self) -> None:
        """Move to the time at which something happens next, and let it; nothing if nothing will."""
        due = self._simulator.next_event_at()
        if due is not None:
            self._simulator.run_until(lambda: False, horizon=due, between_invocations=False)
