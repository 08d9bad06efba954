"""What a durable test adds to pytest's reports."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent
from typing import Any

import pytest

from pytest_durable.campaign.durable_test import DurableTest
from pytest_durable.errors import NonDeterminismError
from pytest_durable.report.exploration import (
    coverage_section,
    exploration_section,
    replay_command,
    summary_prefix,
)
from pytest_durable.report.failure import failure_section

_EFFECTS_SHOWN = 20


def failure_text(test: DurableTest, command: str, failure: str) -> str:
    """Return the section of a test that has failed, empty if it never had a runner.

    ``failure`` is what pytest shows of it; what that says is not said again.
    """
    runner = test.runner
    timeline = "" if runner is None else runner.timeline()
    notes = [*test.replay_notes(), *_effects(test), *_of_hooks(test), *_hints(test, failure)]
    report = test.report
    if report is not None and not report.passed:
        return exploration_section(
            report, timeline, test.item.nodeid, test.token_text(), notes=notes, problem=test.problem
        )
    if runner is None:
        return ""
    again = f"{command} --durable-seed={runner.seed}"
    if test.token is not None:
        again = replay_command(test.item.nodeid, test.token.encode())
    return failure_section(
        timeline, [str(pending) for pending in runner.pending], runner.seed, again, notes=notes
    )


def passed_sections(test: DurableTest) -> Iterator[tuple[str, str]]:
    """Yield the sections of a test that has passed, each with its kind."""
    config = test.item.config
    wants_timeline = config.getoption("durable_timeline") or config.getini("durable_timeline")
    if test.token is not None:
        yield "replay", "\n".join(test.replay_notes(has_passed=True))
    if test.report is not None and (wants_timeline or config.get_verbosity() > 0):
        yield "exploration", coverage_section(test.report)
    if wants_timeline and test.runner is not None:
        yield "timeline", test.timeline()


def tell_in_summary(test: DurableTest, report: pytest.TestReport) -> None:
    """Let the line of pytest's short summary say under what the test fails."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    if test.report is None:
        return
    prefix = summary_prefix(test.report)
    if crash is not None:
        crash.message = f"{prefix}{crash.message}"
    elif isinstance(report.longrepr, str):
        report.longrepr = f"{prefix}{report.longrepr}"


def _hints(test: DurableTest, failure: str) -> list[str]:
    """Return what in the handler may be why, of a test that fails by an assertion of its own."""
    if NonDeterminismError.__name__ in failure:
        return []
    found = test.hints()
    return ["\n".join(["what may be why:", *(indent(hint, "  ") for hint in found)])] if found else []


def _effects(test: DurableTest) -> list[str]:
    if test.ledger is None or not test.ledger.all():
        return []
    lines = list(test.ledger.lines())
    more = [f"and {len(lines) - _EFFECTS_SHOWN:,} more"] if len(lines) > _EFFECTS_SHOWN else []
    return ["\n".join(["effects:", *(f"  {line}" for line in [*lines[:_EFFECTS_SHOWN], *more])])]


def _of_hooks(test: DurableTest) -> list[str]:
    """Return what other plugins have to say about the executions."""
    if test.runner is None:
        return []
    notes = []
    for result in test.runner.results:
        for said in test.item.ihook.pytest_durable_report(result=result):
            notes.append(said if isinstance(said, str) else "\n".join(said))
    return notes
