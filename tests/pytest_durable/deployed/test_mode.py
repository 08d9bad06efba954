"""pytest --runner-mode=cloud: what runs, what skips and why, and what is told."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from scripted_lambda import Fault, Life, ScriptedLambda

from durable_sdk import DurableContext, durable_execution
from pytest_durable import DurableFunctionCloudTestRunner
from pytest_durable.deployed.telling import console_link
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target

Serve = Callable[[Life], ScriptedLambda]

TEST = """
import pytest
from orders import handler

@pytest.mark.durable_execution(handler=handler, lambda_function_name="orders")
def test_fetches(durable_runner):
    with durable_runner:
        result = durable_runner.run(input={"id": "o-1"}, timeout=10)
    assert result.status == "SUCCEEDED"
    assert result.value == "o-1"
    assert result.get_step("fetch").value == "o-1"
    assert durable_runner.mode == MODE
"""


@durable_execution
def handler(event: Any, context: DurableContext) -> Any:
    return context.step(lambda _: event["id"], "fetch")


def recorded() -> DurableFunctionTestResult:
    runner = LocalRunner(Target(handler, FunctionVersion("orders")), SimulatorOptions)
    try:
        return runner.run({"id": "o-1"})
    finally:
        runner.release()


@pytest.fixture
def service(serve: Serve) -> ScriptedLambda:
    return serve(Life.of(recorded()))


def run(project: pytest.Pytester, service: ScriptedLambda | None, *arguments: str) -> pytest.RunResult:
    where = [] if service is None else [f"--durable-endpoint={service.url}"]
    return project.runpytest("-p", "no:cacheprovider", "--runner-mode=cloud", *where, *arguments)


MAPPED = '--durable-function-map={"orders": "Orders:live"}'


def marked(body: str, arguments: str = "", before: str = "", fixtures: str = "durable_runner") -> str:
    return f"""
import pytest
from orders import handler
from pytest_durable import faults

{before}
@pytest.mark.durable_execution(handler=handler, lambda_function_name="orders", {arguments})
def test_it({fixtures}):
    {body}
