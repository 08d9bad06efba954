"""Spread: in which order many plans are run if there may not be time for all.

Points of one operation in a loop, or of the branches of one map, are alike: a few of them tell what there is
to be told. So places that are not alike take turns. What a place has first are its first point, with each of
its faults, then the second, the last, and what lies between.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Hashable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeAlias

from pytest_durable.faults import Fault
from pytest_durable.points import Point

Rank: TypeAlias = tuple[int, int]
"""Smaller is earlier: in which round, and when in the round."""

# A place where this many faults can strike gets two turns in each round.
_MANY_FAULTS = 4

_NUMBER = re.compile(r"\d+")


def spread(count: int) -> list[int]:
    """Return the numbers from 0 to ``count - 1``: the first two, the last, then what halves the gaps."""
    order = list(dict.fromkeys(number for number in (0, 1, count - 1) if 0 <= number < count))
    gaps = deque([(1, count - 1)])
    while gaps:
        low, high = gaps.popleft()
        if high - low > 1:
            middle = (low + high) // 2
            order.append(middle)
            gaps += ((low, middle), (middle, high))
    return order


class Spread:
    """Ranks plans, a batch at a time. A place that an earlier batch had, too, goes on where that ended."""

    def __init__(self) -> None:
        self._turns: Counter[Hashable] = Counter()

    def rank(self, batch: Sequence[tuple[Point, Fault]], depth: int) -> list[Rank]:
        """Return the rank of each fault of the batch, which strikes at its point after ``depth`` others."""
        places: dict[Hashable, dict[Hashable, list[int]]] = {}
        for at, (point, fault) in enumerate(batch):
            kinds = places.setdefault((depth, *_place(point)), {})
            kinds.setdefault((type(fault), getattr(fault, "persisted", False)), []).append(at)
        ranks: dict[int, Rank] = {}
        standing = _places_in(spread(len(places)))
        for index, (place, kinds) in enumerate(places.items()):
            # Places begin with different ones of their faults, so that each is soon tried somewhere.
            first = index * max(1, len(kinds) // len(places)) % len(kinds)
            lists = list(kinds.values())
            turns = 2 if len(lists) >= _MANY_FAULTS else 1
            for turn, at in enumerate(_in_turn([*lists[first:], *lists[:first]]), self._turns[place]):
                ranks[at] = turn // turns, standing[index]
            self._turns[place] += sum(map(len, lists))
        return [ranks[at] for at in range(len(batch))]


def _in_turn(lists: Sequence[Sequence[int]]) -> Iterator[int]:
    """Yield the first of each list, then the second, the last, and so on."""
    spreads = [[numbers[at] for at in spread(len(numbers))] for numbers in lists]
    for row in zip_longest(*spreads):
        yield from (number for number in row if number is not None)


def _places_in(order: Sequence[int]) -> list[int]:
    """Return where each number stands in an order of all numbers from 0."""
    return [place for _, place in sorted((number, place) for place, number in enumerate(order))]


def _place(point: Point) -> tuple[Hashable, ...]:
    """Return what points that are alike have in common: all but the numbers in names."""
    path = tuple(name and _NUMBER.sub("#", name) for name in point.path)
    told = frozenset(_NUMBER.sub("#", point.effect or "").split(", "))
    return point.position, path, told, (point.attempt or 1) > 1
