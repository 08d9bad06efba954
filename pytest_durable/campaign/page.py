"""--durable-report: what each durable test came to, collected from all processes into one page."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_durable.campaign.durable_test import DurableTest
from pytest_durable.report.exploration import replay_command
from pytest_durable.report.page import Entry, report_page

# Of a report, which travels from the processes of xdist as JSON.
_ATTRIBUTE = "durable_page"


class ReportPage:
    """The hooks. Registered only where the page is asked for; the process that has the workers writes it."""

    def __init__(
        self,
        path: Path,
        is_durable: Callable[[pytest.Item], bool],
        test_of: Callable[[pytest.Item], DurableTest | None],
    ) -> None:
        """``test_of`` returns what is known of a durable test, None of one that never began."""
        self._path = path
        self._is_durable = is_durable
        self._test_of = test_of
        self._entries: dict[str, Entry] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write into the report what the page is to show of the test."""
        report = yield
        if self._is_durable(item) and (report.when == "call" or not report.passed):
            setattr(report, _ATTRIBUTE, _entry(self._test_of(item), report).to_json())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what the page is to show. Of a test that runs again the last run counts."""
        values: Any = getattr(report, _ATTRIBUTE, None)
        if values is None:
            return
        entry = Entry.from_json(values)
        known = self._entries.get(entry.nodeid)
        if report.when == "teardown" and known is not None:
            # What its teardown raises goes with what the test itself has shown.
            message = "\n".join(text for text in (known.message, entry.message) if text)
            entry = Entry(entry.nodeid, entry.verdict, message, known.facts, known.executions)
        self._entries[entry.nodeid] = entry

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, but not in a worker, which has told all to its controller."""
        if hasattr(session.config, "workerinput"):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(report_page(self._entries.values()), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the page is."""
        terminalreporter.write_sep("-", f"durable report: {self._path}")


def page_path(config: pytest.Config) -> Path | None:
    """Return where the page is to be written, None if none is asked for.

    The option counts from where pytest was called, the ini key from the directory of the configuration.
    """
    option, ini = config.getoption("durable_report"), config.getini("durable_report")
    if option:
        return Path(config.invocation_params.dir, option)
    return Path(config.rootpath, ini) if ini else None


def _entry(test: DurableTest | None, report: pytest.TestReport) -> Entry:
    verdict: str = report.outcome
    if hasattr(report, "wasxfail"):
        verdict = "xfailed" if report.skipped else "xpassed"
    elif report.failed and report.when != "call":
        verdict = "error"
    message = ""
    if report.failed:
        crash: Any = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash is not None else report.longreprtext
    if test is None:
        return Entry(report.nodeid, verdict, message)
    return Entry(report.nodeid, verdict, message, _facts(test), test.tables())


def _facts(test: DurableTest) -> dict[str, str]:
    report, runner = test.report, test.runner
    facts = {} if runner is None else {"seed": str(runner.seed)}
    if report is None:
        return facts
    if not report.passed:
        found = report.found
        token = test.token_text()
        facts |= {
            "what it means": report.explanation,
            "failed under": "" if found is None else ", ".join(map(repr, found.plan.as_faults())),
            "smallest": ", ".join(map(repr, report.plan.as_faults())),
            "shrunk to": report.counts,
            "to make it fail again": report.line,
            "or run": replay_command(test.item.nodeid, token) if token else "",
            "token": token,
        }
    return {**facts, "explored": str(report.coverage)}
