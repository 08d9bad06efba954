"""Callbacks, invoked functions and scripts as users of the plugin meet them: whole pytest runs."""

from __future__ import annotations

import re

import pytest

HANDLERS = """
    import time
    from durable_sdk import durable_execution, durable_step
    from durable_sdk.config import Duration, StepConfig
    from durable_sdk.retries import RetryPresets

    @durable_execution
    def approval(event, context):
        answer = context.wait_for_callback(lambda callback_id, _: None, name="approval")
        return context.step(lambda: f"got {answer}", name="record")

    @durable_execution
    def caller(event, context):
        return [context.invoke("worker", 1, name="durable"), context.invoke("plain", 2, name="simple")]

    @durable_execution
    def worker(event, context):
        context.wait(days=30)
        return f"worked on {event}"

    def plain(event, context):
        time.sleep(60)
        return f"{context.function_name} got {event}"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(handlers=HANDLERS)
    pytester.syspathinsert()
    return pytester


def run(project: pytest.Pytester, body: str, marker: str = "handler=approval") -> pytest.RunResult:
    lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
    project.makepyfile(
        f"""
    import pytest
    from handlers import *

    @pytest.mark.durable_execution({marker})
    def test_it(durable_runner):
{lines}
    """
    )
    return project.runpytest_inprocess("-W", "error")


def text_of(result: pytest.RunResult) -> str:
    return re.sub(r"\s+", " ", result.stdout.str())


@pytest.mark.parametrize("schedule", ["in-order", "random"])
def test_the_functions_of_the_marker_can_be_invoked(project: pytest.Pytester, schedule: str) -> None:
    result = run(
        project,
        """
result = durable_runner.run(input={})
assert result.value == ["worked on 1", "plain got 2"]
assert [other.value for other in durable_runner.results] == [result.value, "worked on 1"]
""",
        f"handler=caller, functions={{'worker': worker, 'plain': plain}}, schedule={schedule!r}",
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("functions", "clue"),
    [
        ("3", "functions is a mapping of names to handlers, got 3"),
        ("{'a b': plain}", "A function is registered under its name"),
        ("{'f': 3}", "The handler of function 'f' is a function, got 3"),
        ("{7: plain}", "A function is registered under its name"),
    ],
)
def test_wrong_functions_fail_the_test_before_it_runs(
    project: pytest.Pytester, functions: str, clue: str
) -> None:
    result = run(project, "durable_runner.run()", f"handler=caller, functions={functions}")
    result.assert_outcomes(errors=1)
    assert clue in text_of(result)


def test_a_scripted_callback_lets_the_test_run_in_one_call(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
durable_runner.on_callback("approval").succeed("yes", after="3d")
result = durable_runner.run(input={})
assert result.value == "got yes"
assert result.virtual_elapsed.days == 3
""",
    )
    result.assert_outcomes(passed=1)


def test_callbacks_are_answered_between_calls(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
with durable_runner:
    arn = durable_runner.run_async(input={})
    callback_id = durable_runner.wait_for_callback(arn, name="approval")
    durable_runner.send_callback_success(callback_id, b"yes")
    assert durable_runner.wait_for_result(arn).value == "got yes"
""",
    )
    result.assert_outcomes(passed=1)


def test_an_unused_script_fails_the_test_itself_and_says_what_there_was(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
durable_runner.on_callback("approval").succeed("yes")
durable_runner.on_callback("aproval").succeed("yes")
durable_runner.on_step("recrod").returns(1)
durable_runner.on_invoke("charge").returns(1)
durable_runner.run(input={})
""",
    )
    result.assert_outcomes(failed=1)
    text = text_of(result)
    assert "on_callback('aproval') was never used. The callbacks of the run: 'approval'." in text
    assert "The steps of the run: 'approval/approval submitter', 'record'." in text
    assert "on_invoke('charge') was never used. The run had no invoked functions." in text
    assert "Traceback" not in text
    assert "durable execution" in text


def test_closing_the_runner_checks_scripts_too_and_once(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
from pytest_durable.errors import UnusedScriptError

durable_runner.on_callback("approval", times=2).succeed("yes")
with pytest.raises(UnusedScriptError, match="was used 1 time, and it says times=2"), durable_runner:
    durable_runner.run(input={})
""",
    )
    result.assert_outcomes(passed=1)


def test_an_unused_script_does_not_hide_the_failure_of_the_test(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
with durable_runner:
    durable_runner.on_step("nothing").returns(1)
    assert 1 == 2, "the test's own failure"
""",
    )
    result.assert_outcomes(failed=1)
    assert "the test's own failure" in text_of(result)
    assert "was never used" not in text_of(result)


@pytest.mark.parametrize("call", ["skip", "xfail"])
def test_an_unused_script_does_not_fail_a_test_that_gives_up(project: pytest.Pytester, call: str) -> None:
    result = run(project, f"durable_runner.on_step('nothing').returns(1)\npytest.{call}('not today')")
    result.assert_outcomes(**{"skip": {"skipped": 1}, "xfail": {"xfailed": 1}}[call])


def test_a_stuck_test_names_the_callback_and_what_would_answer_it(project: pytest.Pytester) -> None:
    result = run(project, "durable_runner.run(input={})")
    result.assert_outcomes(failed=1)
    text = text_of(result)
    assert "DurableStuckError" in text
    assert "It waits for callback 'approval', STARTED since 2026-01-01 00:00:00, no timeout, id " in text
    assert "durable_runner.on_callback('approval').succeed(...) before the run" in text
    assert "durable_runner.send_callback_success('" in text


def test_a_failing_wait_for_callback_ends_in_the_executions_error(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
from durable_sdk.exceptions import ExecutionError

durable_runner.on_step("approval submitter").raises(ExecutionError("no gateway"))
arn = durable_runner.run_async(input={})
durable_runner.wait_for_callback(arn, name="approval")
""",
    )
    result.assert_outcomes(failed=1)
    assert "ExecutionFailedError" in text_of(result)
    assert "no gateway" in text_of(result)


def test_context_variables_set_by_the_test_reach_the_handler(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
    import pytest
    from contextvars import ContextVar
    from durable_sdk import durable_execution

    tenant = ContextVar("tenant")

    @durable_execution
    def handler(event, context):
        return [tenant.get(), context.step(lambda: tenant.get(), name="step")]

    @pytest.mark.durable_execution(handler=handler)
    @pytest.mark.parametrize("name", ["a", "b"])
    def test_it(durable_runner, name):
        tenant.set(name)
        assert durable_runner.run().value == [name, name]
    """
    )
    project.runpytest_inprocess("-W", "error").assert_outcomes(passed=2)
