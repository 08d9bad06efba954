"""Choices: the one recorded sequence of every decision that could go either way.

A run is a pure function of the code, its input and this sequence. Option 0 is always the ordinary thing,
so the sequence of zeros is the plain run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: ``picked`` of ``options`` (a count) of a kind."""

    kind: str
    options: int
    picked: int


class Schedule(Protocol):
    """A strategy: decides, told nothing but what kind of decision it is and how many options there are."""

    is_ordinary: bool
    """Whether it always picks option 0; then nobody has to work out what the options are."""

    def pick(self, kind: str, options: int) -> int:
        """Return the index of an option."""
        ...


class Choices:
    """Asks the schedule and records the answers."""

    def __init__(self, schedule: Schedule) -> None:
        self.are_ordinary = schedule.is_ordinary
        self._pick: Callable[[str, int], int] = schedule.pick
        self.recorded: list[Choice] = []

    def choose(self, kind: str, options: int) -> int:
        """Decide between ``options`` ways. A single way is no decision and is not recorded."""
        if options < 2:
            return 0
        picked = self._pick(kind, options)
        self.recorded.append(Choice(kind, options, picked))
        return picked
