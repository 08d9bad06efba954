"""Shrink: the smallest plan that fails in the same way.

First whole groups of faults and picks are left out (delta debugging: Zeller and Hildebrandt, "Simplifying
and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002), then each that is left is made simpler. A plan
counts as smaller by `cost` alone, so the same failure gives the same plan on every machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, permutations
from typing import Any, TypeAlias

from pytest_durable.exploration.aim import Aim, strike_of
from pytest_durable.exploration.trial import RunTrial, Trial
from pytest_durable.faults import Fault, Name, crash, latency, name_for
from pytest_durable.plan import Plan
from pytest_durable.points import Position

DEFAULT_RUNS = 400

# How many points before a crash are tried as its place. Those of the same step are among them.
_EARLIER_POINTS = 6

# Leaving out a pick can move the decisions after it by a few.
_SHIFTS = (0, -1, 1, -2, 2)
_PICKS_SHIFTED = 8

# A step takes so long that all that can be done meanwhile is done; of so many steps at most.
_SLOW, _SLOWER = "1s", "2s"
_STEPS_SLOWED = 8

_ALWAYS = 1_000_000

_PLACES = ("before_step", "during_step", "after_step", "at_checkpoint", "before_return", "during_replay")

_Item: TypeAlias = Fault | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest failing plan that was found, its trial, in how many runs, and whether it was cut off."""

    plan: Plan
    trial: Trial
    runs: int
    is_cut_off: bool


def shrink(
    run: RunTrial, trial: Trial, *, runs: int = DEFAULT_RUNS, is_late: Callable[[], bool] = lambda: False
) -> Shrunk:
    """Return the smallest plan that fails as ``trial`` does, in at most so many runs.

    ``is_late`` ends the search, with the best so far.
    """
    shrinker = _Shrinker(run, trial, runs, is_late)
    shrinker.shrink()
    return Shrunk(shrinker.plan, shrinker.best, shrinker.runs, shrinker.is_cut_off)


def cost(plan: Plan) -> tuple[object, ...]:
    """Return what plans are compared by: fewer things first, then simpler ones."""
    return (
        len(plan),
        len(plan.picks),
        sum(_rank(fault) for fault in plan.faults),
        sum(_numbers(fault) for fault in plan.faults),
        sum(len(repr(fault)) for fault in plan.faults),
        sum(option for _, option in plan.picks),
        sum(at for at, _ in plan.picks),
    )


def _rank(fault: Fault) -> int:
    """Return how late in a run, and how hard to read, the place of a crash is."""
    if not isinstance(fault, crash):
        return 0
    place = next(rank for rank, name in enumerate(_PLACES) if getattr(fault, name) not in (None, False))
    return 2 * place + fault.persisted


def _numbers(fault: Fault) -> int:
    numbers = [value for value in vars(fault).values() if type(value) is int]
    return sum(numbers) + (_ALWAYS if fault.times == "always" else 0)


class _CutOffError(Exception):
    """No more runs are allowed."""


