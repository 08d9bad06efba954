"""Trial: one run of a test under a plan, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_durable.faults import Fault
from pytest_durable.plan import Plan
from pytest_durable.points import Point
from pytest_durable.schedules.base import Schedule as Schedule


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about order that a run has made: ``picked`` of ``options`` (a count) of a kind."""

    kind: str
    options: int
    picked: int


@dataclass(frozen=True, slots=True)
class Failure:
    """How a test failed.

    ``fingerprint`` is equal for failures of the same cause: the type of the error, what is asserted and
    where, without what differs from run to run. ``summary`` is one line, ``details`` all that is to be shown.
    """

    fingerprint: str
    summary: str
    details: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What one run came to.

    ``plan`` is what happened in it, so that running it again gives the same. ``points`` are those that it
    reached, in order, ``struck`` the faults of the plan that met one. ``state`` is a digest of the histories
    and the effects: equal for runs that differ in nothing that could be seen afterwards.
    """

    plan: Plan
    points: Sequence[Point]
    struck: Sequence[Fault]
    decisions: Sequence[Decision]
    state: str
    failure: Failure | None = None
    timeline: str = ""
    """The executions as text; only of runs that failed."""
    events: int = 0
    """How many events the histories have."""


class RunTrial(Protocol):
    """Runs the test once, in a world of its own."""

    def __call__(self, plan: Plan, schedule: Schedule | None = None) -> Trial:
        """Run it with the plan's faults, and its picks unless a ``schedule`` decides about order."""
        ...
