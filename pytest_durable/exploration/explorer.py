"""Explorer: runs a test under one plan after another until one makes it fail, or all have been run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pytest_durable.exploration.coverage import Coverage
from pytest_durable.exploration.limits import Limits, limits_of
from pytest_durable.exploration.orders import Orders
from pytest_durable.exploration.portfolio import Portfolio
from pytest_durable.exploration.report import Outcome, Report
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.shrink import DEFAULT_RUNS, shrink
from pytest_durable.exploration.sweep import Attempt, Sweep, Target, Topic
from pytest_durable.exploration.trial import RunTrial, Schedule, Trial
from pytest_durable.plan import ORDINARY, Plan
from pytest_durable.result.wording import counted

# Nobody waits longer for a smaller plan.
SHRINKING_SECONDS = 20.0


def explore(
    run: RunTrial,
    settings: ExplorationSettings,
    known: Sequence[Plan] = (),
    *,
    seed: int = 0,
    elapsed: Callable[[], float] = lambda: 0.0,
    shrinking_runs: int = DEFAULT_RUNS,
) -> Report:
    """Run the test without faults, then under the ``known`` plans, then under those of the settings.

    The first failure ends it, and is made as small as it gets. ``run`` must not fail because a fault did
    not strike: a plan is made from one run for another. ``elapsed`` returns real seconds since any moment.
    """
    return _Explorer(run, settings, seed, elapsed, shrinking_runs).explore(known)


class _Found(Exception):  # noqa: N818 - the end of the search, not an error
    """A run has failed."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.trial = trial


class _BudgetSpent(Exception):  # noqa: N818 - see above
    """Nothing more may be run."""


