"""Choices: the one recorded sequence of every decision that could go either way.

A run is a pure function of the code, its input and this sequence. Option 0 is always the ordinary thing,
so the sequence of zeros is the plain run.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, cast

from pytest_durable.schedules.base import FollowingSchedule, InformedSchedule, Schedule, Situation


class Choice(NamedTuple):
    """One decision: ``picked`` of ``options`` (a count) of a kind."""

    kind: str
    options: int
    picked: int


@cache
def _interests(strategy: type[Schedule]) -> tuple[bool, bool]:
    """Return whether a strategy wants to know of situations, and of what happens between them."""
    # Each run has a schedule of its own, and asking an instance for all members of a protocol takes long.
    follows = all(hasattr(strategy, name) for name in ("join", "begin", "resume", "touch"))
    return follows or hasattr(strategy, "situation"), follows


class Choices:
    """Asks the schedule and records the answers."""

    def __init__(self, schedule: Schedule) -> None:
        self.are_ordinary = schedule.is_ordinary
        self._pick = schedule.pick
        informed, follows = _interests(type(schedule))
        self._informed = cast(InformedSchedule, schedule) if informed else None
        self.follower = cast(FollowingSchedule, schedule) if follows else None
        """The schedule, if it wants to know what happens between decisions."""
        self.recorded: list[Choice] = []

    def choose(self, kind: str, options: int, situation: Situation | None = None) -> int:
        """Decide between ``options`` ways. A single way is no decision and is not recorded."""
        if options < 2:
            return 0
        if self._informed is not None:
            self._informed.situation = situation
        picked = self._pick(kind, options)
        self.recorded.append(Choice(kind, options, picked))
        return picked

    def picks(self) -> tuple[tuple[int, int], ...]:
        """Return the number and the option of every decision that was not ordinary: a plan's ``picks``."""
        return tuple((number, choice.picked) for number, choice in enumerate(self.recorded) if choice.picked)
