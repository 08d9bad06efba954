"""Executions that a deployed function has invoked, against the simulated service over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted_lambda import Answer, Fault, FaultyProxy, Request, serving
from served import Caller, command

NAMES = ("ask", "supervise", "delegate", "charge", "double")
MAPPED = f"--durable-function-map={json.dumps({name: f'{name}:$LATEST' for name in NAMES})}"

HEAD = """
import pytest
from deployed_functions import supervise, delegate, ask, charge, double

def on(handler):
    return pytest.mark.durable_execution(handler=handler, lambda_function_name=handler.__name__)

@pytest.fixture
def durable_runner(durable_runner):
    if durable_runner.mode == "local":
        durable_runner.register_function("double", double)
        for handler in (ask, charge, supervise):
            durable_runner.register_durable_function(handler.__name__, handler)
    return durable_runner
"""

# Passes in both modes.
BOTH = """
@on(supervise)
def test_shows_what_it_has_invoked(durable_runner):
    durable_runner.on_callback("approval").succeed("yes", after=0.2)
    functions = ["ask:$LATEST", "double:$LATEST", "ask:$LATEST"]
    result = durable_runner.run({"functions": functions, "payload": {"timeout": 60}})
    assert result.value == ["yes", 120, "yes"]
    assert [invoked.status for invoked in result.invoked] == ["SUCCEEDED"] * 2
    assert [invoked.value for invoked in result.invoked] == ["yes"] * 2
    for invoked in result.invoked:
        assert invoked.get_callback("approval").status == "SUCCEEDED"
        assert (invoked.notes, invoked.invoked) == ((), ())
    assert result.timeline().count("invoke ask of ask:$LATEST at +") == 2

@on(delegate)
def test_answers_callbacks_two_calls_away(durable_runner):
    durable_runner.on_callback("approval").fail("over budget")
    result = durable_runner.run({"functions": ["ask:$LATEST"]})
    (supervised,) = result.invoked
    (asked,) = supervised.invoked
    assert {one.status for one in (result, supervised, asked)} == {"FAILED"}
    assert asked.error.message == "over budget"
    assert asked.history[0]["EventType"] == "ExecutionStarted"

@on(supervise)
def test_shows_how_a_function_that_is_not_durable_has_failed(durable_runner):
    result = durable_runner.run({"functions": ["double:$LATEST"], "payload": {}})
    assert (result.status, result.invoked) == ("FAILED", ())
    failed = result.operation("asked/double:$LATEST/double")
    assert (failed.status, failed.error.type) == ("FAILED", "KeyError")
    assert "KeyError" in result.timeline()

@on(supervise)
def test_shows_how_what_it_has_invoked_has_failed(durable_runner):
    result = durable_runner.run({"functions": ["charge:$LATEST"]})
    (invoked,) = result.invoked
    assert invoked.get_step("charge").error.type == "ValueError"
    assert "step charge" in result.timeline()
"""

Run = Callable[..., pytest.RunResult]


class ReadersOfInvoked(FaultyProxy):
    """Lets nobody read the histories of some functions."""

    refused: Fault | None = None
    functions: tuple[str, ...] = ()

    def _do(self, request: Request) -> Answer:
        about = [name for name in self.functions if f"function%3A{name}%3A" in request.path]
        if about and request.operation == "GetDurableExecutionHistory" and self.refused is not None:
            self.denied += 1
            return self.refused.status, {"x-amzn-ErrorType": self.refused.code}, {"message": "no"}
        return super()._do(request)

    denied = 0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the functions; waits take no time."""
    with command(*(f"deployed_functions:{name}" for name in NAMES), "--time", "skipped") as server:
        yield server.url


@pytest.fixture
def proxy(url: str) -> Iterator[ReadersOfInvoked]:
    with serving(ReadersOfInvoked(url)) as served:
        assert isinstance(served, ReadersOfInvoked)
        yield served


@pytest.fixture
def run(project: pytest.Pytester) -> Run:
    def run(url: str, source: str, mode: str = "--runner-mode=cloud", *arguments: str) -> pytest.RunResult:
        file = project.makepyfile(test_invoked=HEAD + source)
        common = ("-p", "no:cacheprovider", mode, f"--durable-endpoint={url}", MAPPED)
        return project.runpytest(*common, *arguments, str(file))

    return run


@pytest.mark.parametrize("mode", ["--runner-mode=cloud", "--runner-mode=local", "--durable-diff"])
def test_what_was_invoked_is_shown_and_answered_as_in_the_simulator(run: Run, url: str, mode: str) -> None:
    run(url, BOTH, mode).assert_outcomes(passed=4)


