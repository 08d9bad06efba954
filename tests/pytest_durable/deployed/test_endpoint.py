"""Cloud mode against the simulated service over HTTP: the examples as they are, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_lambda import Fault, FaultyProxy, serving
from served import ENVIRONMENT, command, wait_until

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SERVED = ("greeting", "order", "approval", "invoices", "shipping", "report")
HANDLERS = (*(f"{name}:handler" for name in SERVED), "render-invoice=invoices:render")
MAPPED = f"--durable-function-map={json.dumps({name: f'{name}:$LATEST' for name in SERVED})}"


@pytest.fixture(scope="module")
def rest_of_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the functions use beside Lambda, over HTTP."""
    # In a process of its own: moto's state is that of its process, in which other tests reset it.
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("w") as file:
        moto = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", "0"], stdout=file, stderr=file)
    try:
        url = wait_until(lambda: re.search(r"http://127\S+", log.read_text()))[0]
        subprocess.run(
            [sys.executable, "-c", "import test_report; test_report.deploy()"],
            cwd=EXAMPLES,
            env={**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL": url},
            check=True,
        )
        yield url
    finally:
        moto.kill()
        moto.wait()


@pytest.fixture(scope="module")
def url(rest_of_aws: str) -> Iterator[str]:
    """Serve the functions of the examples; waits take no time."""
    # In a process of its own: the simulator, which shows this one its own time, runs here, too.
    with command(
        *HANDLERS, "--time", "skipped", cwd=EXAMPLES, environment={"AWS_ENDPOINT_URL": rest_of_aws}
    ) as server:
        yield server.url


@pytest.fixture
def proxy(url: str) -> Iterator[FaultyProxy]:
    with serving(FaultyProxy(url)) as served:
        assert isinstance(served, FaultyProxy)
        yield served


Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(project: pytest.Pytester, rest_of_aws: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest in a project in which the examples are."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", rest_of_aws)
    for file in EXAMPLES.glob("*.py"):
        shutil.copy(file, project.path / file.name)

    def run(url: str, *arguments: str, mode: str = "--runner-mode=cloud") -> pytest.RunResult:
        common = ("-p", "no:cacheprovider", mode, f"--durable-endpoint={url}", MAPPED)
        return project.runpytest(*common, *arguments)

    return run


def test_the_examples_pass_as_they_are_or_say_what_they_need(run: Run, url: str) -> None:
    result = run(url, "-rs", "-W", "error")
    result.assert_outcomes(passed=8, skipped=11)
    for line in (
        "SKIPPED * cloud mode: on_callback('approval') answers after 18000 seconds, which needs*",
        "SKIPPED * cloud mode: callback 'approval' is answered after its timeout or never*",
        "SKIPPED * cloud mode: durable_runner.on_invoke needs the simulator*",
        "SKIPPED * cloud mode: advance of an execution needs the simulator*",
        "SKIPPED * cloud mode: durable_runner.on_step needs the simulator*",
        "SKIPPED * cloud mode: lambda_function_name= of @pytest.mark.durable_execution is missing",
        "SKIPPED * cloud mode: @pytest.mark.durable_explore needs the simulator",
        "SKIPPED * cloud mode: start_time= of @pytest.mark.durable_execution needs the simulator*",
    ):
        result.stdout.fnmatch_lines([line])


def test_the_examples_pass_in_two_processes(run: Run, url: str) -> None:
    run(url, "-n", "2").assert_outcomes(passed=8, skipped=11)


def test_the_examples_come_to_the_same_in_both_modes(run: Run, url: str) -> None:
    # How often the drone is asked depends on the time of day. And moto's mock does not stand in for the
    # server that the report uses here.
    same = run(url, "-k", "not shipping and not report", mode="--durable-diff")
    same.assert_outcomes(passed=6, skipped=8, deselected=5)


def test_a_deployed_function_that_differs_is_told_by_its_first_difference(
    run: Run, url: str, project: pytest.Pytester
) -> None:
    test = project.makepyfile("""
        import pytest
        from durable_sdk import durable_execution

        @durable_execution
        def handler(event, context):
            return context.step(lambda _: f"Good day {event['name']}!", "greet_user")

        @pytest.mark.durable_execution(handler=handler, lambda_function_name="greeting")
        def test_greets(durable_runner):
            assert durable_runner.run(input={"name": "Ada"}).status == "SUCCEEDED"
    """)
    result = run(url, str(test), mode="--durable-diff")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "The runs differ (left: in the simulator, right: as a deployed function).",
            "The histories differ in StepSucceededDetails.Result.Payload:",
            "  left:  '\"Good day Ada!\"'",
            "  right: '\"Hello Ada!\"'",
        ]
    )
    (again,) = (line for line in result.outlines if line.startswith("run it again: "))
    command = shlex.split(again.removeprefix("run it again: "))
    assert {"--durable-diff", MAPPED, f"--durable-endpoint={url}"} < {*command}
    project.runpytest("-p", "no:cacheprovider", *command[1:]).assert_outcomes(failed=1)


def test_a_test_that_fails_in_the_simulator_only_is_told(
    run: Run, url: str, project: pytest.Pytester
) -> None:
    test = project.makepyfile("""
        import pytest
        from greeting import handler

        @pytest.mark.durable_execution(handler=handler, lambda_function_name="greeting")
        def test_greets(durable_runner):
            durable_runner.run(input={"name": "Ada"})
            assert durable_runner.mode == "cloud", "elsewhere"
    """)
    result = run(url, str(test), mode="--durable-diff")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["The test passes with the deployed function, and fails in the simulator: AssertionError: elsewhere*"]
    )


