"""Schedule: what decides about order while a run goes on, and what it may know of the run.

A run asks it at every decision that could go either way. Option 0 is always the ordinary thing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """The kinds of decisions."""

    NEXT = "next"
    """Which of those that could come now comes next, in the order in which they would come by themselves."""

    ADVANCE = "advance"
    """0: go on. 1: what would come later happens before what could come now, and time moves on to it."""

    PREEMPT = "preempt"
    """0: the task goes on after its effect on the outside world. 1: others come first."""


class Schedule(Protocol):
    """A strategy: decides, told nothing but what kind of decision it is and how many options there are."""

    is_ordinary: bool
    """Whether it always picks option 0; then nobody has to work out what the options are."""

    def pick(self, kind: str, options: int) -> int:
        """Return the index of an option."""
        ...


class Situation(Protocol):
    """What a run knows of the decision at hand; worked out only when it is asked."""

    def lanes(self) -> Sequence[Hashable]:
        """Return whose the entries are that could come now, in order: a task, the service, an execution.

        At an advance the last one is that of what would come later. At a preemption the first one is the
        task that would go on.
        """
        ...

    def entries(self) -> Sequence[int]:
        """Return the numbers of the same entries; one keeps its number until it has happened.

        The task that a preemption is about has no entry yet, and stands as 0.
        """
        ...


class InformedSchedule(Protocol):
    """A schedule that wants to know more: its class has a ``situation``, which a run sets before it asks."""

    is_ordinary: bool
    situation: Situation | None = None

    def pick(self, kind: str, options: int) -> int:
        """Return the index of an option."""
        ...


class FollowingSchedule(Protocol):
    """A schedule that is told what happens, and what that touches, from one decision to the next.

    Two entries that touch nothing in common come to the same in either order.
    """

    is_ordinary: bool
    situation: Situation | None = None

    def pick(self, kind: str, options: int) -> int:
        """Return the index of an option."""
        ...

    def join(self) -> None:
        """Take note that a simulation is going to ask: once for each that the run has."""
        ...

    def begin(self, entry: int) -> None:
        """Take note that the entry of this number happens now."""
        ...

    def resume(self, entry: int) -> None:
        """Take note that the task that was preempted goes on when the entry of this number happens."""
        ...

    def touch(self, resource: Hashable) -> None:
        """Take note that what happens now reads or changes a resource."""
        ...

    def touch_everything(self) -> None:
        """Take note that what happens now may read or change anything, such as the test's own code."""
        ...
