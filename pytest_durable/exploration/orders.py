"""Orders: every order there is, those with few preemptions first.

Depth first alone an exhaustive search tells apart the ends of runs for a long time before it comes to their
beginnings, and most bugs take few preemptions: Musuvathi and Qadeer, "Iterative Context Bounding for
Systematic Testing of Multithreaded Programs", PLDI 2007.
"""

from __future__ import annotations

from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.trial import Schedule, Trial
from pytest_durable.schedules import ExhaustiveSearch
from pytest_durable.schedules.base import Kind

# Bounds that are tried before the one that was asked for.
_FIRST_BOUNDS = (0, 1, 2)

_WORDS = {Kind.PREEMPT: "preemptions", Kind.ADVANCE: "moves of the clock ahead of its time"}


class Orders:
    """Hands out the schedules of one search after another, each with more preemptions than the one before."""

    def __init__(self, settings: ExplorationSettings) -> None:
        self._settings = settings
        limit = settings.preemptions
        self._bounds: list[int | None] = [bound for bound in _FIRST_BOUNDS if limit is None or bound < limit]
        self._bounds.append(limit)
        self._bound = self._bounds.pop(0)
        self._search = self._new_search()
        self._runs = 0
        self._left_out: dict[Kind, int] = {}
        """The bounds that have kept a run from going another way."""

    def next_schedule(self) -> Schedule | None:
        """Return the schedule of the next run; None if there is none, or so many runs have been made."""
        schedule = self._search.next_schedule()
        if schedule is None and self._has_more_bounds and self._search.exhausted:
            self._bound = self._bounds.pop(0)
            self._search = self._new_search()
            self._left_out.clear()
            schedule = self._search.next_schedule()
        return schedule if self._runs < self._settings.orders else None

    def learn(self, trial: Trial) -> None:
        """Take note of how a run went."""
        self._runs += 1
        limits = {Kind.PREEMPT: self._bound, Kind.ADVANCE: self._settings.advances}
        spent = dict.fromkeys(limits, 0)
        for decision in trial.decisions:
            if decision.kind in limits:
                kind = Kind(decision.kind)
                if spent[kind] == limits[kind] and not decision.picked:
                    self._left_out[kind] = spent[kind]
                spent[kind] += decision.picked

    def _new_search(self) -> ExhaustiveSearch:
        # One more than may be run, so that a search which ends with the last one knows that it is done.
        return ExhaustiveSearch(self._settings.orders + 1, self._settings.advances, self._bound)

    def __str__(self) -> str:
        if self._search.diverged:
            return self._search.report
        if not self._search.exhausted or self._has_more_bounds:
            return f"{self._runs:,} run, not exhausted"
        bounds = [f"{self._left_out[kind]} {word}" for kind, word in _WORDS.items() if kind in self._left_out]
        return self._search.report + (f" with at most {' and '.join(bounds)}" if bounds else "")

    @property
    def _has_more_bounds(self) -> bool:
        return bool(self._bounds) and Kind.PREEMPT in self._left_out
