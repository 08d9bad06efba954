"""The plugin as its users meet it: whole pytest runs over small projects."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

HANDLERS = """
    import time
    from datetime import datetime
    from durable_sdk import durable_execution, durable_step

    @durable_step
    def greet(step_context, name):
        return f"Hello {name}!"

    @durable_execution
    def handler(event, context):
        return context.step(greet(event.get("name", "World")))

    @durable_execution
    def waits(event, context):
        context.step(greet("early"))
        context.wait(days=30, name="month")
        return context.step(greet("late"), name="after")

    @durable_execution
    def draws(event, context):
        from durable_sdk.config import Duration, StepConfig
        from durable_sdk.retries import RetryStrategyConfig, create_retry_strategy

        strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=2, initial_delay=Duration(1000)))
        def body(step_context):
            if step_context.attempt == 1:
                raise ValueError("again")
        context.step(body, name="flaky", config=StepConfig(strategy))

    def plain(event, context):
        return 1
"""

QUICK_START = """
    import pytest
    from handlers import handler

    @pytest.mark.durable_execution(handler=handler, lambda_function_name="my_function")
    def test_my_function(durable_runner):
        with durable_runner:
            result = durable_runner.run(input={"name": "Ada"}, timeout=10)
        assert result.status == "SUCCEEDED"
        assert result.value == "Hello Ada!"
"""

FAILING = """
    import pytest
    from handlers import waits

    @pytest.mark.durable_execution(handler=waits)
    @pytest.mark.parametrize("word", ["plain", "with space", "$HOME", '"quoted"', "back`tick"])
    def test_fails(durable_runner, word):
        durable_runner.run()
        durable_runner.start(name="second").until_suspended()
        assert word == "something else"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(handlers=HANDLERS)
    pytester.syspathinsert()
    return pytester


def with_marker(marker: str, body: str = "durable_runner.run()") -> str:
    return f"""
    import pytest
    from datetime import datetime, timedelta
    from handlers import *

    {marker}
    def test_it(durable_runner):
        {body}
    """


def test_the_quick_start_passes(project: pytest.Pytester) -> None:
    project.makepyfile(QUICK_START)
    project.runpytest_inprocess("--strict-markers", "-W", "error").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "clues"),
    [
        ("", ["handler is missing", "@durable_execution"]),
        ("handler=plain", ["handler plain is not a durable handler", "Decorate it with @durable_execution"]),
        ("handler=3", ["handler 3 is not a durable handler"]),
        ("3", ["takes the keyword arguments handler, lambda_function_name", "got 3"]),
        ("handler=handler, colour='red'", ["takes the keyword arguments", "colour"]),
        ("handler=handler, execution_timeout='soon'", ["execution_timeout is a duration", "'soon'"]),
        ("handler=handler, execution_timeout=0", ["execution_timeout must be longer than zero"]),
        ("handler=handler, invocation_timeout=-1", ["invocation_timeout is a duration", "-1"]),
        ("handler=handler, invocation_timeout=None", ["invocation_timeout is a duration", "None"]),
        ("handler=handler, start_time=datetime(2026, 1, 1)", ["start_time needs a time zone"]),
        ("handler=handler, start_time='2026-01-01'", ["start_time needs a time zone"]),
        ("handler=handler, start_time='yesterday'", ["start_time is an aware datetime or ISO text"]),
        ("handler=handler, start_time=3", ["start_time is an aware datetime or ISO text", "3"]),
        ("handler=handler, limits={'colour': 3}", ["there is no limit 'colour'", "checkpoint_payload_bytes"]),
        ("handler=handler, limits={'retry_seconds': 0}", ["'retry_seconds' is a positive integer"]),
        ("handler=handler, limits=3", ["limits is a mapping", "3"]),
        ("handler=handler, skip_time=1", ["skip_time is True or False, got 1"]),
        ("handler=handler, clock='fast'", ["clock is one of 'virtual', 'real', got 'fast'"]),
        ("handler=handler, schedule='chaos'", ["schedule is one of 'in-order', 'random', got 'chaos'"]),
        ("handler=handler, seed='1'", ["seed is an integer, got '1'"]),
        ("handler=handler, seed=True", ["seed is an integer, got True"]),
        ("handler=handler, lambda_function_name=7", ["lambda_function_name is a text, got 7"]),
    ],
)
def test_a_wrong_marker_fails_the_test_by_name_and_argument(
    project: pytest.Pytester, arguments: str, clues: list[str]
) -> None:
    project.makepyfile(with_marker(f"@pytest.mark.durable_execution({arguments})"))
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = re.sub(r"\s+", " ", result.stdout.str())
    assert "::test_it" in text
    assert [clue for clue in clues if clue not in text] == []
    assert "Traceback" not in text


