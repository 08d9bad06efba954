"""Sweep: one plan for each point of a run and each fault that can strike there.

The points are those of the run without faults, and those that a run with a fault is the first to reach: a
replay, a repeated attempt, a compensation. Such a point takes the faults that led to it, and one more. With
``pairs`` a second crash strikes at every point that follows the first.

The plans form a tree: what follows from a plan is known when it has run. A shard owns the plans of some roots
with all that follows from them, so shards have nothing in common and together miss nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

from pytest_durable import faults
from pytest_durable.exploration.aim import Aim, strike_of
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.spread import Rank, Spread
from pytest_durable.exploration.trial import Trial
from pytest_durable.faults import API_KINDS, CALLBACK_KINDS, Fault
from pytest_durable.plan import Plan
from pytest_durable.points import Point, Position

# A fault at a point that takes three others to be reached would find what no one meets.
_MOST_FAULTS = 3

_Place: TypeAlias = tuple[Position, tuple[str | None, ...], str | None, int | None]


class Topic(StrEnum):
    """What a plan of the sweep is about."""

    CRASH = "crash points"
    API = "API faults"
    CALLBACK = "callback behaviours"
    OTHER = "other faults"
    PAIR = "pairs of crashes"


@dataclass(frozen=True, slots=True)
class Target:
    """What one plan covers: a topic, and the group within it that coverage counts it under."""

    topic: Topic
    group: str


PAIR = Target(Topic.PAIR, "second crash")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A plan to be run, and what has been covered once its last fault has struck.

    ``point`` is the index of the point that the fault is aimed at, in the run that the plan was made from.
    """

    plan: Plan
    target: Target
    point: int


@dataclass(frozen=True, slots=True)
class _Sequel:
    """A run with a crash, after which a second one is to strike: at each of the points of the indices."""

    plan: Plan
    points: Sequence[Point]
    indices: Sequence[int]


def kinds_of(settings: ExplorationSettings) -> dict[Topic, tuple[type[Fault], ...]]:
    """Return the kinds of faults that the settings ask for, by topic."""
    return {
        Topic.CRASH: () if settings.crashes == "none" else (faults.crash,),
        Topic.API: () if settings.api_faults == "none" else API_KINDS,
        Topic.CALLBACK: tuple(CALLBACK_KINDS[name] for name in settings.callbacks),
        Topic.OTHER: settings.kinds,
    }