"""


def test_the_same_test_runs_in_both_modes(project: pytest.Pytester, service: ScriptedLambda) -> None:
    project.makepyfile(TEST.replace("MODE", '"cloud"'))
    run(project, service, MAPPED).assert_outcomes(passed=1)
    (invoked,) = service.of("Invoke")
    assert "Orders%3Alive" in invoked.path
    assert invoked.headers["x-amz-durable-execution-name"].startswith("test_fetches-main-")
    project.makepyfile(TEST.replace("MODE", '"local"'))
    project.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_one_function_is_named_by_the_variables_of_awss_guide(
    project: pytest.Pytester, service: ScriptedLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(TEST.replace("MODE", '"cloud"'))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("QUALIFIED_FUNCTION_NAME", "MyFunction:$LATEST")
    monkeypatch.setenv("LAMBDA_FUNCTION_TEST_NAME", "orders")
    monkeypatch.setenv("LAMBDA_ENDPOINT", service.url)
    run(project, None).assert_outcomes(passed=1)
    assert "MyFunction%3A%24LATEST" in service.of("Invoke")[0].path


def test_everything_may_stand_in_the_configuration(project: pytest.Pytester, service: ScriptedLambda) -> None:
    project.makepyfile(TEST.replace("MODE", '"cloud"'))
    project.makeini(f"""
        [pytest]
        runner_mode = cloud
        durable_endpoint = {service.url}
        durable_region = us-east-1
        durable_function_map = {{"orders": "Orders:7"}}
        durable_cloud_timeout = 5
        durable_explore = true
        durable_seed = 3
    """)
    project.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert "Orders%3A7" in service.of("Invoke")[0].path


def test_a_function_is_found_in_a_file_of_outputs(project: pytest.Pytester, service: ScriptedLambda) -> None:
    project.makepyfile(TEST.replace("MODE", '"cloud"'))
    project.makefile(".json", outputs='{"Stack": {"OrdersFunctionName": "stack-orders-1:live"}}')
    run(project, service, "--durable-outputs=outputs.json").assert_outcomes(passed=1)
    assert "stack-orders-1%3Alive" in service.of("Invoke")[0].path


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (marked("pass", before="@pytest.mark.durable_faults(faults.fail_step('x'))"), "durable_faults needs"),
        (marked("pass", before="@pytest.mark.durable_explore"), "durable_explore needs the simulator"),
        (marked("pass", fixtures="durable_runner, durable_effects"), "the fixture durable_effects needs"),
        (marked("pass", fixtures="durable_runner, durable_mock"), "the fixture durable_mock needs"),
        (marked("pass", 'start_time="2026-01-01T00:00:00Z"'), "start_time= of .* time is real in the cloud"),
        (marked("pass", 'limits={"checkpoint_payload_bytes": 9000}'), "limits= of "),
        (marked("pass", 'clock="virtual"'), "clock='virtual' of "),
        (marked("pass", 'mode="local"'), "the marker says mode='local'"),
        (marked("durable_runner.inject(faults.fail_step('x'))"), "durable_runner.inject needs"),
        (marked("durable_runner.run(); durable_runner.clock.advance('1h')"), "durable_runner.clock needs"),
        (marked("[durable_runner.on_step(name) for name in 'ab']"), "durable_runner.on_step needs"),
        (
            marked("durable_runner.start().until_suspended().finish()"),
            "until_suspended of an execution needs the simulator",
        ),
        (marked("runner = durable_runner; runner.inject()"), "durable_runner.inject needs"),
        (
            marked("durable_runner.on_callback('a').succeed(after='5h'); durable_runner.run()"),
            "answers after 18000 seconds",
        ),
    ],
)
def test_what_needs_the_simulator_skips_before_anything_is_invoked(
    project: pytest.Pytester, service: ScriptedLambda, test: str, reason: str
) -> None:
    project.makepyfile(test)
    result = run(project, service, MAPPED, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.re_match_lines([rf".*cloud mode: .*{reason}"])
    assert service.requests == []


def test_a_property_skips(project: pytest.Pytester, service: ScriptedLambda) -> None:
    project.makepyfile("""
        import pytest
        from hypothesis import given, strategies
        from orders import handler

        @pytest.mark.durable_execution(handler=handler, lambda_function_name="orders")
        @given(strategies.integers())
        def test_it(durable_runner, number):
            durable_runner.run({"id": number})
    """)
    result = run(project, service, MAPPED, "-rs")
    result.assert_outcomes(skipped=1)
    assert service.requests == []


def test_a_need_that_shows_only_after_an_invocation_stops_it_and_skips(
    project: pytest.Pytester, serve: Serve
) -> None:
    service = serve(Life.of(recorded(), ends=False))
    project.makepyfile(marked("runner = durable_runner; runner.run_async({'id': 1}); runner.clock"))
    result = run(project, service, MAPPED, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*cloud mode: durable_runner.clock needs the simulator*"])
    assert len(service.stopped) == 1


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        ('handler=handler, lambda_function_name="other"', "no deployed function is known for .*'other'.*"),
        ("handler=handler", "lambda_function_name= of @pytest.mark.durable_execution is missing"),
    ],
)
def test_a_test_without_a_deployed_function_skips_with_the_variable(
    project: pytest.Pytester, service: ScriptedLambda, mark: str, reason: str
) -> None:
    project.makepyfile(
        TEST.replace('handler=handler, lambda_function_name="orders"', mark).replace("MODE", '"cloud"')
    )
    result = run(project, service, MAPPED, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.re_match_lines([rf".*cloud mode: {reason}"])


def test_a_test_of_cloud_mode_needs_no_handler_and_skips_locally(
    project: pytest.Pytester, service: ScriptedLambda
) -> None:
    source = TEST.replace("handler=handler,", 'mode="cloud",').replace("MODE", '"cloud"')
    project.makepyfile(source)
    run(project, service, MAPPED).assert_outcomes(passed=1)
    result = project.runpytest("-p", "no:cacheprovider", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*local mode: the marker says mode='cloud'*"])


def test_tests_that_use_no_runner_run_as_ever(project: pytest.Pytester, service: ScriptedLambda) -> None:
    project.makepyfile("def test_it():\n    assert True\n")
    run(project, service).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--durable-explore"], "--durable-explore needs the simulator, and --runner-mode=cloud"),
        (["--durable-mutate"], "--durable-mutate needs the simulator"),
        (["--durable-function-map=x"], "--durable-function-map is JSON"),
        (["--durable-endpoint=x"], "--durable-endpoint is a URL"),
        (["--durable-region=Mars"], "--durable-region is a region"),
        (["--durable-cloud-timeout=soon"], "--durable-cloud-timeout is a duration"),
        (["--durable-cloud-timeout=0"], "--durable-cloud-timeout must be longer than zero"),
        (["--durable-outputs=none.json"], "none.json cannot be read"),
    ],
)
def test_a_bad_setting_ends_the_run_before_it_begins(
    project: pytest.Pytester, arguments: list[str], message: str
) -> None:
    project.makepyfile(TEST.replace("MODE", '"cloud"'))
    result = run(project, None, *arguments)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*ERROR: *{message}*"])


def test_local_mode_ignores_all_of_it(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    project.makepyfile(TEST.replace("MODE", '"local"'))
    monkeypatch.setenv("PYTEST_FUNCTION_NAME_MAP", "nonsense")
    monkeypatch.setenv("QUALIFIED_FUNCTION_NAME", "nonsense")
    monkeypatch.setenv("LAMBDA_ENDPOINT", "nonsense")
    project.runpytest("-p", "no:cacheprovider", "--durable-region=nonsense").assert_outcomes(passed=1)


def test_a_failure_tells_the_arn_the_timeline_and_where_to_look(
    project: pytest.Pytester, service: ScriptedLambda
) -> None:
    project.makepyfile(marked("assert durable_runner.run({'id': 1}).value == 'other'"))
    result = run(project, service, MAPPED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*durable execution*",
            "arn:aws:lambda:us-west-2:123456789012:function:orders:7/durable-execution/test_it-main-*-1/id-1",
            "*fetch*",
            "look at it:",
            f"  {service.url}/#arn%3A*",
            "run it again: pytest *::test_it --runner-mode=cloud *",
        ]
    )


def test_the_command_that_runs_it_again_names_the_function_and_the_place(
    project: pytest.Pytester, service: ScriptedLambda
) -> None:
    project.makepyfile(marked("assert durable_runner.run({'id': 1}).value == 'other'"))
    project.makefile(
        ".json",
        one='{"Stack": {"Other": "other:live"}}',
        two='{"Stack": {"OrdersFunctionName": "stack-orders-1:live"}}',
    )
    outputs = ["--durable-outputs=one.json", "--durable-outputs=two.json"]
    for arguments in ([MAPPED], [*outputs, "--durable-region=eu-west-1", "--durable-cloud-timeout=9s"]):
        first = run(project, service, *arguments)
        first.assert_outcomes(failed=1)
        command = shlex.split(next(line for line in first.outlines if "run it again: " in line))[3:]
        assert command[0] == "pytest"
        assert {*arguments, "--runner-mode=cloud", f"--durable-endpoint={service.url}"} < {*command}
        project.runpytest("-p", "no:cacheprovider", *command[1:]).assert_outcomes(failed=1)
    assert len(service.started) == 4


def test_the_command_names_local_mode_where_the_configuration_says_cloud(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nrunner_mode = cloud")
    project.makepyfile(marked("assert durable_runner.run({'id': 1}).value == 'other'"))
    result = project.runpytest("-p", "no:cacheprovider", "--runner-mode=local")
    result.stdout.fnmatch_lines(["run it again: pytest *::test_it --runner-mode=local --durable-seed=0"])


def test_what_a_failed_test_leaves_running_is_stopped(project: pytest.Pytester, serve: Serve) -> None:
    service = serve(Life.of(recorded(), ends=False))
    project.makepyfile(marked("durable_runner.run_async({'id': 1}); assert False"))
    run(project, service, MAPPED).assert_outcomes(failed=1)
    (error,) = service.stopped.values()
    assert error["ErrorMessage"] == "The test has not passed: AssertionError."


def test_what_ctrl_c_interrupts_is_stopped(project: pytest.Pytester, serve: Serve) -> None:
    service = serve(Life.of(recorded(), ends=False))
    project.makepyfile(marked("durable_runner.run_async({'id': 1}); raise KeyboardInterrupt"))
    result = project.runpytest_subprocess(
        "-p", "no:cacheprovider", "--runner-mode=cloud", f"--durable-endpoint={service.url}", MAPPED
    )
    assert result.ret is pytest.ExitCode.INTERRUPTED
    assert len(service.stopped) == 1


def test_what_could_not_be_stopped_is_told(project: pytest.Pytester, serve: Serve) -> None:
    service = serve(Life.of(recorded(), ends=False))
    service.faults["StopDurableExecution"] = [Fault(403, "AccessDeniedException", "no")]
    project.makepyfile(marked("durable_runner.run_async({'id': 1}); assert False"))
    result = run(project, service, MAPPED)
    result.stdout.fnmatch_lines(["not stopped:", "*could not be stopped: AccessDeniedException*"])


def test_a_script_that_was_not_used_fails_the_test(project: pytest.Pytester, service: ScriptedLambda) -> None:
    project.makepyfile(marked("durable_runner.on_callback('a').succeed(); durable_runner.run({'id': 1})"))
    result = run(project, service, MAPPED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*on_callback('a') was never used. The run had no callbacks.*"])


def test_the_arn_of_a_test_that_passes_is_told_when_asked_for(
    project: pytest.Pytester, service: ScriptedLambda
) -> None:
    project.makepyfile(marked("durable_runner.run({'id': 1})"))
    assert "arn:aws" not in run(project, service, MAPPED).stdout.str()
    run(project, service, MAPPED, "-v").stdout.fnmatch_lines(["*durable executions of *", "arn:aws:lambda:*"])
    run(project, service, MAPPED, "--durable-timeline").stdout.fnmatch_lines(["arn:aws:lambda:*", "*fetch*"])
    run(project, service, MAPPED, "--junit-xml=junit.xml")
    assert 'name="durable_execution_arn" value="arn:aws:lambda:' in (project.path / "junit.xml").read_text()


def test_missing_region_fails_the_test_and_says_how_to_give_one(project: pytest.Pytester) -> None:
    project.makepyfile(TEST.replace("MODE", '"cloud"'))
    result = run(project, None, MAPPED)
    result.stdout.fnmatch_lines(["*No AWS region for Orders:live: set AWS_REGION*"])


def test_with_xdist_every_worker_has_names_of_its_own(
    project: pytest.Pytester, service: ScriptedLambda
) -> None:
    pytest.importorskip("xdist")
    source = TEST.replace("MODE", '"cloud"')
    source = source.replace("test_fetches(durable_runner)", "test_fetches(durable_runner, number)")
    many = '@pytest.mark.parametrize("number", range(6))'
    project.makepyfile(source.replace("@pytest", f"{many}\n@pytest"))
    run(project, service, MAPPED, "-n", "2").assert_outcomes(passed=6)
    assert len(service.started) == 6
    assert {name.split("-")[2] for name in service.started} <= {"gw0", "gw1"}


@pytest.mark.parametrize(
    ("partition", "region", "link"),
    [
        ("aws", "us-west-2", "https://us-west-2.console.aws.amazon.com/lambda/home?region=us-west-2"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/lambda/home?region=cn-north-1"),
        ("aws-iso", "us-iso-east-1", ""),
    ],
)
def test_the_console_of_a_partition_shows_the_executions_of_the_function(
    partition: str, region: str, link: str
) -> None:
    arn = f"arn:{partition}:lambda:{region}:123456789012:function:orders:7/durable-execution/n/i"
    shown = console_link(arn, None)
    assert shown.startswith(link)
    assert shown.endswith("#/functions/orders?tab=durableExecutions" if link else "")
    assert console_link(arn, f"https://lambda.{region}.amazonaws.com") == shown


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://durable:9000/"])
def test_the_page_of_an_endpoint_shows_the_execution(endpoint: str) -> None:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:orders:$LATEST/durable-execution/n/i"
    assert console_link(arn, endpoint) == (
        f"{endpoint.rstrip('/')}/#arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction"
        "%3Aorders%3A%24LATEST%2Fdurable-execution%2Fn%2Fi"
    )


def test_the_variable_that_boto3_follows_is_an_endpoint(
    project: pytest.Pytester, service: ScriptedLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", service.url)
    project.makepyfile(marked("assert durable_runner.run({'id': 1}).value == 'other'"))
    result = run(project, None, MAPPED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["look at it:", f"  {service.url}/#arn%3Aaws%3Alambda%3A*"])


def test_every_test_invokes_the_function_whatever_others_are_called(
    project: pytest.Pytester, service: ScriptedLambda
) -> None:
    test = (
        TEST.replace("MODE", '"cloud"').replace("test_fetches(", "test_fetches(self, ").partition("@pytest")
    )
    head, body = test[0], "".join(test[1:]).replace("\n", "\n    ")
    classes = "".join(f"class Test{name}:\n    {body}\n" for name in "AB")
    long = "a_name_that_is_longer_than_what_is_shown"
    many = f"""
        @pytest.mark.parametrize("number", range(3))
        @pytest.mark.durable_execution(handler=handler, lambda_function_name="orders")
        def test_{long}(durable_runner, number):
            durable_runner.run({{"id": 1}})
    """
    source = f"{head}\n{classes}\n{textwrap.dedent(many)}"
    project.makepyfile(test_one=source, test_two=source)
    run(project, service, MAPPED).assert_outcomes(passed=10)
    assert len(service.started) == len(service.of("Invoke")) == 10


def test_a_test_that_is_run_again_invokes_the_function_again(
    project: pytest.Pytester, service: ScriptedLambda
) -> None:
    project.makepyfile(marked("assert durable_runner.run({'id': 1}).value == 'other'"))
    project.makeconftest("""
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            for _ in range(3):
                for report in runtestprotocol(item, nextitem=nextitem, log=False):
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
    """)
    run(project, service, MAPPED).assert_outcomes(failed=3)
    assert len(service.started) == 3


def test_a_runner_of_awss_has_names_of_its_own(service: ScriptedLambda) -> None:
    for _ in range(2):
        with DurableFunctionCloudTestRunner("orders:live", lambda_endpoint=service.url) as runner:
            runner.run({"id": "o-1"})
            runner.run({"id": "o-1"})
    assert len(service.started) == 4
