"""Aim: which faults can strike at a point of a run, and how each is told to strike there and nowhere else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pytest_durable.faults import Fault, crash
from pytest_durable.points import Point


class Aim:
    """The points of one run, in order, and the faults that strike at each."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._met: dict[str, list[int]] = {}
        """Where each fault meets the run, by its repr: two that look alike are alike."""

    def at(self, index: int, kinds: Iterable[type[Fault]]) -> Iterator[Fault]:
        """Return the faults of some kinds that an exploration tries at the point of that index."""
        for kind in kinds:
            for fault in kind.explored_at(self._points[index]):
                aimed = self._aimed(fault, index)
                if aimed is not None:
                    yield aimed

    def _aimed(self, fault: Fault, index: int) -> Fault | None:
        met = self._met.get(repr(fault))
        if met is None:
            met = [at for at, point in enumerate(self._points) if fault.meets(point)]
            self._met[repr(fault)] = met
        before = bisect_left(met, index)
        if before == len(met) or met[before] != index:
            return None
        if isinstance(fault, crash) and fault.at_checkpoint is not None:
            return replace(fault, at_checkpoint=before + 1)
        return replace(fault, nth=before + 1)


def strike_of(fault: Fault, points: Sequence[Point]) -> int | None:
    """Return the index of the first point of a run at which a fault strikes, None if it meets none."""
    count = 0
    for index, point in enumerate(points):
        if fault.meets(point):
            count += 1
            if fault.strikes_at(count):
                return index
    return None
