"""Both modes inside moto, with no endpoint: `mock_durable` stands for the service, in virtual time."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import moto.iam.urls
import moto.s3.urls
import moto.sts.urls
import pytest

# Runs of pytest in this process forget what they have imported, but a package keeps its attributes: what
# they import has to be there before them, or they would meet two classes of one name.
from pytest_durable.campaign import given, replay, telling
from pytest_durable.endpoint import mocking

IMPORTED = (moto.iam.urls, moto.s3.urls, moto.sts.urls, given, replay, telling, mocking)

ROOT = Path(__file__).resolve().parents[3]

# What lets examples and quick start run in cloud mode: every module with a handler is a deployed function.
DEPLOYED = """
    import json
    import os
    from importlib import import_module
    from pathlib import Path

    # Clients look for credentials and region when they are made.
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1"
    )

    import pytest
    from moto import mock_aws
    from pytest_durable import mock_durable

    HERE = Path(__file__).parent
    names = {path.stem.removeprefix("test_") for path in HERE.glob("test_*.py")}
    MODULES = {name: import_module(name) for name in sorted(names) if (HERE / f"{name}.py").exists()}
    HANDLERS = {name: module.handler for name, module in MODULES.items()}
    os.environ["PYTEST_FUNCTION_NAME_MAP"] = json.dumps({name: f"{name}:live" for name in HANDLERS})

    @pytest.fixture(autouse=True)
    def deployed(request):
        # What stands in for functions in local mode, and whatever else a function works with.
        marker = request.node.get_closest_marker("durable_execution")
        given = {} if marker is None else marker.kwargs.get("functions", {})
        functions = {name.partition(":")[0]: function for name, function in given.items()}
        with mock_aws(), mock_durable({**HANDLERS, **functions}) as durable:
            if hasattr(request.module, "deploy"):
                request.module.deploy()
            yield durable
"""

# What lets the tests of a project call boto3, too, in local mode.
AROUND = """
    import os

    os.environ.update(
        AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1"
    )

    import pytest
    from moto import mock_aws

    @pytest.fixture(autouse=True)
    def aws():
        with mock_aws():
            yield

    @pytest.fixture(autouse=True)
    def durable(aws, durable_mock):
        return durable_mock
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    # What the conftest sets is taken back.
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "PYTEST_FUNCTION_NAME_MAP",
    ):
        monkeypatch.setenv(name, "testing")
        monkeypatch.delenv(name)

    def run(*arguments: str, mode: str = "--runner-mode=cloud") -> pytest.RunResult:
        return project.runpytest("-p", "no:cacheprovider", "-rs", mode, *arguments)

    return run


@pytest.fixture
def examples(project: pytest.Pytester) -> pytest.Pytester:
    """Copy the examples, except those that need a conftest of their own."""
    (project.path / "orders.py").unlink()
    for path in (ROOT / "examples").glob("*.py"):
        if path.name != "conftest.py":
            shutil.copy(path, project.path / path.name)
    return project


def _quick_start(project: pytest.Pytester) -> None:
    text = (ROOT / "README.md").read_text()
    for name, body in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, re.DOTALL):
        (project.path / name).write_text(body)


def test_the_quick_start_passes_in_cloud_mode(project: pytest.Pytester, run: Run) -> None:
    _quick_start(project)
    project.makeconftest(DEPLOYED)
    run("-W", "error", "test_order.py").assert_outcomes(passed=1)
    run("test_order.py", mode="--durable-diff").assert_outcomes(passed=1)


def test_the_examples_pass_in_cloud_mode_or_say_what_they_need(examples: pytest.Pytester, run: Run) -> None:
    examples.makeconftest(DEPLOYED)
    result = run()
    outcomes = result.parseoutcomes()
    assert set(outcomes) <= {"passed", "skipped", "warnings"}
    assert outcomes["passed"] >= 9
    skipped = [line for line in result.outlines if line.startswith("SKIPPED")]
    assert all("cloud mode: " in line for line in skipped)
    # Time is virtual, so no answer is too late for a test.
    assert not [line for line in skipped if "test_approval" in line]