class _Explorer:
    def __init__(
        self,
        run: RunTrial,
        settings: ExplorationSettings,
        seed: int,
        elapsed: Callable[[], float],
        shrinking_runs: int,
    ) -> None:
        self._run_trial = run
        self._settings = settings
        self._seed = seed
        self._elapsed = elapsed
        self._started = elapsed()
        self._shrinking_runs = shrinking_runs
        self._limits = Limits()
        self._sweep: Sweep | None = None
        self._portfolio: Portfolio | None = None
        self._orders: Orders | None = None
        self._covered: dict[Target, int] = {}
        self._states: set[str] = set()
        self._runs = self._repeated = self._missed = self._decisions = self._schedules = 0
        self._cut_off = ""
        self._fixed: list[Plan] = []

    def explore(self, known: Sequence[Plan]) -> Report:
        try:
            ordinary = self._run(ORDINARY)
        except _Found as found:
            return replace(self._report(Outcome.FAILED_PLAIN), trial=found.trial, found=found.trial)
        self._limits = limits = limits_of(self._settings, ordinary)
        self._sweep = Sweep(self._settings, ordinary, limits.sweep)
        try:
            self._run_known(known)
            self._run_sweep(self._sweep, limits.sweep)
            has_more_orders = self._run_orders(self._sweep)
            self._run_sweep(self._sweep, limits.total if limits.is_default else None)
            if has_more_orders or not self._sweep.is_done:
                self._cut_off = self._told_limit(self._sweep)
        except _BudgetSpent:
            pass
        except _Found as found:
            return self._confirmed(found.trial)
        return self._report(Outcome.PASSED)

    def _run_known(self, known: Sequence[Plan]) -> None:
        for plan in known:
            self._demand_budget()
            self._repeated += 1
            self._run(plan)
            self._fixed.append(plan)

    def _run_sweep(self, sweep: Sweep, most: int | None) -> None:
        """Run plans of the sweep until ``most`` runs have been made, or none is left."""
        while not sweep.is_done and (most is None or self._explored < most):
            self._demand_budget()
            attempt = sweep.next()
            assert attempt is not None, "it has said that it has one"
            try:
                trial = self._run(attempt.plan)
            except _Found as found:
                # What has made the test fail has been tried, too.
                self._count(sweep, attempt, found.trial)
                raise
            self._count(sweep, attempt, trial)

    def _count(self, sweep: Sweep, attempt: Attempt, trial: Trial) -> None:
        if sweep.learn(attempt, trial):
            self._covered[attempt.target] = self._covered.get(attempt.target, 0) + 1
        else:
            self._missed += 1

    @property
    def _explored(self) -> int:
        """How many runs have been made, but for the ordinary one and repetitions."""
        return self._runs - 1 - self._repeated

    def _run_orders(self, sweep: Sweep) -> bool:
        """Run orders; return whether more of them are left out than were asked for."""
        settings = self._settings
        if settings.interleavings == "exhaustive":
            self._search_orders()
            return False
        if self._limits.orders is not None:
            settings = replace(settings, interleavings=min(settings.interleavings, self._limits.orders))
        crashes = [attempt.plan.faults[0] for attempt in sweep.roots if attempt.target.topic is Topic.CRASH]
        self._portfolio = portfolio = Portfolio(settings, self._seed, crashes)
        while (drawn := portfolio.draw()) is not None:
            self._demand_budget()
            states = len(self._states)
            trial = self._run(drawn.plan, drawn.schedule)
            portfolio.learn(drawn, trial, is_new=len(self._states) > states)
        return settings is not self._settings and portfolio.is_cut_off_below(self._settings.interleavings)

    def _search_orders(self) -> None:
        """Run every order there is. What comes next depends on the run before, so one shard does it all."""
        if not self._settings.is_mine(0):
            return
        self._orders = orders = Orders(self._settings)
        while (schedule := orders.next_schedule()) is not None:
            self._demand_budget()
            orders.learn(self._run(ORDINARY, schedule))

    def _run(self, plan: Plan, schedule: Schedule | None = None) -> Trial:
        trial = self._run_trial(plan) if schedule is None else self._run_trial(plan, schedule)
        self._runs += 1
        self._schedules += schedule is not None
        self._decisions += len(trial.decisions)
        self._states.add(trial.state)
        if trial.failure is not None:
            raise _Found(trial)
        return trial

    def _demand_budget(self) -> None:
        """Stop if a budget is spent. The ordinary run counts for neither."""
        explored = self._runs - 1
        what = ""
        if self._settings.schedules is not None and explored >= self._settings.schedules:
            what = f"of {self._settings.schedules:,} schedules"
        elif self._elapsed() - self._started >= self._settings.budget_seconds:
            what = f"of {self._settings.budget_seconds:g} s"
        if not what:
            return
        sweep = self._sweep
        assert sweep is not None, "the ordinary run comes first"
        found, covered = sum(sweep.found.values()), sum(self._covered.values())
        self._cut_off = f"budget {what} reached after {counted(explored, 'run')}"
        if found:
            self._cut_off += f", {covered:,} of {found:,} points of the sweep"
        raise _BudgetSpent

    def _told_limit(self, sweep: Sweep) -> str:
        """Say that the default limit has ended it, and how to go on."""
        limits, asked = self._limits, self._settings.interleavings
        most = limits.total or limits.sweep or 0
        found, covered = sum(sweep.found.values()), sum(self._covered.values())
        enough = found + (self._settings.orders if asked == "exhaustive" else asked)
        return (
            f"stopped at the default limit of {most:,} schedules for a run of this length: "
            f"{covered:,} of {found:,} points covered; --durable-schedules={enough} runs all"
        )

    def _confirmed(self, trial: Trial) -> Report:
        """Look again before a failure counts, and then make it small."""
        assert trial.failure is not None, "only failures are confirmed"
        ordinary = self._run_trial(ORDINARY)
        if ordinary.failure is not None:
            return replace(self._report(Outcome.NOT_REPEATABLE), trial=ordinary, found=trial)
        again = self._run_trial(trial.plan)
        if again.failure is None or again.failure.fingerprint != trial.failure.fingerprint:
            unlike = self._report(Outcome.NOT_DETERMINISTIC)
            return replace(unlike, plan=trial.plan, trial=trial, found=trial, repeated=again)
        started = self._elapsed()
        shrunk = shrink(
            self._run_trial,
            trial,
            runs=self._shrinking_runs,
            is_late=lambda: self._elapsed() - started >= SHRINKING_SECONDS,
        )
        return replace(
            self._report(Outcome.FOUND),
            plan=shrunk.plan,
            trial=shrunk.trial,
            found=trial,
            repeated=again,
            shrinking_runs=shrunk.runs,
            shrinking_cut_off=shrunk.is_cut_off,
        )

    def _report(self, outcome: Outcome) -> Report:
        return Report(outcome, self._coverage(), self._seed, fixed=tuple(self._fixed))

    def _coverage(self) -> Coverage:
        sweep = self._sweep
        return Coverage(
            found={} if sweep is None else dict(sweep.found),
            covered=dict(self._covered),
            missed=self._missed,
            equal_pairs=0 if sweep is None else sweep.equal,
            runs=self._runs,
            repeated=self._repeated,
            states=len(self._states),
            decisions=self._decisions,
            schedules=self._schedules,
            order=str(self._portfolio or self._orders or ""),
            cut_off=self._cut_off,
            shard=self._settings.shard,
        )
