"""What fails in cloud mode, against the simulated service over HTTP: told, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_lambda import Fault, FaultyProxy, serving
from served import TESTS, Caller, Command, command, wait_until

NAMES = ("ask", "charge", "die", "busy", "long", "many", "double", "broken")
MAPPED = f"--durable-function-map={json.dumps({name: f'{name}:$LATEST' for name in NAMES})}"

# Can be imported until its handler has been called.
BROKEN = """
import os
from pathlib import Path

from durable_sdk import durable_execution

MARK = Path(__file__).with_name("broken")
if MARK.exists():
    raise RuntimeError("no database")

@durable_execution
def handler(event, context):
    MARK.touch()
    os._exit(9)
"""

HEAD = """
import pytest
from pytest_durable.errors import CloudError, ExecutionFailedError

def on(function):
    return pytest.mark.durable_execution(lambda_function_name=function, mode="cloud")
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Serve the functions; waits take no time."""
    path = tmp_path_factory.mktemp("functions")
    (path / "broken.py").write_text(BROKEN)
    handlers = [f"deployed_functions:{name}" for name in NAMES if name != "broken"]
    with command(*handlers, "broken:handler", "--time", "skipped", cwd=path) as server:
        yield server


@pytest.fixture
def proxy(server: Command) -> Iterator[FaultyProxy]:
    with serving(FaultyProxy(server.url)) as served:
        assert isinstance(served, FaultyProxy)
        yield served


@pytest.fixture
def api(server: Command) -> Iterator[Caller]:
    caller = Caller(server.url)
    yield caller
    caller.close()


@pytest.fixture
def run(project: pytest.Pytester) -> Run:
    def run(url: str, source: str, *arguments: str) -> pytest.RunResult:
        file = project.makepyfile(test_failures=HEAD + source)
        common = ("-p", "no:cacheprovider", "--runner-mode=cloud", f"--durable-endpoint={url}", MAPPED)
        return project.runpytest(*common, *arguments, str(file))

    return run


def arn_of(result: pytest.RunResult) -> str:
    return next(line for line in result.outlines if line.startswith("arn:aws:lambda:"))


def test_the_error_of_an_execution_that_fails_is_in_the_result_and_in_the_report(
    run: Run, server: Command
) -> None:
    result = run(
        server.url,
        """
@on("charge")
def test_is_charged(durable_runner):
    result = durable_runner.run()
    assert (result.status, result.value) == ("FAILED", None)
    assert (result.error.type, result.error.message) == ("durable_sdk.exceptions.StepError", "no such card")
    charge = result.get_step("charge")
    assert (charge.status, charge.error.type, charge.attempt) == ("FAILED", "ValueError", 1)
    with pytest.raises(ExecutionFailedError, match="charge.*no such card"):
        result.raise_for_status()

@on("charge")
def test_is_not_charged(durable_runner):
    durable_runner.run().raise_for_status()
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *ExecutionFailedError: *FAILED: *StepError: no such card.",
            "E *It came from step 'charge'.",
            "arn:aws:lambda:*:function:charge:*",
            "execution * FAILED after 5*s, 2 invocations",
            "*step charge *FAILED ValueError: no such card*",
            "*look at it:*",
            f"*{server.url}*",
        ]
    )


