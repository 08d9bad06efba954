"""The pytest plugin: hooks and fixtures only.

It imports pytest and nothing else: the simulator, the SDK and freezegun are imported when the first durable
test is set up, so a test run without durable tests pays nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_durable.campaign.durable_test import DurableTest
    from pytest_durable.cloud.runner import CloudRunner
    from pytest_durable.deployed.mode import CloudMode
    from pytest_durable.endpoint.mocking import DurableMock
    from pytest_durable.exploration.token import Token
    from pytest_durable.simulator.ledger.ledger import EffectLedger
    from pytest_durable.simulator.runner import LocalRunner

_MARKERS = (
    "durable_execution(handler, lambda_function_name=None, functions=None, start_time=..., "
    "execution_timeout=None, invocation_timeout='15m', skip_time=True, clock='virtual', limits=None, "
    "seed=None, schedule='in-order', replay_check=None, mode=None): the durable handler that the fixture "
    "durable_runner runs, and how.",
    "durable_faults(*faults): what goes wrong in the test, as values of pytest_durable.faults.",
    "durable_explore(crashes='all', interleavings=50, api_faults='each', callbacks=(), budget=None, "
    "schedules=None, enabled=True, ...): run the test again under each crash, fault and order of events, "
    "with fresh fixtures of function scope, and report the smallest that makes it fail.",
)
_MARKER_NAMES = ("durable_execution", "durable_faults", "durable_explore")
_FIXTURES = {"durable_runner", "durable_effects"}

_test_key: pytest.StashKey[DurableTest] = pytest.StashKey()
_token_key: pytest.StashKey[Token] = pytest.StashKey()

_CLOUD = "durable-cloud"

_FAILURE_SECTION = "durable execution"
_SHOWN_WHEN_PASSED = ("durable executions", "durable timeline", "durable exploration", "durable replay")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    group = parser.getgroup("durable", "durable functions")
    options = (
        ("seed", "N", "seed of everything left to chance in durable tests (default: the marker's, or 0)"),
        ("schedules", "N", "explore at most N schedules for each test"),
        ("budget", "D", "explore for so long at most for each test, such as 20s"),
        ("replay", "TOKEN", "run the test of a token, under its plan, and no other test"),
        ("shard", "K/N", "explore part K of N of the schedules; other machines explore the others"),
        ("report", "FILE", "write a page of HTML about every durable test to this file"),
        ("profile", "NAME", "a set of settings: ci, nightly, or one of the ini key durable_profiles"),
    )
    for name, metavar, text in options:
        group.addoption(
            f"--durable-{name}", type=int if name == "seed" else str, default=None, metavar=metavar, help=text
        )
        parser.addini(f"durable_{name}", f"default of --durable-{name}", default="")
    _add_cloud_options(parser, group)
    flags = (
        ("diff", "run tests as deployed functions and in the simulator, and compare their histories"),
        ("explore", "explore every durable test, as @pytest.mark.durable_explore does"),
        ("timeline", "show the timeline of each durable test that passes, too"),
        (
            "mutate",
            "run durable tests that pass in worlds that misbehave, and list what they would not notice",
        ),
    )
    for name, text in flags:
        group.addoption(f"--durable-{name}", action="store_true", help=text)
        parser.addini(f"durable_{name}", f"default of --durable-{name}", type="bool", default=False)
    parser.addini(
        "durable_profiles",
        "profiles of your own, one a line, such as 'thorough: crashes=pairs budget=5m'",
        type="linelist",
        default=[],
    )
    parser.addini(
        "durable_replay_check",
        "what is replayed of each execution when a test has passed: all prefixes of what it has recorded, "
        "final (the whole of it) or off",
        default="all",
    )
    parser.addini(
        "durable_stall_seconds",
        "real seconds after which a branch that neither ends nor goes on counts as blocked",
        default="30",
    )


def _add_cloud_options(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    group.addoption(
        "--runner-mode",
        choices=("local", "cloud"),
        default=None,
        help="where handlers run: local in the simulator (the default), cloud as deployed functions",
    )
    parser.addini("runner_mode", "default of --runner-mode", default="local")
    options = (
        ("function-map", "JSON", "deployed functions by lambda_function_name, as JSON or file://PATH"),
        ("region", "NAME", "region of the deployed functions (default: AWS_REGION, or that of the profile)"),
        ("endpoint", "URL", "endpoint of Lambda's API (default: LAMBDA_ENDPOINT, or that of AWS)"),
        ("cloud-timeout", "D", "how long cloud mode waits for an execution, such as 5m (default: 60s)"),
    )
    for name, metavar, text in options:
        group.addoption(f"--durable-{name}", default=None, metavar=metavar, help=text)
        key = f"durable_{name.replace('-', '_')}"
        default = "60s" if name == "cloud-timeout" else ""
        parser.addini(key, f"default of --durable-{name}", default=default)
    group.addoption(
        "--durable-outputs",
        action="append",
        default=None,
        metavar="FILE",
        help="outputs of SAM, CDK or Terraform as JSON, to find deployed functions in (repeatable)",
    )
    parser.addini("durable_outputs", "default of --durable-outputs, one a line", type="linelist", default=[])


def _cloud_mode(config: pytest.Config) -> CloudMode | None:
    """Return what runs tests in the cloud; None in local mode."""
    mode: CloudMode | None = config.pluginmanager.get_plugin(_CLOUD)
    return mode


def _register_cloud_mode(config: pytest.Config) -> bool:
    """Register what runs tests in the cloud, and return whether that is asked for."""
    compares = config.getoption("durable_diff") or config.getini("durable_diff")
    mode = config.getoption("runner_mode") or ("cloud" if compares else config.getini("runner_mode"))
    if mode not in ("local", "cloud"):
        raise pytest.UsageError(f"runner_mode in the configuration is 'local' or 'cloud', got {mode!r}.")
    if mode == "local":
        if config.getoption("durable_diff"):
            raise pytest.UsageError("--durable-diff compares both modes: leave --runner-mode=local out.")
        return False
    from pytest_durable.deployed.mode import CloudMode
    from pytest_durable.errors import UsageError

    try:
        config.pluginmanager.register(CloudMode(config), _CLOUD)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    return True


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that other plugins may implement."""
    from pytest_durable import hookspec

    pluginmanager.add_hookspecs(hookspec)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and check the settings if there are any."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    if _register_cloud_mode(config):
        return
    config.pluginmanager.register(_Properties(), "durable-properties")
    if config.getoption("durable_mutate") or config.getini("durable_mutate"):
        from pytest_durable.campaign.mutate import SelfTest

        config.pluginmanager.register(SelfTest(), "durable-self-test")
    if config.getoption("durable_report") or config.getini("durable_report"):
        from pytest_durable.campaign.page import ReportPage, page_path

        path = page_path(config)
        assert path is not None, "it has been asked for"
        page = ReportPage(path, _is_durable, lambda item: item.stash.get(_test_key, None))
        config.pluginmanager.register(page, "durable-page")
    if _has_settings(config):
        from pytest_durable.errors import UsageError
        from pytest_durable.settings import Settings

        try:
            Settings.of(config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


def _has_settings(config: pytest.Config) -> bool:
    names = ("seed", "schedules", "budget", "replay", "shard", "profile", "explore")
    given = [config.getoption(f"durable_{name}") or config.getini(f"durable_{name}") for name in names]
    others = config.getini("durable_profiles") or config.getini("durable_replay_check") != "all"
    return any(given) or bool(others)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only the test of a token, if one is to be replayed."""
    if _cloud_mode(config) or not (config.getoption("durable_replay") or config.getini("durable_replay")):
        return
    from pytest_durable.campaign.replay import the_token
    from pytest_durable.errors import UsageError

    try:
        token = config.stash[_token_key] = the_token(config, [item.nodeid for item in items])
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid != token.nodeid])
    items[:] = [item for item in items if item.nodeid == token.nodeid]


def _is_durable(item: pytest.Item) -> bool:
    return not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) or any(
        item.get_closest_marker(name) for name in _MARKER_NAMES
    )


def _durable_test(item: pytest.Item) -> DurableTest:
    """Return what is known of a test; it fails if a marker is wrong."""
    if _test_key not in item.stash:
        from pytest_durable.campaign.durable_test import DurableTest
        from pytest_durable.errors import UsageError

        problem = ""
        try:
            item.stash[_test_key] = DurableTest(item, item.config.stash.get(_token_key, None))
        except UsageError as error:
            problem = str(error)
        if problem:
            # Outside the except block, or pytest would show the message twice.
            pytest.fail(problem, pytrace=False)
    return item.stash[_test_key]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check the markers of a durable test before anything of it runs."""
    if _cloud_mode(item.config) is not None:
        return
    # An item that is set up again, by a plugin that repeats failures, begins anew.
    if _test_key in item.stash:
        del item.stash[_test_key]
    if _is_durable(item) and _durable_test(item).is_for_the_cloud:
        raise pytest.skip.Exception("local mode: the marker says mode='cloud'", _use_item_location=True)


@pytest.fixture
def durable_runner(request: pytest.FixtureRequest) -> Iterator[LocalRunner | CloudRunner]:
    """Run the handler of the marker ``durable_execution`` under the simulator, or as a deployed function.

    ``durable_runner.run(input=...)`` returns the result. Usable as a context manager, which is optional.
    """
    cloud = _cloud_mode(request.config)
    if cloud is not None:
        from pytest_durable.deployed.mode import make_runner

        deployed = make_runner(cloud, request.node)
        yield deployed
        deployed.release()
        return
    from pytest_durable.errors import UsageError

    test = _durable_test(request.node)
    runner, problem = None, ""
    try:
        runner = test.make_runner()
    except UsageError as error:
        problem = str(error)
    if runner is None:
        pytest.fail(problem, pytrace=False)
    if "moto" in sys.modules:
        from pytest_durable.endpoint.virtual_calls import moto_follows

        with moto_follows(runner):
            yield runner
    else:
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
    _durable_test(request.node).use_ledger(ledger)
    return ledger


@pytest.fixture
def durable_mock(request: pytest.FixtureRequest) -> Iterator[DurableMock]:
    """Let boto3's Lambda clients invoke what the marker ``durable_execution`` names, or `register` does.

    With the marker it is ``durable_runner`` that boto3 talks to: explored, checked and reported as usual.
    """
    from pytest_durable.endpoint.mocking import mock_durable

    has_mark = request.node.get_closest_marker("durable_execution") is not None
    runner = request.getfixturevalue("durable_runner") if has_mark else None
    if runner is not None and runner.mode != "local":
        pytest.skip("durable_mock answers boto3 from the simulator, and this run has another service.")
    with mock_durable(runner=runner) as mock:
        yield mock


class _Properties:
    """Tests with ``@given``: a hook around Hypothesis's own, which looks at fixtures of function scope."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Give each example a runner and a ledger of its own."""
        made = getattr(item, "funcargs", {})
        runner, ledger = made.get("durable_runner"), made.get("durable_effects")
        if runner is None and "durable_mock" in made:
            runner = made["durable_mock"].runner
        if "hypothesis" not in sys.modules or (runner is None and ledger is None):
            yield
            return
        from pytest_durable.campaign.given import fresh_examples, is_property, problem_of

        if not is_property(item):
            yield
            return
        problem = problem_of(item)
        if problem:
            pytest.fail(problem, pytrace=False)
        with fresh_examples(item, runner, ledger, _durable_test(item).check_replays):
            yield


# The innermost wrapper: output is still captured, and an expected failure is one of the exploration, too.
@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that passed although what it was told or demanded did not happen, and explore it."""
    __tracebackhide__ = True
    yield
    test = item.stash.get(_test_key, None)
    if test is None or test.is_property:
        return
    from pytest_durable.errors import NonDeterminismError

    problem = ""
    try:
        test.conclude()
        test.check_hash_order()
    except NonDeterminismError as error:
        # The test's own lines have nothing to do with it.
        problem = f"{type(error).__name__}: {error}"
    problem = problem or test.check_ordinary_run()
    if problem:
        pytest.fail(problem, pytrace=False)
    test.explore()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the executions of a durable test did, if it failed or the timeline was asked for."""
    report = yield
    test = item.stash.get(_test_key, None)
    if test is None or report.when != "call":
        return report
    from pytest_durable.campaign.command import rerun_command
    from pytest_durable.campaign.telling import failure_text, passed_sections, tell_in_summary

    if report.failed:
        tell_in_summary(test, report)
        text = failure_text(test, rerun_command(item, options=["--runner-mode"]), report.longreprtext)
        if text:
            report.sections.append((_FAILURE_SECTION, text))
    else:
        report.sections.extend((f"durable {kind}", text) for kind, text in passed_sections(test))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write what was asked for of tests that passed."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.sections:
            if name in _SHOWN_WHEN_PASSED:
                terminalreporter.write_sep("-", f"{name} of {report.nodeid}")
                terminalreporter.write_line(text)
