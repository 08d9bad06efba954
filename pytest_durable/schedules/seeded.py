"""Seeded: options drawn at random from a seed."""

from __future__ import annotations

from pytest_durable.entropy import Entropy
from pytest_durable.schedules.base import Kind

# How likely what is not ordinary is. Some bugs take long starvation, others a single moment of it.
_ADVANCES = (0.0, 0.02, 0.1, 0.4)
_PREEMPTIONS = (0.1, 0.5)


class Seeded:
    """Takes options at random; the same seed takes the same ones.

    Of those that could come next each is equally likely. How likely time moves on before them, and a task
    is preempted, is drawn from a few values, once for the seed; ``advances`` is the former if it is given.
    """

    is_ordinary = False

    def __init__(self, seed: int, advances: float | None = None) -> None:
        stream = Entropy(seed).stream("schedule")
        self._draw = stream.random
        drawn = stream.choice(_ADVANCES)
        self._advances = drawn if advances is None else advances
        self._preemptions = stream.choice(_PREEMPTIONS)

    def pick(self, kind: str, options: int) -> int:
        """Return a random index."""
        if kind == Kind.NEXT:
            return int(self._draw() * options)
        likely = self._advances if kind == Kind.ADVANCE else self._preemptions
        return int(self._draw() < likely)
