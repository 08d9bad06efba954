"""Seeded: options drawn at random from a seed."""

from __future__ import annotations

from pytest_durable.entropy import Entropy
from pytest_durable.schedules.base import Kind

# How likely what is not ordinary is. Some bugs take long starvation, others a single moment of it.
_ADVANCES = (0.0, 0.02, 0.1, 0.4)
_PREEMPTIONS = (0.1, 0.5)

# How likely the newest of those that could come does: what goes on starves the rest.
_NEWEST = (0.0, 0.0, 0.5, 0.9)


class Seeded:
    """Takes options at random; the same seed takes the same ones.

    How likely time moves on before what could come now, a task is preempted, and the newest comes before
    all others, is drawn from a few values, once for the seed; otherwise each that could come next is equally
    likely. ``advances`` is the first of these if it is given.
    """

    is_ordinary = False

    def __init__(self, seed: int, advances: float | None = None) -> None:
        stream = Entropy(seed).stream("schedule")
        self._draw = stream.random
        drawn = stream.choice(_ADVANCES)
        self._advances = drawn if advances is None else advances
        self._preemptions = stream.choice(_PREEMPTIONS)
        self._newest = stream.choice(_NEWEST)

    def pick(self, kind: str, options: int) -> int:
        """Return a random index."""
        if kind == Kind.NEXT:
            # One draw for both: what is left above the threshold is as evenly spread as what is drawn.
            drawn = self._draw()
            if drawn < self._newest:
                return options - 1
            return int((drawn - self._newest) / (1.0 - self._newest) * options)
        likely = self._advances if kind == Kind.ADVANCE else self._preemptions
        return int(self._draw() < likely)
