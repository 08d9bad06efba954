"""DurableTest: what the plugin knows of one test, over all of its phases and runs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_durable.campaign.code import changes, code_digest
from pytest_durable.campaign.given import is_property
from pytest_durable.campaign.kinds import added_kinds
from pytest_durable.campaign.reruns import Reruns
from pytest_durable.campaign.store import FailureStore
from pytest_durable.errors import UnusedScriptError, UsageError
from pytest_durable.exploration.explorer import explore
from pytest_durable.exploration.fingerprint import failure_of
from pytest_durable.exploration.report import LEFT_BEHIND, Outcome, Report
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.token import Token
from pytest_durable.exploration.trial import Schedule, Trial
from pytest_durable.faults import KINDS
from pytest_durable.fixtures import Demands, Directions, make_runner
from pytest_durable.markers import (
    DURABLE_EXECUTION,
    DURABLE_EXPLORE,
    DURABLE_FAULTS,
    exploration_arguments,
)
from pytest_durable.plan import Plan
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.runner import LocalRunner
from pytest_durable.simulator.trials import is_users_file, observe
from pytest_durable.simulator.wall_clock import real_seconds

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

RUNNER = "durable_runner"


class UnusedMarkerWarning(pytest.PytestWarning):
    """A test has the marker ``durable_execution`` and runs nothing."""


class DurableTest:
    """One test: how it is to run, and what has come of it.

    Raises:
        UsageError: a marker is wrong.
    """

    def __init__(self, item: pytest.Item, token: Token | None) -> None:
        self.item = item
        self.token = token
        self.runner: LocalRunner | None = None
        """The runner of the run that goes on, or was last."""
        self.ledger: EffectLedger | None = None
        """The ledger of effects of that run, if the test has one."""
        self.report: Report | None = None
        """What an exploration has come to."""
        self._ordinary_timeline = ""
        self._ordinary_tables: list[tuple[str, str]] = []
        self._idle_scripts: set[tuple[int, str]] = set()
        self._complaint = ""
        self.problem = ""
        """Why the token could not be made."""
        self._demands = Demands.of(item)
        self._seen_prefixes: dict[str, None] = {}
        self.is_property = is_property(item)
        """Whether Hypothesis runs it, as often as it has examples."""
        marker = exploration_arguments(item)
        kinds = added_kinds(item.config)
        self.exploration: ExplorationSettings | None = None
        if token is None and not self.is_property and not item.config.getoption("trace", False):
            self.exploration = self._demands.settings.exploration(marker, kinds)
        self._directions = Directions(collects_points=self.exploration is not None)
        if token is not None:
            self._directions = Directions(plan=token.plan, seed=token.seed, is_trial=True)

    @property
    def is_for_the_cloud(self) -> bool:
        """Whether the test runs in cloud mode only."""
        mark = self._demands.mark
        return mark is not None and mark.mode == "cloud"

    def make_runner(self) -> LocalRunner:
        """Return the runner of the run that begins.

        Raises:
            UsageError: a marker is missing or wrong.
        """
        self.runner = make_runner(self._demands, self._directions)
        if self.ledger is not None:
            self.runner.use_ledger(self.ledger)
        return self.runner

    def use_ledger(self, ledger: EffectLedger) -> None:
        """Take the ledger of the run that begins, which may come before its runner or after it."""
        self.ledger = ledger
        if self.runner is not None:
            self.runner.use_ledger(ledger)

    def conclude(self) -> None:
        """Check what is to hold when the test has run.

        Raises:
            AssertionError: an invariant does not hold.
            NonDeterminismError: a replay of what has been recorded differs from the run.
        """
        if self.runner is not None:
            self.runner.check_invariants()
            self.check_replays()

    def check_replays(self) -> None:
        """Replay what the run has recorded. It comes last: the handler itself runs again.

        Raises:
            NonDeterminismError: a replay differs from the run.
        """
        if self.runner is None or self._demands.replay_check == "off":
            return
        seen = dict(self._seen_prefixes)
        self.runner.check_replay(self._demands.replay_check, seen)
        # What has failed is looked at again when the same is run again.
        self._seen_prefixes = seen

    def hints(self) -> list[str]:
        """Return what in the handler may be why the test has failed; none if no replay is checked."""
        if self.runner is None or self._demands.replay_check == "off":
            return []
        try:
            return self.runner.hints()
        except Exception as error:
            # The failure itself is to be shown, whatever its handler does when it runs again.
            return [f"This could not be found out: {type(error).__name__}: {error}"]

    def check_hash_order(self) -> None:
        """Replay in other processes what may depend on the order of a set, if the test is explored.

        Raises:
            NonDeterminismError: it does.
        """
        is_checked = self._demands.replay_check != "off"
        if self.runner is not None and self.exploration is not None and is_checked:
            self.runner.check_hash_order()

    def check_ordinary_run(self) -> str:
        """Return what is wrong with a run that has passed: something that it was told did not happen."""
        if self.runner is None:
            return self._unused_markers()
        if self.token is not None:
            # Its plan has to happen; scripts were made for the ordinary run.
            return "\n".join(self.runner.fault_complaints())
        try:
            self.runner.check_scripts()
        except UnusedScriptError as error:
            if not (self._is_explored and self.runner.scripts.only_idles):
                return str(error)
            # A run under a fault may come to what they are about.
            self._idle_scripts = set(self.runner.scripts.idle)
            self._complaint = str(error)
            return "\n".join(self.runner.fault_complaints())
        return ""

    @property
    def _is_explored(self) -> bool:
        return self.exploration is not None and isinstance(self.item, pytest.Function)

    def _unused_markers(self) -> str:
        unused = [
            name
            for name in (DURABLE_FAULTS, DURABLE_EXPLORE)
            if self.item.get_closest_marker(name) is not None
        ]
        if unused:
            return (
                f"@pytest.mark.{unused[0]} of {self.item.nodeid} has no effect: the test does not use the "
                "fixture durable_runner of this plugin. Add it to the arguments of the test, with "
                "@pytest.mark.durable_execution(handler=...)."
            )
        is_own = any(marker.name == DURABLE_EXECUTION for marker in self.item.own_markers)
        if is_own and RUNNER not in getattr(self.item, "fixturenames", ()):
            warnings.warn(
                UnusedMarkerWarning(
                    f"{self.item.nodeid} has the marker durable_execution and runs nothing: it does not use "
                    "the fixture durable_runner."
                ),
                stacklevel=1,
            )
        return ""

    def explore(self) -> None:
        """Run the test again under one plan after another, if it is to be explored.

        Raises:
            BaseException: what the test raises under the smallest plan that makes it fail.
        """
        if self.exploration is None or not isinstance(self.item, pytest.Function) or self.runner is None:
            return
        complaint = self._complaint
        reruns = Reruns(self.item, self.conclude)
        campaign = _Campaign(self, reruns)
        if self._wants_timeline():
            self._ordinary_timeline = self.runner.timeline()
        if self._wants_page():
            self._ordinary_tables = self.tables()
        store = FailureStore(self.item.config)
        kept = store.tokens(self.item.nodeid)
        known = self._known_plans(kept)
        report = self.report = explore(
            campaign.run, self.exploration, list(known), seed=self.runner.seed, elapsed=real_seconds
        )
        self._remember(store, kept, known, report)
        if report.passed:
            reruns.end()
            # Whoever runs the test again runs it as it is.
            self._directions = Directions()
            self._demand_scripts_used(report, complaint)
            return
        error = campaign.show(report.plan)
        if error is None:
            error = pytest.fail.Exception(
                report.explanation or "The test has failed in the exploration, and passes when run again.",
                pytrace=False,
            )
        raise error

    def _demand_scripts_used(self, report: Report, complaint: str) -> None:
        """Fail if a script was used in no run, of an exploration that was not cut off."""
        coverage = report.coverage
        if self._idle_scripts and not coverage.cut_off and coverage.shard is None:
            idle = ", ".join(text for _, text in sorted(self._idle_scripts))
            told = f"None of the {coverage.runs:,} runs of the exploration used {idle} either."
            pytest.fail(f"{complaint}\n{told}", pytrace=False)

    def _wants_timeline(self) -> bool:
        config = self.item.config
        return bool(config.getoption("durable_timeline") or config.getini("durable_timeline"))

    def _wants_page(self) -> bool:
        config = self.item.config
        return bool(config.getoption("durable_report") or config.getini("durable_report"))

    def _known_plans(self, kept: dict[str, str]) -> dict[Plan, str]:
        """Return the plans that have failed before, each with its fingerprint."""
        known: dict[Plan, str] = {}
        for fingerprint, text in kept.items():
            try:
                known[Token.decode(text, self._all_kinds()).plan] = fingerprint
            except UsageError:
                # Of another version, or with faults of a plugin that is gone.
                continue
        return known

    def _remember(
        self, store: FailureStore, kept: dict[str, str], known: dict[Plan, str], report: Report
    ) -> None:
        fixed = {known[plan] for plan in report.fixed}
        tokens = {fingerprint: text for fingerprint, text in kept.items() if fingerprint not in fixed}
        text = self.token_text()
        failure = None if report.trial is None else report.trial.failure
        if report.outcome is Outcome.FOUND and failure is not None and text:
            tokens[failure.fingerprint] = text
        if tokens != kept:
            store.keep(self.item.nodeid, tokens)

    def token_text(self) -> str:
        """Return the token of the failure, empty if it cannot be written down; `problem` says why."""
        if self.token is not None:
            return self.token.encode()
        if self.report is None or self.report.outcome is not Outcome.FOUND:
            return ""
        try:
            return self.report.token(self.item.nodeid, code_digest(self.item)).encode()
        except UsageError as error:
            self.problem = str(error)
            return ""

    def replay_notes(self, *, has_passed: bool = False) -> list[str]:
        """Return what is to be said of the run of a token: that the code is another one by now."""
        if self.token is None:
            return []
        changed = changes(self.item, self.token.code_digest)
        if not changed:
            unchanged = "replayed from a token; the code of the handler and of the test is unchanged"
            if has_passed:
                return [f"{unchanged}, and yet the test passes: {LEFT_BEHIND}"]
            return [unchanged]
        return [
            f"replayed from a token; the code has changed since it was made ({', '.join(changed)}), so that "
            "it may not fail as before, and may fail otherwise"
        ]

    def _all_kinds(self) -> Sequence[type[Any]]:
        return (*KINDS, *added_kinds(self.item.config))

    def timeline(self) -> str:
        """Return the timeline of the ordinary run, or of the last one."""
        return self._ordinary_timeline or ("" if self.runner is None else self.runner.timeline())

    def tables(self) -> list[tuple[str, str]]:
        """Return the executions as tables of HTML, each with its heading.

        They are those of the run that is reported: the ordinary one if an exploration has passed.
        """
        if self._ordinary_tables and self.report is not None and self.report.passed:
            return self._ordinary_tables
        if self.runner is None:
            return []
        return [(result.headline, result.to_html_table()) for result in self.runner.results]

    def direct(self, directions: Directions) -> None:
        """Say how the next run goes."""
        self._directions = directions
        self.runner = self.ledger = None

    def observed(self, plan: Plan, error: BaseException | None = None) -> Trial:
        """Return what the run that has just ended came to."""
        failure = None if error is None else failure_of(error, is_users_file)
        if self._idle_scripts and self.runner is not None:
            self._idle_scripts -= self.runner.scripts.used
        return observe(self.runner, plan, self.ledger, failure)


class _Campaign:
    """Runs the test for an exploration."""

    def __init__(self, test: DurableTest, reruns: Reruns) -> None:
        self._test = test
        self._reruns = reruns
        # pytest has made the ordinary run already.
        self._ordinary: Trial | None = test.observed(Plan())
        self._has_begun = False

    def run(self, plan: Plan, schedule: Schedule | None = None) -> Trial:
        if self._ordinary is not None and schedule is None and not plan:
            ordinary, self._ordinary = self._ordinary, None
            return ordinary
        self._begin()
        self._test.direct(Directions(plan, schedule, collects_points=True, is_trial=True))
        error = self._reruns.trial()
        return self._test.observed(plan, error)

    def show(self, plan: Plan) -> BaseException | None:
        self._begin()
        self._test.direct(Directions(plan, is_trial=True))
        return self._reruns.show()

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._reruns.begin()