def test_both_modes_at_once_and_one_alone_contradict_each_other(run: Run, url: str) -> None:
    result = run(url, "--durable-diff", mode="--runner-mode=local")
    assert result.ret is pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "faults",
    [
        {"Invoke": [Fault(429, "TooManyRequestsException")] * 2},
        {"Invoke": [Fault(500, does_it=True), Fault(None, does_it=True)]},
        {"GetDurableExecution": [Fault(404, "ResourceNotFoundException", "not yet")] * 2 + [Fault(503)]},
        {"GetDurableExecutionHistory": [Fault(200, answer={"Events": []})] * 3 + [Fault(500)]},
    ],
)
def test_what_passes_on_the_way_changes_nothing(
    run: Run, proxy: FaultyProxy, faults: dict[str, list[Fault]]
) -> None:
    proxy.faults.update(faults)
    run(proxy.url, "test_greeting.py", "-k", "greets_by_name").assert_outcomes(passed=1)
    assert not any(proxy.faults.values())
    names = {request.headers["x-amz-durable-execution-name"] for request in proxy.of("Invoke")}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("operation", "fault", "told"),
    [
        ("Invoke", Fault(403, "AccessDeniedException", "no"), "*lambda:InvokeFunction*"),
        ("Invoke", Fault(404, "ResourceNotFoundException", "no"), "*There is no such function, version*"),
        (
            "Invoke",
            Fault(202, answer=""),
            "*is not a durable function*",
        ),
        ("GetDurableExecution", Fault(403, "ExpiredTokenException", "old"), "*credentials have expired*"),
    ],
)
def test_what_does_not_pass_is_told_with_the_next_move(
    run: Run, proxy: FaultyProxy, operation: str, fault: Fault, told: str
) -> None:
    proxy.faults[operation] = [fault]
    result = run(proxy.url, "test_greeting.py", "-k", "greets_by_name")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([told])


def test_an_execution_that_never_ends_is_stopped_there(
    run: Run, proxy: FaultyProxy, project: pytest.Pytester
) -> None:
    test = project.makepyfile("""
        import pytest
        from approval import handler

        @pytest.mark.durable_execution(handler=handler, lambda_function_name="approval")
        def test_is_not_answered(durable_runner):
            arn = durable_runner.run_async({"id": "o-1", "total": 5000})
            with pytest.raises(TimeoutError, match="approval"):
                durable_runner.wait_for_result(arn, timeout=0.5)
            durable_runner.stop_execution(arn, "enough")
            assert durable_runner.wait_for_result(arn).status == "STOPPED"
            durable_runner.run({"id": "o-1", "total": 5000}, timeout=0.5)
    """)
    result = run(proxy.url, str(test))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*STOPPED*TestEnded: The test has given up: TimeoutError.*"])
    assert len(proxy.of("StopDurableExecution")) == 2


def test_a_callback_is_awaited_and_answered_over_http(
    run: Run, proxy: FaultyProxy, project: pytest.Pytester
) -> None:
    test = project.makepyfile("""
        import pytest
        from approval import handler

        pytestmark = pytest.mark.durable_execution(handler=handler, lambda_function_name="approval")
        LARGE = {"id": "o-1", "total": 5000}

        def test_by_the_test(durable_runner):
            arn = durable_runner.run_async(LARGE)
            callback_id = durable_runner.wait_for_callback(arn, "approval")
            durable_runner.send_callback_success(callback_id, value={"by": "Grace"})
            assert durable_runner.wait_for_result(arn).value["status"] == "shipped"

        def test_by_a_script(durable_runner):
            durable_runner.on_callback("approval").succeed({"by": "Grace"}, after=0.3)
            assert durable_runner.run(LARGE).value["status"] == "shipped"

        def test_by_a_script_that_fails(durable_runner):
            durable_runner.on_callback("approval").fail("over budget")
            assert durable_runner.run(LARGE).value == {"status": "rejected", "reason": "over budget"}
    """)
    run(proxy.url, str(test)).assert_outcomes(passed=3)
    run(proxy.url, str(test), mode="--durable-diff").assert_outcomes(passed=3)


@pytest.mark.parametrize("mode", ["--runner-mode=cloud", "--runner-mode=local"])
def test_an_answer_that_is_too_large_is_an_error_in_both_modes(
    run: Run, url: str, project: pytest.Pytester, mode: str
) -> None:
    test = project.makepyfile("""
        import pytest
        from approval import handler
        from pytest_durable.errors import ServiceError

        pytestmark = pytest.mark.durable_execution(handler=handler, lambda_function_name="approval")
        ORDER = {"id": "o-1", "total": 5000}

        def test_of_a_script(durable_runner):
            durable_runner.on_callback("approval").succeed("x" * 1_100_000)
            with pytest.raises(ServiceError) as caught:
                durable_runner.run(ORDER)
            assert caught.value.code == "InvalidParameterValueException"

        def test_of_the_test(durable_runner):
            arn = durable_runner.run_async(ORDER)
            callback_id = durable_runner.wait_for_callback(arn, "approval")
            with pytest.raises(ServiceError) as caught:
                durable_runner.send_callback_success(callback_id, value="x" * 1_100_000)
            assert caught.value.code == "InvalidParameterValueException"
    """)
    run(url, str(test), mode=mode).assert_outcomes(passed=2)