class _Shrinker:
    def __init__(self, run: RunTrial, trial: Trial, limit: int, is_late: Callable[[], bool]) -> None:
        assert trial.failure is not None, "only a failure can be shrunk"
        self._run = run
        self._fingerprint = trial.failure.fingerprint
        self._limit = limit
        self._is_late = is_late
        self._tried: set[tuple[object, ...]] = set()
        self.best = trial
        self.plan = _what_happened(trial)
        self.runs = 0
        self.is_cut_off = False

    def shrink(self) -> None:
        try:
            self._accept(Plan(self.plan.faults))
            self._accept(Plan((), self.plan.picks))
            before: tuple[object, ...] | None = None
            while before != cost(self.plan):
                before = cost(self.plan)
                self._leave_out()
                self._simplify()
                self._slow_down()
        except _CutOffError:
            self.is_cut_off = True

    def _accept(self, plan: Plan) -> bool:
        """Run a plan, and go on from it if it is smaller and fails in the same way."""
        key = (tuple(map(repr, plan.faults)), plan.picks)
        # The empty plan is known to pass.
        if len(plan) == 0 or key in self._tried or cost(plan) >= cost(self.plan):
            return False
        if self.runs >= self._limit or self._is_late():
            raise _CutOffError
        self._tried.add(key)
        self.runs += 1
        trial = self._run(plan)
        if trial.failure is None or trial.failure.fingerprint != self._fingerprint:
            return False
        happened = _what_happened(trial)
        self.best, self.plan = trial, min(plan, happened, key=cost) if len(happened) else plan
        return True

    def _leave_out(self) -> None:
        """Leave out parts of the plan: halves, quarters, and so on to single ones."""
        parts = 2
        while True:
            items: list[_Item] = [*self.plan.faults, *self.plan.picks]
            parts = min(parts, len(items))
            if parts < 2:
                return
            if any(self._accept(_plan_of(rest)) for rest in _complements(items, parts)):
                parts = max(parts - 1, 2)
            elif parts == len(items):
                return
            else:
                parts *= 2

    def _simplify(self) -> None:
        """Make each part simpler, one change at a time, as long as one helps."""
        while any(self._accept(plan) for plan in self._simpler_plans()):
            pass

    def _simpler_plans(self) -> Iterator[Plan]:
        plan = self.plan
        for index, fault in enumerate(plan.faults):
            for simpler in (*_simpler(fault), *self._earlier(fault)):
                yield Plan((*plan.faults[:index], simpler, *plan.faults[index + 1 :]), plan.picks)
        for index, (at, option) in enumerate(plan.picks):
            if option > 1:
                others = plan.picks[:index], plan.picks[index + 1 :]
                for smaller in {1: None, option // 2: None, option - 1: None}:
                    yield Plan(plan.faults, (*others[0], (at, smaller), *others[1]))
        if 1 < len(plan.picks) <= _PICKS_SHIFTED:
            for index in range(len(plan.picks)):
                for shift in _SHIFTS[1:]:
                    later = ((at + shift, option) for at, option in plan.picks[index + 1 :])
                    yield Plan(plan.faults, _sound((*plan.picks[:index], *later)))

    def _slow_down(self) -> None:
        """Let slow steps stand for picks: what comes late is late everywhere, and easier to read."""
        if not self.plan.picks:
            return
        names: dict[Name, None] = {
            name_for(point): None for point in self.best.points if point.position is Position.BEFORE_STEP
        }
        names.pop(True, None)
        few = list(names)[:_STEPS_SLOWED]
        plans = [[latency(name, _SLOW)] for name in few]
        if len(self.plan.picks) > 1:
            plans += [[latency(one, _SLOW), latency(two, _SLOWER)] for one, two in permutations(few, 2)]
        any(self._accept(Plan((*self.plan.faults, *slow))) for slow in plans)

    def _earlier(self, fault: Fault) -> Iterator[Fault]:
        """Return crashes at the points shortly before that of a crash, and the others at its own."""
        if not isinstance(fault, crash) or fault.times != 1:
            return
        strike = strike_of(fault, self.best.points)
        if strike is None:
            return
        aim = Aim(self.best.points)
        for index in range(max(strike - _EARLIER_POINTS, 0), strike + 1):
            yield from aim.at(index, (crash,))


def _what_happened(trial: Trial) -> Plan:
    """Return the plan of a trial without the faults that did not strike."""
    struck = list(trial.struck)
    return Plan(tuple(fault for fault in trial.plan.faults if fault in struck), trial.plan.picks)


def _plan_of(items: list[_Item]) -> Plan:
    return Plan(
        tuple(item for item in items if isinstance(item, Fault)),
        tuple(item for item in items if isinstance(item, tuple)),
    )


def _complements(items: list[_Item], parts: int) -> Iterator[list[_Item]]:
    """Return what is left without each of so many parts, the last first: what comes late counts less."""
    bounds = [len(items) * index // parts for index in range(parts + 1)]
    for start, end in reversed(list(pairwise(bounds))):
        yield items[:start] + items[end:]


def _simpler(fault: Fault) -> Iterator[Fault]:
    """Return the fault with one field changed for a simpler value."""
    for spec in dataclasses.fields(fault):
        value: Any = getattr(fault, spec.name)
        if spec.name == "error" and value is not None:
            changed: dict[str, Any] = {spec.name: None}
            yield replace(fault, **changed)
        elif value == "always" and spec.name == "times":
            yield replace(fault, times=1)
        elif type(value) is int and value > 1 and spec.name in ("nth", "times", "at_checkpoint", "items"):
            for smaller in {1: None, value // 2: None, value - 1: None}:
                yield replace(fault, **{spec.name: smaller})


def _sound(picks: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return picks sorted, with one for each decision."""
    return tuple(sorted({at: option for at, option in picks if at >= 0}.items()))