def test_the_examples_come_to_the_same_in_both_modes(examples: pytest.Pytester, run: Run) -> None:
    examples.makeconftest(DEPLOYED)
    # The tests of the report deploy what it works with themselves in local mode, where it is there already.
    outcomes = run("-k", "not report", mode="--durable-diff").parseoutcomes()
    assert set(outcomes) <= {"passed", "skipped", "deselected", "warnings"}
    assert outcomes["passed"] >= 9


def test_the_examples_pass_in_local_mode_unchanged(examples: pytest.Pytester, run: Run) -> None:
    examples.makeconftest(AROUND)
    outcomes = run(mode="--runner-mode=local").parseoutcomes()
    assert set(outcomes) <= {"passed", "warnings"}
    assert outcomes["passed"] >= 16


MARKED = """
    import pytest
    from approval import handler

    pytestmark = pytest.mark.durable_execution(handler=handler, lambda_function_name="approval")
    LARGE = {"id": "o-1", "total": 5000}
"""


def test_answers_are_scripted_and_awaited_in_virtual_time(examples: pytest.Pytester, run: Run) -> None:
    examples.makeconftest(DEPLOYED)
    tests = """
        from datetime import timedelta

        def test_by_the_test(durable_runner):
            execution = durable_runner.start(LARGE)
            callback_id = execution.until_callback("approval")
            durable_runner.send_callback_success(callback_id)
            assert execution.finish().virtual_elapsed == timedelta(0)

        def test_by_a_script_with_heartbeats(durable_runner):
            durable_runner.on_callback("approval").heartbeat(every="6h", times=3).succeed()
            result = durable_runner.run(LARGE)
            assert result.virtual_elapsed == timedelta(hours=24)

        def test_by_the_mock(durable_runner, deployed):
            deployed.on_callback("approval").succeed(after="1h")
            assert durable_runner.run(LARGE).virtual_elapsed == timedelta(hours=1)

        def test_by_nobody_within_what_the_test_waits(durable_runner):
            with pytest.raises(TimeoutError, match="has not ended after 3600 seconds"):
                durable_runner.run(LARGE, timeout="1h")
            (result,) = durable_runner.results
            assert durable_runner.result_so_far(durable_runner.arns[0]).status == "STOPPED"
            assert result.virtual_elapsed <= timedelta(hours=1)
    """
    file = examples.makepyfile(test_more=_dedented(MARKED, tests))
    run(str(file)).assert_outcomes(passed=4)


def test_a_runner_that_was_made_before_the_mock_reaches_it(examples: pytest.Pytester, run: Run) -> None:
    examples.makeconftest(
        DEPLOYED.replace("autouse=True", "").replace("def deployed(request)", "def deployed(request, early)")
    )
    tests = """
        @pytest.fixture
        def early(durable_runner):
            return durable_runner

        def test_is_shipped(deployed, durable_runner):
            assert durable_runner.run({"id": "o-1", "total": 5}).value["status"] == "shipped"

        def test_is_shipped_again(deployed, durable_runner):
            assert durable_runner.run({"id": "o-2", "total": 5}).value["status"] == "shipped"
    """
    file = examples.makepyfile(test_more=_dedented(MARKED, tests))
    run(str(file)).assert_outcomes(passed=2)


def test_the_mock_is_enough_without_moto(examples: pytest.Pytester, run: Run) -> None:
    conftest = DEPLOYED.replace("from moto import mock_aws", "").replace("mock_aws(), ", "")
    examples.makeconftest(conftest)
    file = examples.makepyfile(
        test_more=_dedented(
            MARKED,
            """
        @pytest.fixture(autouse=True)
        def deployed(durable_runner):
            # The client of the first test was made before.
            from pytest_durable import mock_durable
            with mock_durable({"approval": handler}) as durable:
                yield durable

        def test_is_shipped(durable_runner):
            assert durable_runner.run({"id": "o-1", "total": 5}).value["status"] == "shipped"

        def test_is_shipped_again(durable_runner):
            assert durable_runner.run({"id": "o-2", "total": 5}).value["status"] == "shipped"
    """,
        )
    )
    run("-W", "error", str(file)).assert_outcomes(passed=2)