def test_a_handler_that_dies_fails_its_execution(run: Run, server: Command) -> None:
    result = run(
        server.url,
        """
@on("die")
def test_lives(durable_runner):
    durable_runner.run().raise_for_status()
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *Runtime.ExitError*"])


def test_a_handler_that_cannot_be_imported_fails_its_execution(run: Run, server: Command) -> None:
    result = run(
        server.url,
        """
@on("broken")
def test_is_imported(durable_runner):
    durable_runner.run().raise_for_status()
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *RuntimeError: no database*"])


def test_a_function_that_is_not_durable_is_told_from_one_that_is(
    run: Run, server: Command, proxy: FaultyProxy
) -> None:
    source = """
@on("double")
def test_doubles(durable_runner):
    durable_runner.run({"timeout": 2})
"""
    result = run(server.url, source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *RefusedError: *double:$LATEST*not durable*Deploy it with a DurableConfig*"]
    )
    result.stdout.no_fnmatch_line("*botocore*")
    assert run(proxy.url, source).ret == 1
    assert len(proxy.of("Invoke")) == 1


def test_an_execution_whose_own_time_is_up_ends_the_run_and_not_the_test(run: Run) -> None:
    with command("deployed_functions:long", "--execution-timeout", "3s") as server:
        result = run(
            server.url,
            """
@on("long")
def test_takes_two_hours(durable_runner):
    result = durable_runner.run()
    assert result.status == "TIMED_OUT"
    assert 3 <= result.virtual_elapsed.total_seconds() < 5
    assert result.get_wait('two hours').status == "STARTED"
    assert result.error is None or result.error.message
    with pytest.raises(ExecutionFailedError, match="TIMED_OUT"):
        result.raise_for_status()
""",
        )
    result.assert_outcomes(passed=1)


def test_a_run_that_takes_too_long_is_stopped_there(run: Run, server: Command, api: Caller) -> None:
    result = run(
        server.url,
        """
@on("busy")
def test_is_quick(durable_runner):
    durable_runner.run(timeout=0.5)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *TimeoutError: *has not ended after 0.5 seconds (status RUNNING): *"])
    execution = api.client.get_durable_execution(DurableExecutionArn=arn_of(result))
    assert execution["Status"] == "STOPPED"
    assert execution["Error"]["ErrorMessage"] == "The test has given up: TimeoutError."


def test_credentials_that_expire_while_an_execution_is_awaited_end_the_test_at_once(
    run: Run, proxy: FaultyProxy
) -> None:
    expired = Fault(403, "ExpiredTokenException", "The security token included in the request is expired")
    proxy.faults["GetDurableExecution"] = [*[PASS] * 3, *[expired] * 20]
    proxy.faults["GetDurableExecutionHistory"] = [expired] * 20
    proxy.faults["StopDurableExecution"] = [expired] * 20
    began = time.monotonic()
    result = run(
        proxy.url,
        """
@on("ask")
def test_is_answered(durable_runner):
    durable_runner.run()
""",
    )
    assert time.monotonic() - began < 10
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *ExpiredTokenException*credentials have expired*", "not stopped:", "*could not be stopped*"]
    )
    assert len(proxy.of("GetDurableExecution")) >= 4


def test_throttling_between_pages_of_a_history_loses_and_repeats_nothing(
    run: Run, proxy: FaultyProxy, api: Caller
) -> None:
    throttled = Fault(429, "TooManyRequestsException", "Rate exceeded")
    proxy.faults["GetDurableExecutionHistory"] = [PASS, throttled, throttled, PASS, throttled]
    result = run(
        proxy.url,
        """
@on("many")
def test_has_pages(durable_runner):
    result = durable_runner.run({"steps": 1100})
    assert result.value == sum(range(1100))
    assert [step.value for step in result.operations] == list(range(1100))
    assert [event["EventId"] for event in result.history] == list(range(1, len(result.history) + 1))
    assert result.notes == ()
    (arn,) = durable_runner.arns
    assert durable_runner.get_execution_history(arn) == result.history
""",
    )
    result.assert_outcomes(passed=1)
    assert not proxy.faults["GetDurableExecutionHistory"]
    # Pages: three of the result, and three once more; those that were throttled came again.
    assert len(proxy.of("GetDurableExecutionHistory")) == 6 + 3


def test_a_server_that_goes_away_is_told_soon(run: Run, tmp_path: Path, project: pytest.Pytester) -> None:
    with command("deployed_functions:ask", cwd=tmp_path) as server:
        began = time.monotonic()
        result = run(
            server.url,
            f"""
@on("ask")
def test_is_answered(durable_runner):
    import os, signal
    arn = durable_runner.run_async()
    durable_runner.wait_for_callback(arn, "approval")
    os.kill({server.process.pid}, signal.SIGKILL)
    durable_runner.wait_for_result(arn, timeout=600)
""",
        )
        took = time.monotonic() - began
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"E *Nobody answers at {server.url}*Start the endpoint there (pytest-durable serve)*",
            "*not stopped:*",
        ]
    )
    # Five seconds for the call, none for the report and for stopping; the server takes a while to start.
    assert took < 12


@pytest.mark.parametrize("function", ["ask", "busy"])
def test_ctrl_c_stops_the_execution_and_ends_the_run(
    server: Command, api: Caller, project: pytest.Pytester, function: str
) -> None:
    source = f"""
@on("{function}")
def test_is_interrupted(durable_runner):
    durable_runner.run(timeout=60)
"""
    file = project.makepyfile(test_failures=HEAD + source)
    arguments = ["-p", "no:cacheprovider", "--runner-mode=cloud", f"--durable-endpoint={server.url}", MAPPED]
    before = {execution["DurableExecutionArn"] for execution in listed(api, function)}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": str(TESTS.parent)},
        start_new_session=True,
    )
    try:
        new = wait_until(
            lambda: [one for one in listed(api, function) if one["DurableExecutionArn"] not in before]
        )
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in output
    (execution,) = new
    ended = api.ended(execution["DurableExecutionArn"])
    assert ended["Status"] == "STOPPED"
    assert ended["Error"]["ErrorMessage"].endswith("KeyboardInterrupt.")
    # Nobody is left in the session that began with it.
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


PASS = Fault(None, passes=True)


def listed(api: Caller, function: str) -> list[dict[str, str]]:
    answer = api.client.list_durable_executions_by_function(FunctionName=function)
    return list(answer["DurableExecutions"])
