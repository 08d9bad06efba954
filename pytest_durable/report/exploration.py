"""What is told of an exploration: the section of a failed test, its line in the summary, and the coverage."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pytest_durable.exploration.report import LEFT_BEHIND, Outcome, Report
from pytest_durable.result.wording import counted

# A report is read on one screen.
_TIMELINE_LINES = 15

_FAULTS_SHOWN = 160


def exploration_section(
    report: Report,
    timeline: str,
    nodeid: str,
    token: str,
    *,
    notes: Sequence[str] = (),
    problem: str = "",
) -> str:
    """Return the section of a test that an exploration has made fail.

    ``timeline`` is that of the smallest failing run; ``problem`` tells why there is no token.
    """
    blocks = [short_timeline(timeline)]
    if report.explanation:
        blocks.append(report.explanation)
    blocks.extend(notes)
    if report.line:
        blocks.append(f"to make it fail again, add\n  {report.line}")
    if token:
        blocks.append(f"or run\n  {replay_command(nodeid, token)}")
    elif problem:
        blocks.append(f"there is no token: {problem}")
    told = [f"seed: {report.seed}"]
    if report.counts:
        told.append(f"shrunk to {report.counts}")
    blocks.append("\n".join([*told, "explored:", *_indented(str(report.coverage))]))
    return "\n\n".join(block for block in blocks if block)


def coverage_section(report: Report) -> str:
    """Return what is told of a test that has passed its exploration."""
    if not report.fixed:
        return str(report.coverage)
    known = counted(len(report.fixed), "failure")
    return (
        f"{report.coverage}\n{known} of earlier explorations did not happen again. If the code is as it was: "
        f"{LEFT_BEHIND}"
    )


def summary_prefix(report: Report) -> str:
    """Return what stands before the error in the short summary of pytest."""
    runs = report.coverage.runs
    explored = f"explored {runs:,} {'schedule' if runs == 1 else 'schedules'}"
    match report.outcome:
        case Outcome.FOUND:
            faults = ", ".join(map(repr, report.plan.as_faults()))
            if len(faults) > _FAULTS_SHOWN:
                faults = f"{faults[: _FAULTS_SHOWN - 3]}..."
            return f"{explored}: fails under {faults}: "
        case Outcome.NOT_REPEATABLE:
            return f"{explored}: fails when it is run again: "
        case Outcome.NOT_DETERMINISTIC:
            return f"{explored}: fails at times only: "
        case _:
            return ""


def replay_command(nodeid: str, token: str) -> str:
    """Return the command that runs the test under the plan of a token."""
    return f"pytest {shlex.quote(nodeid)} --durable-replay={token}"


def short_timeline(text: str) -> str:
    """Leave out what is least telling of a long timeline: the lines far from its ends and from faults."""
    lines = text.splitlines()
    if len(lines) <= _TIMELINE_LINES:
        return text
    last = len(lines) - 1
    faults = [at for at, line in enumerate(lines) if line.lstrip().startswith("!")]
    near = [at + step for step in (1, -1) for at in faults]
    wanted = [0, last, *faults, *near, 1, last - 1, 2, last - 2, *range(3, last)]
    kept: set[int] = set()
    for at in dict.fromkeys(at for at in wanted if 0 <= at <= last):
        if len(_rendered(lines, kept | {at})) <= _TIMELINE_LINES:
            kept.add(at)
        elif len(kept) >= _TIMELINE_LINES - 2:
            break
    return "\n".join(_rendered(lines, kept))


def _rendered(lines: Sequence[str], kept: set[int]) -> list[str]:
    """Return the kept lines, and a line for each gap between them."""
    shown: list[str] = []
    before = -1
    for at in sorted(kept):
        if at - before > 1:
            shown.append(f"  ... {at - before - 1:,} lines ...")
        shown.append(lines[at])
        before = at
    return shown


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
