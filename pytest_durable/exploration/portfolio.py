"""Portfolio: strategies for the order of events, of which those that find new states get a larger share.

Shares depend on counts alone, never on time, so the same test gets the same schedules on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pytest_durable.entropy import Entropy
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.trial import Schedule, Trial
from pytest_durable.faults import Fault
from pytest_durable.plan import Plan
from pytest_durable.result.wording import counted
from pytest_durable.schedules import Pct, Seeded

MakeSchedule: TypeAlias = Callable[[int, int], Schedule]
"""Makes a schedule from a seed and the number of decisions that a run is expected to have."""

# The best strategy gets so many times the share of the worst, at most.
_LARGEST_SHARE = 5.0

# What a run is expected to have before one has been seen.
_STEPS = 100


@dataclass(slots=True)
class Strategy:
    """One way to draw runs, and what has come of it. ``depth`` is that of PCT, 0 of others.

    With ``crashes`` each run has one crash, at a point drawn at random, too.
    """

    name: str
    make: MakeSchedule
    depth: int = 0
    crashes: bool = False
    runs: int = 0
    new_states: int = 0

    @property
    def share(self) -> float:
        """How much it deserves, from 1 to `_LARGEST_SHARE`."""
        return 1 + (_LARGEST_SHARE - 1) * self.new_states / max(self.runs, 1)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A run to be made: the schedule of a strategy, and a plan that has a crash at most."""

    strategy: Strategy
    plan: Plan
    schedule: Schedule


@dataclass(slots=True)
class Portfolio:
    """Draws runs. ``crashes`` are those that a run may be combined with."""

    settings: ExplorationSettings
    seed: int
    crashes: Sequence[Fault] = ()
    strategies: list[Strategy] = field(default_factory=list)

    runs: int = 0
    """How many runs have been made."""

    _index: int = 0
    _steps: int = _STEPS
    _missed: float = 1.0
    _decides: bool = False
    """Whether in any run something could have gone another way."""

    _lacks_decisions: set[Fault | None] = field(default_factory=set)
    """The crashes, None for no crash, under which nothing can go another way."""

    def __post_init__(self) -> None:
        if not self.strategies:
            self.strategies = strategies_of(self.settings, with_crashes=bool(self.crashes))

    def draw(self) -> Drawn | None:
        """Return the next run; None if all have been made, or nothing can go another way."""
        assert self.settings.interleavings != "exhaustive", "an exhaustive search draws nothing"
        while self._index < self.settings.interleavings:
            index = self._index
            self._index += 1
            if not self.settings.is_mine(index):
                continue
            stream = Entropy(self.seed).stream(f"interleaving {index}")
            crashes = [fault for fault in self.crashes if fault not in self._lacks_decisions]
            strategy = self._deserving(has_crashes=bool(crashes))
            if strategy is None:
                return None
            schedule = strategy.make(stream.getrandbits(32), self._steps)
            faults = (stream.choice(crashes),) if strategy.crashes else ()
            return Drawn(strategy, Plan(faults), schedule)
        return None

    def is_cut_off_below(self, asked: int | str) -> bool:
        """Return whether so many would have been drawn if the settings allowed it."""
        return self._index == self.settings.interleavings != asked

    def _deserving(self, *, has_crashes: bool) -> Strategy | None:
        """Return the strategy that has had least, measured by what it deserves; the first of equal ones."""
        possible = [
            strategy
            for strategy in self.strategies
            if (has_crashes if strategy.crashes else None not in self._lacks_decisions)
        ]
        return min(possible, key=lambda strategy: (strategy.runs + 1) / strategy.share, default=None)

    def learn(self, drawn: Drawn, trial: Trial, *, is_new: bool) -> None:
        """Take note of what came of a run; ``is_new`` tells whether no other has come to its state."""
        self.runs += 1
        drawn.strategy.runs += 1
        drawn.strategy.new_states += is_new
        if not trial.decisions:
            self._lacks_decisions.add(drawn.plan.faults[0] if drawn.plan.faults else None)
            return
        self._decides = True
        self._learn_bound(drawn, len(trial.decisions))
        if not drawn.plan.faults:
            self._steps = len(trial.decisions)

    def _learn_bound(self, drawn: Drawn, decisions: int) -> None:
        """Multiply the probability that a bug of the depth would have been missed by that of this run."""
        schedule, depth = drawn.schedule, self.settings.depth
        if not isinstance(schedule, Pct) or drawn.strategy.depth != depth or drawn.strategy.crashes:
            return
        if schedule.lanes and decisions <= schedule.steps:
            self._missed *= 1 - 1 / (schedule.lanes * schedule.steps ** (depth - 1))

    def __str__(self) -> str:
        if not self.runs:
            return "none run" if self.settings.interleavings else ""
        if not self._decides:
            return f"{counted(self.runs, 'run')}, nothing can go another way"
        counts = [f"{strategy.name} {strategy.runs:,}" for strategy in self.strategies if strategy.runs]
        text = f"{self.runs:,} sampled ({', '.join(counts)})"
        missed = _rounded_up(self._missed)
        if missed != "1":
            text += f"; a bug of depth {self.settings.depth} is missed with p <= {missed}"
        return text


def strategies_of(settings: ExplorationSettings, *, with_crashes: bool) -> list[Strategy]:
    """Return the strategies for the settings: random, and PCT of some depths, each with a crash, too."""
    depths = sorted({min(2, settings.depth), settings.depth})
    plain = [Strategy("random", lambda seed, steps: Seeded(seed))]
    plain += [Strategy(f"PCT {depth}", _pct(depth), depth) for depth in depths]
    if not with_crashes:
        return plain
    crashing = (plain[0], plain[-1])
    return plain + [Strategy(f"{one.name} with a crash", one.make, one.depth, True) for one in crashing]


def _pct(depth: int) -> MakeSchedule:
    return lambda seed, steps: Pct(seed, depth, steps)


def _rounded_up(probability: float) -> str:
    """Return it with so many digits that it does not show as 1 unless it is close to that."""
    return f"{min(-(-probability * 10_000 // 1) / 10_000, 1):.4f}".rstrip("0").rstrip(".")