def test_aws_s_runner_works_inside_the_mock(examples: pytest.Pytester, run: Run) -> None:
    examples.makeconftest(DEPLOYED)
    file = examples.makepyfile(
        test_more="""
        from pytest_durable import DurableFunctionCloudTestRunner, DurableFunctionTestRunner
        from pytest_durable.exceptions import DurableFunctionsTestError
        import pytest

        def test_runs():
            with DurableFunctionCloudTestRunner("order:live", poll_interval=0.1) as runner:
                result = runner.run({"id": "o-17"})
            assert result.status.value == "SUCCEEDED"
            assert result.result == '{"order": "o-17", "total": 60}'

        def test_answers():
            with DurableFunctionCloudTestRunner("approval:live", region="eu-west-1") as runner:
                arn = runner.run_async({"id": "o-1", "total": 5000})
                assert ":eu-west-1:" in arn
                runner.send_callback_success(runner.wait_for_callback(arn, "approval"), b"1")
                assert runner.wait_for_result(arn).status.value == "SUCCEEDED"

        def test_gives_up():
            with DurableFunctionCloudTestRunner("approval:live") as runner:
                with pytest.raises(TimeoutError):
                    runner.run({"id": "o-1", "total": 5000}, timeout=3600)
    """
    )
    run(str(file), mode="--runner-mode=local").assert_outcomes(passed=3)


def test_what_was_invoked_is_answered_in_virtual_time_and_known_when_the_mock_has_ended(
    examples: pytest.Pytester, run: Run
) -> None:
    examples.makeconftest(DEPLOYED.replace("autouse=True", ""))
    file = examples.makepyfile(
        test_more="""
        from datetime import timedelta
        import pytest
        from deployed_functions import ask, delegate, supervise
        from pytest_durable import mock_durable

        @pytest.mark.durable_execution(handler=delegate, lambda_function_name="order")
        def test_runs(durable_runner):
            with mock_durable({"order": delegate, "supervise": supervise, "ask": ask}):
                durable_runner.on_callback("approval").succeed("yes", after="5h")
                result = durable_runner.run({"functions": ["ask:$LATEST"]})
            assert result.value == ["yes"]
            (supervised,) = result.invoked
            (asked,) = supervised.invoked
            assert asked.get_callback("approval").result == "yes"
            assert result.virtual_elapsed == timedelta(hours=5)
            assert asked.notes == ()

        @pytest.mark.durable_execution(handler=delegate, lambda_function_name="order")
        def test_is_not_answered(durable_runner):
            with mock_durable({"order": delegate, "supervise": supervise, "ask": ask}):
                durable_runner.on_callback("approval").never()
                result = durable_runner.run({"functions": ["ask:$LATEST"]})
            assert result.status == "FAILED"
            assert result.virtual_elapsed == timedelta(days=1)

        @pytest.mark.durable_execution(handler=delegate, lambda_function_name="order")
        def test_is_left_unfinished(durable_runner):
            with mock_durable({"order": ask}):
                durable_runner.start()
            assert not durable_runner.arns
    """
    )
    began = time.monotonic()
    result = run(str(file))
    result.assert_outcomes(passed=2, failed=1)
    # Nobody is asked to stop what has ended with the mock.
    result.stdout.no_fnmatch_line("*not stopped:*")
    assert time.monotonic() - began < 10


def test_a_failure_in_cloud_mode_is_reported_while_the_mock_answers(
    examples: pytest.Pytester, run: Run
) -> None:
    examples.makeconftest(DEPLOYED)
    tests = """
        def test_is_approved(durable_runner):
            arn = durable_runner.run_async(LARGE)
            durable_runner.wait_for_callback(arn, "approval")
            assert not arn
    """
    result = run(str(examples.makepyfile(test_more=_dedented(MARKED, tests))))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*approval*"])
    result.stdout.no_fnmatch_line("*not stopped:*")


def _dedented(*parts: str) -> str:
    return "\n".join(dedent(part) for part in parts)