@pytest.mark.parametrize("name", ["no spaces allowed", "arn:aws:lambda"])
def test_a_function_name_that_lambda_would_not_take_is_refused(project: pytest.Pytester, name: str) -> None:
    project.makepyfile(
        with_marker(f"@pytest.mark.durable_execution(handler=handler, lambda_function_name={name!r})")
    )
    project.runpytest_inprocess().assert_outcomes(errors=1)


def test_a_handler_that_is_not_given_by_name_is_refused_at_collection(project: pytest.Pytester) -> None:
    # pytest takes a mark with one function for a decorator, so the handler is called with the test.
    project.makepyfile(with_marker("@pytest.mark.durable_execution(handler)"))
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert "by name: handler=" in result.stdout.str()


def test_the_fixture_without_the_marker_says_what_to_add(project: pytest.Pytester) -> None:
    project.makepyfile(with_marker(""))
    result = project.runpytest_inprocess()
    assert "Add @pytest.mark.durable_execution(handler=...)" in result.stdout.str()


def test_the_marker_may_stand_on_a_class_or_a_module_and_the_closest_wins(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from handlers import handler, waits

        pytestmark = pytest.mark.durable_execution(handler=waits)

        @pytest.mark.durable_execution(handler=handler)
        class TestIt:
            def test_class(self, durable_runner):
                assert durable_runner.run().value == "Hello World!"

        def test_module(durable_runner):
            assert durable_runner.run().value == "Hello late!"
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_the_marker_the_fixture_and_the_options_are_described(project: pytest.Pytester) -> None:
    assert "@pytest.mark.durable_execution(handler, " in project.runpytest_inprocess("--markers").stdout.str()
    fixtures = project.runpytest_inprocess("--fixtures").stdout.str()
    assert re.search(r"durable_runner.*\n\s+Run the handler of the marker", fixtures)
    options = project.runpytest_inprocess("--help").stdout.str()
    assert "--durable-seed=N" in options
    assert "durable_seed" in options


@pytest.mark.parametrize(
    ("arguments", "ini", "marker", "seed"),
    [
        ([], "", "", 0),
        (["--durable-seed=7"], "", "", 7),
        ([], "5", "", 5),
        ([], "5", "seed=6", 6),
        (["--durable-seed=7"], "5", "seed=6", 7),
        (["--durable-seed=-3"], "", "", -3),
        (["--durable-seed=0"], "5", "seed=6", 0),
    ],
)
def test_the_seed_comes_from_the_command_line_then_the_marker_then_the_file(
    project: pytest.Pytester, arguments: list[str], ini: str, marker: str, seed: int
) -> None:
    project.makeini(f"[pytest]\ndurable_seed = {ini}\n")
    project.makepyfile(
        with_marker(
            f"@pytest.mark.durable_execution(handler=handler, {marker})",
            f"assert durable_runner.run().seed == {seed} == durable_runner.seed",
        )
    )
    project.runpytest_inprocess(*arguments).assert_outcomes(passed=1)


def test_a_malformed_seed_is_refused(project: pytest.Pytester) -> None:
    project.makepyfile(QUICK_START)
    assert project.runpytest_inprocess("--durable-seed=lots").ret == pytest.ExitCode.USAGE_ERROR
    project.makeini("[pytest]\ndurable_seed = lots\n")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "durable_seed in the configuration is an integer, got 'lots'" in result.stderr.str()


def test_a_failure_shows_the_run_what_is_pending_and_how_to_repeat_it(project: pytest.Pytester) -> None:
    path = project.makepyfile(FAILING)
    result = project.runpytest_inprocess("-k", "plain", "--durable-seed=4")
    result.stdout.fnmatch_lines(
        [
            "*- durable execution -*",
            "execution * SUCCEEDED after 30d*",
            "*greet*",
            "*month*",
            "pending:",
            "*wait 'month', STARTED since 2026-*",
            "seed: 4",
            f"run it again: pytest '{path.name}::test_fails*plain*' --durable-seed=4",
        ]
    )


def rerun_commands(text: str) -> list[str]:
    return re.findall(r"^run it again: (.*)$", text, re.MULTILINE)


@pytest.mark.parametrize(
    "word",
    [
        "plain",
        "space",
        "quoted",
        "HOME",
    ],
)
def test_the_command_of_a_failure_repeats_exactly_that_test(project: pytest.Pytester, word: str) -> None:
    project.makepyfile(FAILING)
    (command,) = rerun_commands(project.runpytest_inprocess("-k", word).stdout.str())
    assert shlex.split(command)[0] == "pytest"
    finished = project.run("sh", "-c", command.replace("pytest", f"{sys.executable} -m pytest", 1))
    finished.assert_outcomes(failed=1)
    assert rerun_commands(finished.stdout.str()) == [command]


def test_a_test_without_the_fixture_gets_no_section(project: pytest.Pytester) -> None:
    project.makepyfile("def test_fails():\n    assert 0\n")
    assert "durable execution" not in project.runpytest_inprocess().stdout.str()


def test_the_timeline_of_a_test_that_passes_is_shown_on_request(project: pytest.Pytester) -> None:
    project.makepyfile(QUICK_START)
    assert "durable timeline" not in project.runpytest_inprocess().stdout.str()
    shown = project.runpytest_inprocess("--durable-timeline").stdout.str()
    assert "durable timeline of " in shown
    assert "SUCCEEDED after 0" in shown


def test_input_and_results_that_are_not_json_are_reported(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from durable_sdk import durable_execution
        from handlers import handler

        @durable_execution
        def returns_object(event, context):
            return object()

        @pytest.mark.durable_execution(handler=handler)
        def test_input(durable_runner):
            durable_runner.run({1, 2})

        @pytest.mark.durable_execution(handler=returns_object)
        def test_result(durable_runner):
            durable_runner.run().raise_for_status()
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*UsageError: input must be JSON*Got {1, 2}*", "*result is not JSON*"])


PARKED = """
    import pytest
    from durable_sdk import _runtime, durable_execution

    @durable_execution
    def handler(event, context):
        def stuck(child):
            child.step(lambda: _runtime.current.get().signal().wait(), name="asleep")
        context.parallel([stuck, lambda child: 1], name="both")

    @pytest.mark.durable_execution(handler=handler)
    def test_parked(durable_runner):
        durable_runner.run().raise_for_status()
"""


def test_a_handler_that_is_parked_for_ever_fails_at_once_and_names_where(project: pytest.Pytester) -> None:
    project.makepyfile(PARKED)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    assert result.duration < 5
    assert "asleep" in result.stdout.str()


def test_a_run_without_durable_tests_imports_nothing_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_plain():
            heavy = {"durable_sdk", "boto3", "botocore", "freezegun", "pytest_durable.simulator"}
            assert sorted(heavy & set(sys.modules)) == []
            assert "pytest_durable.plugin" in sys.modules
        """
    )
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1)


def test_a_durable_test_imports_no_boto3(project: pytest.Pytester) -> None:
    project.makepyfile(
        with_marker(
            "@pytest.mark.durable_execution(handler=handler)",
            "durable_runner.run(); import sys; assert not {'boto3', 'botocore'} & set(sys.modules)",
        )
    )
    project.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "arguments", [("-n", "2"), ("--cov=handlers", "-p", "no:xdist")], ids=["xdist", "coverage"]
)
def test_it_works_beside_other_plugins(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    if arguments[0] != "-n":
        # All that are installed, as for most users.
        monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        monkeypatch.setenv("PYTEST_ADDOPTS", "-o asyncio_default_fixture_loop_scope=function")
    project.makepyfile(QUICK_START, test_two=with_marker("@pytest.mark.durable_execution(handler=waits)"))
    project.makepyfile(test_failing=FAILING)
    result = project.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=2, failed=5)
    # The section of a failure travels from the worker to the report.
    assert len(rerun_commands(result.stdout.str())) == 5
    if arguments[0] != "-n":
        assert "handlers.py" in result.stdout.str()


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_an_asynchronous_test_may_use_the_runner(project: pytest.Pytester, mode: str) -> None:
    project.makepyfile(
        f"""
        import asyncio, pytest, time
        from handlers import waits

        @pytest.mark.durable_execution(handler=waits)
        {"@pytest.mark.asyncio" if mode == "strict" else ""}
        async def test_async(durable_runner):
            before = time.monotonic()
            await asyncio.sleep(0.01)
            assert durable_runner.run().value == "Hello late!"
            await asyncio.sleep(0.01)
            assert 0.01 < time.monotonic() - before < 30
        """
    )
    loop = "asyncio_default_fixture_loop_scope=function"
    options = ("-p", "asyncio", "-o", loop, f"--asyncio-mode={mode}")
    project.runpytest_inprocess(*options).assert_outcomes(passed=1)


def test_a_test_and_what_comes_after_it_see_real_time(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import time, datetime
        import pytest
        from handlers import handler, waits

        ORIGINALS = (time.time, time.sleep, time.monotonic, datetime.datetime, datetime.date)

        def present():
            return (time.time, time.sleep, time.monotonic, datetime.datetime, datetime.date)

        @pytest.mark.durable_execution(handler=waits)
        def test_during(durable_runner):
            before = time.time()
            execution = durable_runner.start().until_suspended()
            assert present() == ORIGINALS
            execution.finish()
            assert before <= time.time() < before + 30
            assert datetime.datetime.now().timestamp() - before < 30

        @pytest.mark.durable_execution(handler=waits)
        def test_failing(durable_runner):
            durable_runner.start().until("no such operation")

        def test_after():
            assert present() == ORIGINALS
        """
    )
    result = project.runpytest_inprocess("--durations=0", "-vv")
    result.assert_outcomes(passed=2, failed=1)
    durations = [
        float(text) for text in re.findall(r"^([\\d.]+)s (?:call|setup|teardown)", result.stdout.str(), re.M)
    ]
    assert all(0 <= duration < 30 for duration in durations)


def test_the_virtual_clock_is_that_of_the_marker(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import time
        from datetime import datetime
        import pytest
        from durable_sdk import durable_execution

        @durable_execution
        def reads(event, context):
            time.sleep(0.01)
            return datetime.now().isoformat()

        off = dict(handler=reads, replay_check="off")

        @pytest.mark.durable_execution(start_time="2030-01-02T03:04:05+01:00", **off)
        def test_virtual(durable_runner):
            assert durable_runner.run().value == "2030-01-02T02:04:05.010000"

        @pytest.mark.durable_execution(clock="real", start_time="2030-01-01T00:00:00Z", **off)
        def test_real(durable_runner):
            assert not durable_runner.run().value.startswith("2030-01-01T00:00:00")
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_every_option_of_the_marker_reaches_the_run(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from datetime import timedelta
        import pytest
        from durable_sdk.config import Duration
        from handlers import draws, handler, waits

        @pytest.mark.durable_execution(handler=waits, execution_timeout="2h30m")
        def test_execution_timeout(durable_runner):
            result = durable_runner.run()
            assert (result.status, result.virtual_elapsed) == ("TIMED_OUT", timedelta(hours=2.5))

        @pytest.mark.durable_execution(handler=handler, lambda_function_name="orders")
        def test_name(durable_runner):
            assert ":function:orders:" in durable_runner.run_async()

        @pytest.mark.durable_execution(handler=waits, limits={"checkpoint_payload_bytes": 5})
        def test_limits(durable_runner):
            assert "less than or equal to 5 bytes" in durable_runner.run().error.message

        @pytest.mark.durable_execution(handler=draws, seed=1)
        def test_seed(durable_runner):
            one = durable_runner.run().virtual_elapsed
            assert one != timedelta(0)
            assert durable_runner.seed == 1

        @pytest.mark.durable_execution(handler=waits, schedule="random", invocation_timeout=Duration(60))
        def test_schedule(durable_runner):
            assert durable_runner.run().value == "Hello late!"
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=5)


def test_no_thread_is_left_running_a_task(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import threading, time
        import pytest
        from durable_sdk import durable_execution

        @durable_execution
        def handler(event, context):
            def branch(child):
                child.step(lambda: time.sleep(3600), name="long")
            context.parallel([branch, branch, branch])

        unwound = []

        @durable_execution
        def unwinds(event, context):
            try:
                context.step(lambda: time.sleep(3600), name="long")
            finally:
                unwound.append(1)

        @pytest.mark.durable_execution(handler=handler)
        def test_abandons(durable_runner):
            durable_runner.start().until("long")

        @pytest.mark.durable_execution(handler=unwinds, replay_check="off")
        def test_abandons_too(durable_runner):
            durable_runner.start().until("long")
            assert not unwound

        def test_after():
            assert unwound == [1]
            threads = [thread for thread in threading.enumerate() if thread.name.startswith("durable")]
            # What is left is idle: none holds a frame of the handler.
            import sys
            for thread in threads:
                frame = sys._current_frames()[thread.ident]
                while frame is not None:
                    assert frame.f_code.co_name not in ("branch", "handler", "unwinds")
                    frame = frame.f_back
        """
    )
    # A process of its own: other tests here may leave executions parked on purpose.
    project.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=3)


def test_ctrl_c_in_a_handler_does_not_leave_virtual_time_behind(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import time
        import pytest
        from durable_sdk import durable_execution

        SLEEP = time.sleep

        @durable_execution
        def handler(event, context):
            raise KeyboardInterrupt

        @pytest.mark.durable_execution(handler=handler)
        def test_interrupts(durable_runner):
            try:
                durable_runner.run()
            except KeyboardInterrupt:
                pass
            assert time.sleep is SLEEP
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_an_operation_in_a_foreign_thread_fails_its_test_once_and_no_other(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from concurrent.futures import ThreadPoolExecutor

        import pytest
        from durable_sdk import durable_execution

        @durable_execution
        def handler(event, context):
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(context.step, lambda: 1).result()

        @pytest.mark.durable_execution(handler=handler)
        def test_it(durable_runner):
            durable_runner.run()
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1, errors=0)
    result.stdout.fnmatch_lines(["*use context.parallel*"])


@pytest.mark.parametrize("value", ["0", "-1", "soon", "inf", "nan"])
def test_a_malformed_stall_time_is_refused_with_its_value(project: pytest.Pytester, value: str) -> None:
    project.makepyfile(FAILING)
    result = project.runpytest_inprocess("-k", "plain", "-o", f"durable_stall_seconds={value}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"*durable_stall_seconds in the configuration is a positive number, got '{value}'*"]
    )


def test_a_replay_sees_the_doubles_of_the_run_and_calls_nothing_real(project: pytest.Pytester) -> None:
    project.makepyfile(
        shop="""
        from durable_sdk import durable_execution

        called = []

        def rate():
            called.append(1)
            return 7

        @durable_execution
        def handler(event, context):
            return context.step(lambda: 1, name=f"charge-{rate()}")
        """,
        test_shop="""
        from unittest import mock
        import pytest, shop

        @pytest.mark.durable_execution(handler=shop.handler)
        @mock.patch("shop.rate", lambda: 5)
        def test_decorated(durable_runner):
            assert durable_runner.run().get_step("charge-5")

        @pytest.mark.durable_execution(handler=shop.handler)
        def test_with_block(durable_runner):
            with mock.patch("shop.rate", lambda: 5):
                assert durable_runner.run().get_step("charge-5")

        def test_nothing_real_was_called():
            assert shop.called == []
        """,
    )
    project.runpytest().assert_outcomes(passed=3)


_COIN = """
    import random
    import pytest
    from durable_sdk import durable_execution

    @durable_execution
    def handler(event, context):
        if random.random() < 0.5:
            context.step(lambda: 1, name="heads")
        else:
            context.step(lambda: 1, name="tails")
        context.wait(60)
"""


def test_a_handler_that_differs_on_replay_fails_its_test_with_the_cause(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"""{_COIN}
    @pytest.mark.durable_execution(handler=handler)
    def test_coin(durable_runner):
        durable_runner.start().until_suspended()

    @pytest.mark.durable_execution(handler=handler, replay_check="off")
    def test_unchecked(durable_runner):
        durable_runner.start().until_suspended()
    """
    )
    result = project.runpytest_inprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["NonDeterminismError: On replay handler calls Step *", "Cause: random, read outside a step."]
    )


def test_the_configuration_decides_about_the_replay_check_and_is_checked(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"""{_COIN}
    @pytest.mark.durable_execution(handler=handler)
    def test_coin(durable_runner):
        durable_runner.start().until_suspended()
    """
    )
    project.runpytest_inprocess("-o", "durable_replay_check=off").assert_outcomes(passed=1)
    result = project.runpytest_inprocess("-o", "durable_replay_check=some")
    assert "durable_replay_check in the configuration is one of" in result.stdout.str() + result.stderr.str()


def test_a_test_that_fails_because_the_sdk_found_another_operation_is_told_why(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
    import time
    import pytest
    from durable_sdk import durable_execution

    @durable_execution
    def handler(event, context):
        context.step(lambda: 1, name="early" if time.time() < 1767225610 else "late")
        context.wait(60)

    @pytest.mark.durable_execution(handler=handler)
    def test_time(durable_runner):
        assert durable_runner.run().status == "SUCCEEDED"
    """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*On replay handler calls Step 'late' where it called Step 'early'.*",
            "*Cause: the time, read outside*",
        ]
    )
