"""--durable-mutate: runs each durable test that passes under mutants, and lists those it would not notice."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_durable.campaign.given import is_property
from pytest_durable.campaign.reruns import Reruns
from pytest_durable.errors import DurableTestError
from pytest_durable.mutation import Mutant, Observer, Verdict, apply, mutants_of
from pytest_durable.result.wording import counted
from pytest_durable.simulator.runner import LocalRunner

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_RUNNER, _LEDGER = "durable_runner", "durable_effects"

_mutant_key: pytest.StashKey[Mutant] = pytest.StashKey()
_verdict_key: pytest.StashKey[Verdict] = pytest.StashKey()

# Of a report, which travels from the processes of xdist as JSON.
_ATTRIBUTE = "durable_mutants"


class SelfTest:
    """The hooks. Registered only where the self-test is asked for."""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Let the runner and the ledger of a run under a mutant misbehave as it says."""
        made = yield
        mutant = None
        if fixturedef.argname in (_RUNNER, _LEDGER):
            mutant = request.node.stash.get(_mutant_key, None)
        if mutant is not None:
            is_runner = isinstance(made, LocalRunner)
            apply(mutant, made if is_runner else None, None if is_runner else made)
        return made

    # Outside all else that decides whether the test passes.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Run the test under its mutants when it has passed."""
        yield
        if isinstance(item, pytest.Function) and _RUNNER in item.fixturenames and not is_property(item):
            item.stash[_verdict_key] = _try(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the verdict into the report."""
        report = yield
        verdict = item.stash.get(_verdict_key, None)
        if verdict is not None and report.when == "call" and report.passed:
            setattr(report, _ATTRIBUTE, [verdict.mutants, [list(pair) for pair in verdict.unnoticed]])
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the tests that would not notice something."""
        verdicts = {
            report.nodeid: Verdict(found[0], [(told, hint) for told, hint in found[1]])
            for report in terminalreporter.getreports("passed")
            if (found := getattr(report, _ATTRIBUTE, None)) is not None
        }
        mutated = {nodeid: verdict for nodeid, verdict in sorted(verdicts.items()) if verdict.mutants}
        if not verdicts:
            return
        terminalreporter.write_sep("-", "durable self-test")
        for nodeid, verdict in mutated.items():
            for line in verdict.lines(nodeid):
                terminalreporter.write_line(line)
        blind = sum(bool(verdict.unnoticed) for verdict in mutated.values())
        idle = len(verdicts) - len(mutated)
        none = f"; {counted(idle, 'test')} had nothing to mutate" if idle else ""
        terminalreporter.write_line(
            f"{blind} of {counted(len(mutated), 'test')} would not notice something{none}"
        )


def _try(item: pytest.Function) -> Verdict:
    """Run a test under each of its mutants."""
    reruns = Reruns(item, lambda: _conclude(item))
    reruns.begin()
    observer = Observer()
    try:
        error = _run(item, reruns, observer)
        if error is not None:
            raise DurableTestError(
                f"{item.nodeid} passes, and fails when it runs again with new fixtures of function scope "
                f"({type(error).__name__}: {error}). Something that it changes outlasts it, so its oracles "
                "cannot be tried."
            ) from error
        mutants = list(mutants_of(observer, has_ledger=_LEDGER in item.fixturenames))
        unnoticed = [(mutant.told, mutant.hint) for mutant in mutants if _run(item, reruns, mutant) is None]
    finally:
        reruns.end()
    return Verdict(len(mutants), unnoticed)


def _run(item: pytest.Function, reruns: Reruns, mutant: Mutant) -> BaseException | None:
    item.stash[_mutant_key] = mutant
    try:
        return reruns.trial()
    finally:
        del item.stash[_mutant_key]


def _conclude(item: pytest.Function) -> None:
    """Demand at the end of a run what is demanded of the ordinary one: scripts and invariants notice, too."""
    runner = item.funcargs.get(_RUNNER)
    if isinstance(runner, LocalRunner):
        runner.check_invariants()
        runner.check_scripts()
