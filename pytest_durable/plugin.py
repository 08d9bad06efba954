"""The pytest plugin: hooks and fixtures only.

It imports pytest and nothing else: the simulator, the SDK and freezegun are imported when the first test
asks for ``durable_runner``, so a test run without durable tests pays nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_durable.simulator.ledger.ledger import EffectLedger
    from pytest_durable.simulator.runner import LocalRunner

_MARKER = (
    "durable_execution(handler, lambda_function_name=None, functions=None, start_time=..., "
    "execution_timeout=None, invocation_timeout='15m', skip_time=True, clock='virtual', limits=None, "
    "seed=None, schedule='in-order', replay_check=None): the durable handler that the fixture "
    "durable_runner runs, and how."
)

_runner_key: pytest.StashKey[LocalRunner] = pytest.StashKey()
_ledger_key: pytest.StashKey[EffectLedger] = pytest.StashKey()

_TIMELINE_SECTION = "durable timeline"
_FAILURE_SECTION = "durable execution"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    group = parser.getgroup("durable", "durable functions")
    group.addoption(
        "--durable-seed",
        type=int,
        default=None,
        metavar="N",
        help="seed of everything left to chance in durable tests (default: the marker's, or 0)",
    )
    group.addoption(
        "--durable-timeline",
        action="store_true",
        help="show the timeline of each durable test that passes, too",
    )
    parser.addini("durable_seed", "default of --durable-seed", default="")
    parser.addini(
        "durable_stall_seconds",
        "real seconds after which a branch that neither ends nor goes on counts as blocked",
        default="30",
    )
    parser.addini(
        "durable_replay_check",
        "which prefixes of what each execution has recorded are replayed when a test has passed: all, "
        "final (the whole of it) or off",
        default="all",
    )
    parser.addini("durable_timeline", "default of --durable-timeline", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def durable_runner(request: pytest.FixtureRequest) -> Iterator[LocalRunner]:
    """Run the handler of the marker ``durable_execution`` under the simulator.

    ``durable_runner.run(input=...)`` returns the result. Usable as a context manager, which is optional.
    """
    from pytest_durable.errors import UsageError
    from pytest_durable.fixtures import make_runner

    runner, problem = None, ""
    try:
        runner = make_runner(request.node)
    except UsageError as error:
        problem = str(error)
    if runner is None:
        # Outside the except block, or pytest would show the message twice.
        pytest.fail(problem, pytrace=False)
    request.node.stash[_runner_key] = runner
    yield runner
    # Scripts were checked when the test had run, so that it fails for them and not its teardown.
    runner.release()


@pytest.fixture
def durable_effects(request: pytest.FixtureRequest) -> EffectLedger:
    """A ledger of effects on the outside world, which survives crashes.

    Steps and doubles call ``durable_effects.record(name, key=None, **data)``; the test demands
    ``exactly_once(name)``, ``at_most_once(name)`` or ``idempotent(name)``.
    """
    from pytest_durable.simulator.ledger.ledger import EffectLedger

    ledger = EffectLedger()
    request.node.stash[_ledger_key] = ledger
    return ledger


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that passed although a script came to no use, or a replay differs from its run."""
    yield
    runner = item.stash.get(_runner_key, None)
    if runner is None:
        return
    from pytest_durable.errors import NonDeterminismError, UnusedScriptError, UsageError
    from pytest_durable.fixtures import replay_check

    problem = ""
    try:
        runner.check_scripts()
        # Last: the handler runs again, and what it leaves in the test's objects is no longer looked at.
        runner.check_replay(replay_check(item))
    except (UnusedScriptError, NonDeterminismError, UsageError) as error:
        problem = f"{type(error).__name__}: {error}" if isinstance(error, NonDeterminismError) else str(error)
    if problem:
        pytest.fail(problem, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the executions of a durable test did, if it failed or the timeline was asked for."""
    report = yield
    runner = item.stash.get(_runner_key, None)
    if runner is None or report.when != "call":
        return report
    if report.failed:
        from pytest_durable.report.failure import failure_section

        text = failure_section(
            runner.timeline(),
            [str(pending) for pending in runner.pending],
            runner.seed,
            f"pytest {shlex.quote(item.nodeid)} --durable-seed={runner.seed}",
        )
        report.sections.append((_FAILURE_SECTION, text))
    elif item.config.getoption("durable_timeline") or item.config.getini("durable_timeline"):
        report.sections.append((_TIMELINE_SECTION, runner.timeline()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the timelines of tests that passed."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.sections:
            if name == _TIMELINE_SECTION:
                terminalreporter.write_sep("-", f"durable timeline of {report.nodeid}")
                terminalreporter.write_line(text)