class Sweep:
    """Hands out the plans and learns from their trials. ``found`` counts the plans of each target.

    They come in the order of the run. If there are more than ``most`` of them, or time is limited, those
    come first that have least in common.
    """

    def __init__(self, settings: ExplorationSettings, ordinary: Trial, most: int | None = None) -> None:
        self._settings = settings
        self._kinds = kinds_of(settings)
        self.found: dict[Target, int] = {}
        self.equal = 0
        """How many pairs are not run because what follows the first crash is known from another run."""
        self._places: set[_Place] = {_place(point) for point in ordinary.points}
        self._expanded: set[tuple[str, tuple[_Place, ...], frozenset[tuple[_Place, int]]]] = set()
        self._interned: dict[Point, Point] = {}
        self._sequels: deque[_Sequel] = deque()
        roots = list(self._plans_at(Plan(), ordinary.points, range(len(ordinary.points))))
        self.roots: Sequence[Attempt] = roots
        """The plans of one fault at a point of the run without faults, those of other shards too."""
        is_cut_off = settings.budget is not None or (most is not None and len(roots) > most)
        self._spread = Spread() if is_cut_off else None
        self._waiting: list[tuple[Rank, int, Attempt]] = []
        self._sequence = count()
        self._wait(
            [attempt for index, attempt in enumerate(roots) if settings.is_mine(index)], ordinary.points
        )
        self._second: Iterator[Attempt] = iter(())

    def _wait(self, attempts: Sequence[Attempt], points: Sequence[Point]) -> None:
        """Let plans wait for their turn; the last fault of each strikes at one of the points."""
        ranks: Sequence[Rank] = [(0, 0)] * len(attempts)
        if self._spread is not None and attempts:
            batch = [(points[attempt.point], attempt.plan.faults[-1]) for attempt in attempts]
            ranks = self._spread.rank(batch, len(attempts[0].plan.faults) - 1)
        for rank, attempt in zip(ranks, attempts, strict=True):
            heappush(self._waiting, (rank, next(self._sequence), attempt))

    def next(self) -> Attempt | None:
        """Return the next plan to run; None if there is none, until `learn` has found more."""
        if self._waiting:
            return heappop(self._waiting)[-1]
        while True:
            attempt = next(self._second, None)
            if attempt is not None or not self._sequels:
                return attempt
            self._second = self._after(self._sequels.popleft())

    @property
    def is_done(self) -> bool:
        """Whether every plan that is known of has been handed out."""
        if self._waiting:
            return False
        following = self.next()
        if following is not None:
            heappush(self._waiting, ((0, 0), next(self._sequence), following))
        return following is None

    def learn(self, attempt: Attempt, trial: Trial) -> bool:
        """Take note of how a plan went. Return whether its last fault has struck, so that it counts."""
        last = attempt.plan.faults[-1]
        strike = strike_of(last, trial.points)
        if strike is None or last not in trial.struck:
            return False
        if len(attempt.plan.faults) >= _MOST_FAULTS:
            return True
        new = []
        for index in range(strike + 1, len(trial.points)):
            place = _place(trial.points[index])
            if place not in self._places:
                self._places.add(place)
                new.append(index)
        self._wait(list(self._plans_at(attempt.plan, trial.points, new)), trial.points)
        is_first_crash = attempt.target.topic is Topic.CRASH and len(attempt.plan.faults) == 1
        if self._settings.crashes == "pairs" and is_first_crash:
            planned = frozenset(new)
            self._continue(
                attempt.plan, trial, [i for i in range(strike + 1, len(trial.points)) if i not in planned]
            )
        return True

    def _continue(self, plan: Plan, trial: Trial, indices: Sequence[int]) -> None:
        """Plan a second crash at each of the points, unless another run went on just so."""
        rest = [trial.points[index] for index in indices]
        many = sum(len(faults.crash.explored_at(point)) for point in rest)
        # Bodies that ran may have changed what no ledger knows of.
        ran = Counter(_place(point) for point in trial.points if point.position in _BODIES)
        key = (trial.state, tuple(map(_place, rest)), frozenset(ran.items()))
        if key in self._expanded:
            self.equal += many
            return
        self._expanded.add(key)
        self.found[PAIR] = self.found.get(PAIR, 0) + many
        # Runs share most of their points, and a long test has many runs.
        points = tuple(self._interned.setdefault(point, point) for point in trial.points)
        self._sequels.append(_Sequel(plan, points, indices))

    @staticmethod
    def _after(sequel: _Sequel) -> Iterator[Attempt]:
        aim = Aim(sequel.points)
        for index in sequel.indices:
            for fault in aim.at(index, (faults.crash,)):
                yield Attempt(Plan((*sequel.plan.faults, fault)), PAIR, index)

    def _plans_at(self, plan: Plan, points: Sequence[Point], indices: Iterable[int]) -> Iterator[Attempt]:
        """Return a plan for each point of the indices and each fault, and count them as found."""
        aim = Aim(points)
        indices = list(indices)
        for topic, kinds in self._kinds.items():
            if not kinds:
                continue
            for index in indices:
                for fault in aim.at(index, kinds):
                    target = Target(topic, _group(topic, points[index], fault))
                    self.found[target] = self.found.get(target, 0) + 1
                    yield Attempt(Plan((*plan.faults, fault)), target, index)


# Where the body of a step has run, in part or to its end.
_BODIES = frozenset({Position.DURING_STEP, Position.AFTER_STEP})


def _place(point: Point) -> _Place:
    return point.position, point.path, point.effect, point.attempt


_GROUPS = {
    Position.BEFORE_STEP: "before a step",
    Position.DURING_STEP: "at an effect",
    Position.AFTER_STEP: "after a step",
    Position.RETURN: "before return",
    Position.REPLAY: "during replay",
}


def _group(topic: Topic, point: Point, fault: Fault) -> str:
    if topic is not Topic.CRASH:
        return type(fault).__name__
    if isinstance(fault, faults.crash) and point.position is Position.REQUEST:
        return "reply lost" if fault.persisted else "request lost"
    return _GROUPS.get(point.position, point.position.value)