DIFFERENT = """
from durable_sdk import durable_execution
from durable_sdk.config import StepConfig
from durable_sdk.retries import RetryPresets

@durable_execution
def other(event, context):
    def body(_):
        raise ValueError("no such card")

    context.step(body, name="charge it", config=StepConfig(RetryPresets.none()))

@pytest.fixture
def runner(durable_runner):
    if durable_runner.mode == "local":
        durable_runner.register_durable_function("charge", other)
    return durable_runner

@on(delegate)
def test_comes_to_the_same(runner):
    assert runner.run({"functions": ["charge:$LATEST"]}).status == "FAILED"
"""


def test_an_invoked_function_that_is_deployed_otherwise_is_told(run: Run, url: str) -> None:
    result = run(url, DIFFERENT, "--durable-diff")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "The runs differ (in supervise:$LATEST > charge:$LATEST, left: in the simulator, right: as a*",
            "The histories differ in EventType:",
        ]
    )


def test_of_what_may_not_be_read_only_what_came_back_is_compared(run: Run, proxy: ReadersOfInvoked) -> None:
    proxy.functions, proxy.refused = ("charge",), Fault(403, "AccessDeniedException")
    run(proxy.url, DIFFERENT, "--durable-diff").assert_outcomes(passed=1)
    assert proxy.denied == 1


def test_what_was_invoked_is_not_read_unless_somebody_looks(run: Run, proxy: ReadersOfInvoked) -> None:
    source = """
@on(supervise)
def test_succeeds(durable_runner):
    result = durable_runner.run({"functions": ["charge:$LATEST"]})
    assert result.status == "FAILED"
"""
    proxy.functions, proxy.refused = ("charge",), Fault(403, "AccessDeniedException")
    run(proxy.url, source).assert_outcomes(passed=1)
    assert proxy.denied == 0


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_what_may_not_be_read_is_shown_as_far_as_the_invoke_tells(
    run: Run, proxy: ReadersOfInvoked, code: str
) -> None:
    proxy.functions = ("charge",)
    proxy.refused = Fault(403 if code.startswith("Access") else 404, code)
    source = f"""
@on(supervise)
def test_shows(durable_runner):
    result = durable_runner.run({{"functions": ["charge:$LATEST"], "payload": {{"id": 1}}}})
    (invoked,) = result.invoked
    assert invoked.status == "FAILED"
    assert invoked.error.message == "no such card"
    assert invoked.operations == []
    assert invoked.get_execution().input_payload == '{{"id": 1}}'
    assert any("its history has not been read: {code}" in note for note in invoked.notes), invoked.notes
    assert "note: its history has not been read" in result.timeline()
    assert result.notes == ()
"""
    run(proxy.url, source).assert_outcomes(passed=1)


def test_a_script_whose_callback_may_not_be_seen_says_so(run: Run, proxy: ReadersOfInvoked) -> None:
    proxy.functions, proxy.refused = ("ask",), Fault(403, "AccessDeniedException")
    source = """
@on(supervise)
def test_is_answered(durable_runner):
    durable_runner.on_callback("approval").succeed("yes")
    durable_runner.run({"functions": ["ask:$LATEST"]}, timeout=2)
"""
    result = run(proxy.url, source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *TimeoutError: *lambda:GetDurableExecutionHistory*"])
    # Once it has been refused, nobody asks again.
    assert proxy.denied == 1


def test_a_callback_that_an_invoked_execution_leaves_to_time_out_needs_virtual_time(
    run: Run, url: str
) -> None:
    source = """
@on(supervise)
def test_is_not_answered(durable_runner):
    durable_runner.on_callback("approval").never()
    durable_runner.run({"functions": ["ask:$LATEST"]})
"""
    result = run(url, source, "--runner-mode=cloud", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *callback 'approval' is answered after its timeout or never*"])


def test_what_an_execution_has_invoked_is_stopped_with_it(run: Run, url: str) -> None:
    source = """
@on(delegate)
def test_is_not_answered(durable_runner):
    durable_runner.run({"functions": ["ask:$LATEST", "ask:$LATEST"]}, timeout=4)
"""
    api = Caller(url)
    try:
        before = {name: running(api, name) for name in ("ask", "supervise", "delegate")}
        run(url, source).assert_outcomes(failed=1)
        assert {name: running(api, name) for name in ("ask", "supervise", "delegate")} == before
    finally:
        api.close()


def running(api: Caller, function: str) -> set[str]:
    answer: Any = api.client.list_durable_executions_by_function(FunctionName=function, Statuses=["RUNNING"])
    return {execution["DurableExecutionArn"] for execution in answer["DurableExecutions"]}
