"""CloudMode: the hooks of a test run in cloud mode."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import NoReturn

import pytest

from pytest_durable.campaign.command import rerun_command
from pytest_durable.campaign.durable_test import DurableTest
from pytest_durable.campaign.given import is_property
from pytest_durable.campaign.reruns import Reruns
from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.clock import RealClock
from pytest_durable.cloud.names import ExecutionNames
from pytest_durable.cloud.runner import CloudRunner
from pytest_durable.deployed.comparison import Recorded, difference
from pytest_durable.deployed.powers import RUNNER, need_of
from pytest_durable.deployed.settings import PLACE_OPTIONS, CloudSettings
from pytest_durable.deployed.telling import failure_text
from pytest_durable.errors import CloudError, UnusedScriptError, UsageError
from pytest_durable.markers import DURABLE_EXECUTION, durable_mark, missing_mark
from pytest_durable.simulator.runner import LocalRunner

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_function_key: pytest.StashKey[str] = pytest.StashKey()
_runner_key: pytest.StashKey[CloudRunner] = pytest.StashKey()
_local_key: pytest.StashKey[DurableTest] = pytest.StashKey()


class CloudMode:
    """Runs tests against deployed functions.

    Raises:
        UsageError: a setting is malformed, or an option needs the simulator.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._settings = CloudSettings.of(config)
        self._clock = RealClock()
        # Those of all tests: two that are called alike never have one name.
        self._numbers = count(1)
        worker = getattr(config, "workerinput", {"workerid": "main"})
        self._worker = str(worker["workerid"])
        self._wants_timeline = bool(config.getoption("durable_timeline") or config.getini("durable_timeline"))
        self._is_verbose = config.get_verbosity() > 0
        self._compares = bool(config.getoption("durable_diff") or config.getini("durable_diff"))
        self._apis: dict[str | None, LambdaApi] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Find the function of a test, or skip what cannot run, before anything of it does."""
        # An item that is set up again, by a plugin that repeats failures, begins anew.
        if _runner_key in item.stash:
            del item.stash[_runner_key]
        if RUNNER not in getattr(item, "fixturenames", ()):
            return
        name, reason, problem = None, None, ""
        try:
            name, reason = self._function_of(item)
        except UsageError as error:
            problem = str(error)
        if reason is not None:
            # The place of the skip is the test, not this line.
            raise pytest.skip.Exception(f"cloud mode: {reason}", _use_item_location=True)
        if name is None:
            # Outside the except block, or pytest would show the message twice.
            pytest.fail(problem, pytrace=False)
        item.stash[_function_key] = name

    def _function_of(self, item: pytest.Item) -> tuple[str | None, str | None]:
        """Return the deployed function of a test, or why it cannot run."""
        marker = item.get_closest_marker(DURABLE_EXECUTION)
        if marker is None:
            raise UsageError(missing_mark(item))
        mark = durable_mark(item, needs_handler=False)
        reason = need_of(item, mark, is_property(item))
        if reason is not None:
            return None, reason
        if marker.kwargs.get("lambda_function_name") is None:
            return None, "lambda_function_name= of @pytest.mark.durable_execution is missing"
        name = self._settings.targets.find(mark.lambda_function_name)
        return name, None if name else self._settings.targets.unmapped(mark.lambda_function_name)

    def runner_of(self, item: pytest.Item) -> CloudRunner:
        """Return the runner of a test that has been set up.

        Raises:
            CloudError: the region or the profile is missing.
        """
        function_name = item.stash[_function_key]
        settings = self._settings
        region = settings.targets.region_of(function_name)
        if region not in self._apis:
            self._apis[region] = LambdaApi.connect(
                function_name, region, settings.targets.endpoint, self._clock
            )
        runner = CloudRunner(
            self._apis[region],
            function_name,
            ExecutionNames(item.name, self._worker, numbers=self._numbers),
            timeout_seconds=settings.timeout_seconds,
            refuse=lambda reason: _skip(runner, reason),
        )
        item.stash[_runner_key] = runner
        return runner

    # The innermost wrapper: an expected failure stops its executions, too.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Stop what a test that has failed leaves running, and fail one whose scripts were not used."""
        __tracebackhide__ = True
        runner = item.stash.get(_runner_key, None)
        try:
            yield
        except BaseException as error:
            if runner is not None:
                runner.following.look_once_more()
                runner.following.stop_all(f"The test has not passed: {type(error).__name__}.")
            raise
        problem = ""
        if runner is not None:
            try:
                runner.check_scripts()
            except UnusedScriptError as error:
                problem = str(error)
        if problem:
            pytest.fail(problem, pytrace=False)
        if self._compares and runner is not None and isinstance(item, pytest.Function):
            _compare(item, runner)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell the ARNs of a test's executions, and how they went if it failed."""
        report = yield
        runner = item.stash.get(_runner_key, None)
        if runner is None or report.when != "call" or not runner.arns:
            return report
        arns = [("durable_execution_arn", arn) for arn in runner.arns]
        report.user_properties.extend(arns)
        # Those of the item are in the reports that come later, from which JUnit's XML takes them.
        item.user_properties.extend(arns)
        if report.failed:
            mode = "--durable-diff" if self._compares else "--runner-mode=cloud"
            command = rerun_command(item, mode, options=PLACE_OPTIONS)
            text = failure_text(item, runner, command)
            report.sections.append(("durable execution", text))
        elif self._wants_timeline:
            report.sections.append(("durable timeline", runner.timeline()))
        elif self._is_verbose:
            report.sections.append(("durable executions", "\n".join(runner.arns)))
        return report

    def pytest_unconfigure(self) -> None:
        """Close the connections."""
        for api in self._apis.values():
            api.close()


def _skip(runner: CloudRunner, reason: str) -> NoReturn:
    # Nothing is left running of a test that has come this far.
    runner.release()
    pytest.skip(f"cloud mode: {reason}")


def _compare(item: pytest.Function, runner: CloudRunner) -> None:
    """Run a test that has passed once more, in the simulator, and fail it if the histories differ."""
    mark = durable_mark(item, needs_handler=False)
    if mark.mode == "cloud" or not runner.arns:
        return
    # Now: what was invoked is read when it is asked for.
    cloud = [Recorded.of(result) for result in runner.results]
    reruns = Reruns(item, lambda: None)
    test = item.stash[_local_key] = DurableTest(item, None)
    try:
        reruns.begin()
        error = reruns.trial()
        reruns.end()
    finally:
        del item.stash[_local_key]
    if error is not None:
        pytest.fail(
            f"The test passes with the deployed function, and fails in the simulator: "
            f"{type(error).__name__}: {error}",
            pytrace=False,
        )
    found = difference(_roots(test.runner), cloud)
    if found:
        pytest.fail(found, pytrace=False)


def _roots(runner: LocalRunner | None) -> list[Recorded]:
    """Return the executions that a test has started, each with those that it has invoked."""
    if runner is None:
        return []
    pairs = zip(runner.executions, runner.results, strict=True)
    return [Recorded.of(result) for execution, result in pairs if execution.invoker is None]


def make_runner(mode: CloudMode, item: pytest.Item) -> CloudRunner | LocalRunner:
    """Return the runner of a test, or fail it. A run that is to be compared has the simulator's."""
    if _local_key in item.stash:
        return item.stash[_local_key].make_runner()
    problem = ""
    try:
        return mode.runner_of(item)
    except CloudError as error:
        problem = str(error)
    pytest.fail(problem, pytrace=False)
