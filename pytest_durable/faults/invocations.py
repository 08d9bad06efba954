"""What happens to an invocation."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_durable.faults.base import Fault
from pytest_durable.points import Action, Point, Position, Repeat, StartCold

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, repr=False, kw_only=True)
class _InvocationFault(Fault):
    def meets(self, point: Point) -> bool:
        """Return whether an invocation is about to begin."""
        return point.position is Position.INVOCATION


@dataclass(frozen=True, repr=False, kw_only=True)
class duplicate_invocation(_InvocationFault):  # noqa: N801
    """The invocation is delivered twice, and both run: the service listens to the first."""

    def does(self, point: Point) -> Action:
        """Deliver it twice."""
        return Repeat()


@dataclass(frozen=True, repr=False, kw_only=True)
class cold_start(_InvocationFault):  # noqa: N801
    """The module of the handler is imported anew before the invocation, as in a new sandbox."""

    def does(self, point: Point) -> Action:
        """Start cold."""
        return StartCold()
