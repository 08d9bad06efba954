"""PCT: priorities at random, and a few moments at which the foremost lane falls behind all others.

A bug that takes ``depth`` ordering constraints among n lanes and k steps is found by one run with a
probability of at least 1 / (n * k ** (depth - 1)): Burckhardt, Kothari, Musuvathi, Nagarakatte, "A
Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from pytest_durable.entropy import Entropy
from pytest_durable.schedules.base import Kind, Situation


class Pct:
    """Lets the lane of the highest priority go on; the clock is a lane like tasks and the service.

    ``depth`` - 1 of the first ``steps`` decisions are change points; ``steps`` is how many a run is expected
    to have.
    """

    is_ordinary = False
    situation: Situation | None = None

    def __init__(self, seed: int, depth: int = 3, steps: int = 100) -> None:
        self._depth = depth
        self.steps = max(steps, depth - 1)
        """Among how many decisions, the first of the run, the change points are drawn."""
        self._stream = Entropy(seed).stream("pct")
        moments = self._stream.sample(range(self.steps), max(0, depth - 1))
        # The later its change point, the lower a lane falls: then none that fell before it is overtaken
        # by accident, and which of them comes first is as random as the moments.
        self._falls = {moment: float(index) for index, moment in enumerate(moments)}
        self._priorities: dict[Hashable, float] = {}
        self._asked = 0

    @property
    def lanes(self) -> int:
        """How many lanes have had a priority so far."""
        return len(self._priorities)

    def pick(self, kind: str, options: int) -> int:
        """Return what the lane of the highest priority wants."""
        lanes: Sequence[Hashable] = range(options) if self.situation is None else self.situation.lanes()
        best = self._best(lanes)
        fall = self._falls.get(self._asked)
        self._asked += 1
        if fall is not None:
            self._priorities[lanes[best]] = fall
            best = self._best(lanes)
        match kind:
            case Kind.ADVANCE:
                return int(best == len(lanes) - 1)
            case Kind.PREEMPT:
                return int(best != 0)
            case _:
                return best

    def _best(self, lanes: Sequence[Hashable]) -> int:
        for lane in lanes:
            if lane not in self._priorities:
                self._priorities[lane] = self._depth + self._stream.random()
        return max(range(len(lanes)), key=lambda index: self._priorities[lanes[index]])
