"""Faults, explorations and replays as users of the plugin meet them: whole pytest runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

# Runs of pytest in this process forget what they have imported, but a package keeps its attributes: what
# they import has to be there before them, or they would meet two classes of one name.
from pytest_durable.campaign import replay, telling

assert replay
assert telling

SHOP = """
    from durable_sdk import durable_execution
    from durable_sdk.config import Duration

    class Gateway:
        def __init__(self):
            self.charges = []

        def charge(self, key):
            self.charges.append(key)
            return len(self.charges)

    gateway = Gateway()

    @durable_execution
    def order(event, context):
        receipt = context.step(lambda _: gateway.charge("o-1"), name="charge")
        context.wait(seconds=5)
        context.step(lambda _: None, name="ship")
        return receipt
"""

CONFTEST = """
    import pytest
    import shop

    @pytest.fixture
    def gateway(monkeypatch):
        fresh = shop.Gateway()
        monkeypatch.setattr(shop, "gateway", fresh)
        return fresh
"""

HEAD = """
import pytest
import shop
from pytest_durable import faults

pytestmark = pytest.mark.durable_execution(handler=shop.order)

"""

CHARGED_ONCE = (
    HEAD
    + """
{marker}
def test_charged_once(durable_runner, gateway):
    assert durable_runner.run().status == "SUCCEEDED"
    print(f"charged {{len(gateway.charges)}} times")
    assert len(gateway.charges) == 1
"""
)

CRASH = "faults.crash(after_step='charge')"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(shop=SHOP)
    pytester.makeconftest(CONFTEST)
    pytester.syspathinsert()
    return pytester


def write(project: pytest.Pytester, source: str) -> Path:
    path = project.path / "test_shop.py"
    path.write_text(source)
    return path


def charged_once(project: pytest.Pytester, marker: str = "@pytest.mark.durable_explore") -> Path:
    return write(project, CHARGED_ONCE.format(marker=marker))


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    # Modules of the project are imported anew for each run; so their files may change in between.
    return project.runpytest_inprocess("-p", "no:randomly", *arguments)


def run_apart(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:randomly", *arguments)


def text_of(result: pytest.RunResult) -> str:
    return re.sub(r"\s+", " ", result.stdout.str() + result.stderr.str())


def token_in(result: pytest.RunResult) -> str:
    (token,) = set(re.findall(r"--durable-replay=(\S+)", result.stdout.str()))
    return token


def test_a_double_charge_is_found_shrunk_and_reported(project: pytest.Pytester) -> None:
    charged_once(project)
    result = run(project, "-vv")
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "assert 2 == 1" in text
    assert f"@pytest.mark.durable_faults({CRASH})" in text
    section = text[text.index("- durable execution -") :]
    timeline = section[: section.index("to make it fail again")].strip().splitlines()[1:]
    assert len(timeline) <= 16
    assert f"! {CRASH} strikes" in section
    assert re.search(r"explored:\n  crash points: \d+ of \d+", section)
    assert "charged 2 times" in text
    assert "charged 1 times" not in text
    summary = (
        rf"FAILED .*test_charged_once - explored \d+ schedules: fails under {re.escape(CRASH)}: .*2 == 1"
    )
    assert re.search(summary, text)


def test_the_pasted_line_makes_it_fail_again(project: pytest.Pytester) -> None:
    charged_once(project)
    line = re.search(r"^  (@pytest\.mark\.durable_faults\(.*\))$", run(project).stdout.str(), re.M)
    assert line is not None
    charged_once(project, line[1])
    result = run(project)
    result.assert_outcomes(failed=1)
    assert "assert 2 == 1" in result.stdout.str()


def test_the_printed_command_makes_it_fail_again_in_another_process(project: pytest.Pytester) -> None:
    charged_once(project)
    found = run(project)
    command = re.search(r"^  (pytest .*--durable-replay=.*)$", found.stdout.str(), re.M)
    assert command is not None
    words = shlex.split(command[1])
    again = project.run(sys.executable, "-m", *words)
    again.assert_outcomes(failed=1)
    assert "assert 2 == 1" in again.stdout.str()
    assert "the code of the handler and of the test is unchanged" in again.stdout.str()
    # What fails as before can be repeated by the same token.
    assert token_in(again) == token_in(found)


def test_a_token_selects_its_test(project: pytest.Pytester) -> None:
    charged_once(project)
    token = token_in(run(project))
    project.makepyfile(test_other="def test_other(): assert 0")
    run(project, f"--durable-replay={token}").assert_outcomes(failed=1, deselected=1)


@pytest.mark.parametrize("changed", ["shop.py", "test_shop.py"])
def test_a_token_of_other_code_says_so_even_when_the_test_passes(
    project: pytest.Pytester, changed: str
) -> None:
    path = charged_once(project)
    token = token_in(run(project))
    (project.path / changed).write_text((project.path / changed).read_text() + "\n# changed\n")
    result = run(project, f"--durable-replay={token}")
    result.assert_outcomes(failed=1)
    assert f"the code has changed since it was made ({changed})" in text_of(result)
    path.write_text(path.read_text().replace("== 1", ">= 1"))
    result = run(project, f"--durable-replay={token}")
    result.assert_outcomes(passed=1)
    assert "the code has changed since it was made" in text_of(result)


def test_a_token_whose_faults_strike_no_more_fails_and_says_so(project: pytest.Pytester) -> None:
    charged_once(project)
    token = token_in(run(project))
    module = project.path / "shop.py"
    module.write_text(module.read_text().replace('name="charge"', 'name="pay"'))
    result = run(project, f"--durable-replay={token}")
    result.assert_outcomes(failed=1)
    assert f"{CRASH} never struck" in text_of(result)
    assert "'pay', 'ship'" in text_of(result)


@pytest.mark.parametrize(
    ("token", "clue"),
    [
        ("x", "A token of a run begins with 'd1.'"),
        ("d1.abc", "The token is damaged"),
        ("d9.abc", "The token is of version 9"),
    ],
)
def test_a_malformed_token_is_a_usage_error(project: pytest.Pytester, token: str, clue: str) -> None:
    charged_once(project)
    result = run(project, f"--durable-replay={token}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"--durable-replay: {clue}" in text_of(result)


def test_a_token_of_a_test_that_is_not_there_is_a_usage_error(project: pytest.Pytester) -> None:
    path = charged_once(project)
    token = token_in(run(project))
    path.write_text(path.read_text().replace("test_charged_once", "test_is_charged_once"))
    result = run(project, f"--durable-replay={token}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Did it become test_shop.py::test_is_charged_once?" in text_of(result)


def kept(project: pytest.Pytester) -> list[dict[str, dict[str, str]]]:
    directory = project.path / ".pytest_cache" / "d" / "durable"
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*"))]


def test_a_failure_is_kept_run_first_and_forgotten_when_it_passes(project: pytest.Pytester) -> None:
    path = charged_once(project)
    assert "explored 1 " not in run(project).stdout.str()
    (record,) = kept(project)
    assert record["nodeid"] == "test_shop.py::test_charged_once"
    assert len(record["tokens"]) == 1
    # The ordinary run and the failure of before.
    assert "explored 2 schedules" in run(project, "-vv").stdout.str()
    assert kept(project) == [record]
    path.write_text(path.read_text().replace("== 1", ">= 1"))
    run(project).assert_outcomes(passed=1)
    assert kept(project) == []


def test_nothing_is_kept_without_the_cache(project: pytest.Pytester) -> None:
    charged_once(project)
    run(project, "-p", "no:cacheprovider").assert_outcomes(failed=1)
    assert not (project.path / ".pytest_cache").exists()


def test_a_damaged_record_of_failures_is_no_failure(project: pytest.Pytester) -> None:
    charged_once(project)
    run(project)
    (path,) = (project.path / ".pytest_cache" / "d" / "durable").glob("*")
    for damage in ("{", "[]", '{"nodeid": "test_shop.py::test_charged_once", "tokens": {"a": "d1.x"}}'):
        path.write_text(damage)
        run(project).assert_outcomes(failed=1)


def test_a_test_that_survives_everything_passes_and_tells_its_coverage(project: pytest.Pytester) -> None:
    write(
        project,
        HEAD
        + """
@pytest.mark.durable_explore
def test_it_ends(durable_runner, gateway):
    assert durable_runner.run().status == "SUCCEEDED"
""",
    )
    quiet = run(project)
    quiet.assert_outcomes(passed=1)
    assert "crash points" not in quiet.stdout.str()
    for option in ("-v", "--durable-timeline"):
        text = run(project, option).stdout.str()
        assert "durable exploration of test_shop.py::test_it_ends" in text
        assert (match := re.search(r"crash points: (\d+) of (\d+) ", text)) is not None
        assert match[1] == match[2]


def test_the_option_explores_every_durable_test_but_those_that_do_not_want_it(
    project: pytest.Pytester,
) -> None:
    write(
        project,
        HEAD
        + """
def test_a(durable_runner, gateway):
    durable_runner.run()
    assert len(gateway.charges) == 1

@pytest.mark.durable_explore(enabled=False)
def test_b(durable_runner, gateway):
    durable_runner.run()
    assert len(gateway.charges) == 1

def test_c():
    pass
""",
    )
    run(project).assert_outcomes(passed=3)
    for options in (["--durable-explore"], ["-o", "durable_explore=true"], ["--durable-profile=nightly"]):
        run(project, *options).assert_outcomes(failed=1, passed=2)


def test_fixtures_of_function_scope_are_fresh_for_every_schedule(project: pytest.Pytester) -> None:
    write(
        project,
        HEAD
        + """
seen = []

@pytest.fixture(params=[1, 2])
def number(request):
    yield request.param
    seen.append(request.param)

class TestIt:
    @pytest.fixture(autouse=True)
    def own(self):
        self.runs = 0

    @pytest.mark.durable_explore(crashes="all", interleavings=0, api_faults="none")
    def test_it(self, durable_runner, gateway, tmp_path, number):
        self.runs += 1
        assert self.runs == 1 and not gateway.charges and not list(tmp_path.iterdir())
        (tmp_path / "file").touch()
        assert durable_runner.run().status == "SUCCEEDED"

def test_after():
    assert seen.count(1) == seen.count(2) > 5
""",
    )
    run(project).assert_outcomes(passed=3)


def test_an_expected_failure_may_be_found_by_exploration(project: pytest.Pytester) -> None:
    charged_once(project, "@pytest.mark.xfail(strict=True)\n@pytest.mark.durable_explore")
    run(project).assert_outcomes(xfailed=1)


def test_the_faults_of_all_levels_strike_and_the_closest_exploration_counts(
    project: pytest.Pytester,
) -> None:
    write(
        project,
        HEAD.replace("pytestmark = ", "pytestmark = [pytest.mark.durable_explore, ").rstrip()
        + """, pytest.mark.durable_faults(faults.throttle())]

@pytest.mark.durable_faults(faults.crash(before_step="ship"))
@pytest.mark.durable_explore(enabled=False)
class TestIt:
    @pytest.mark.durable_faults(faults.crash(after_step="charge"))
    def test_it(self, durable_runner, gateway):
        assert durable_runner.run().status == "SUCCEEDED"
        assert durable_runner.injector.struck == [
            faults.throttle(), faults.crash(before_step="ship"), faults.crash(after_step="charge"),
        ]
""",
    )
    run(project).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "clues"),
    [
        ("durable_faults()", ["names no fault"]),
        (
            "durable_faults(faults.throttle(), faults.crash)",
            ["argument 2 is the class crash", "Call it: faults.crash(...)"],
        ),
        ("durable_faults('crsh')", ["is the text 'crsh'", "Did you mean 'crash'?"]),
        ("durable_faults([faults.throttle()])", ["argument 1 is a list", "use *"]),
        ("durable_faults(faults.throttle(), 3)", ["argument 2 is a fault such as", "got 3"]),
        ("durable_faults(fault=faults.throttle())", ["by position", "fault"]),
        ("durable_explore('all', 3)", ["by name", "'all', 3"]),
        ("durable_explore(crashs='all')", ["no argument 'crashs'", "Did you mean 'crashes'?"]),
        ("durable_explore(crashes='some')", ["crashes is one of 'none', 'all', 'pairs', got 'some'"]),
        ("durable_explore(interleavings=-1)", ["interleavings", "-1"]),
        ("durable_explore(callbacks='late')", ["callbacks", "'late'"]),
        ("durable_explore(budget='soon')", ["budget", "'soon'"]),
        ("durable_explore(enabled=1)", ["enabled is True or False, got 1"]),
    ],
)
def test_a_wrong_marker_fails_before_anything_runs(
    project: pytest.Pytester, marker: str, clues: list[str]
) -> None:
    charged_once(project, f"@pytest.mark.{marker}")
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    text = text_of(result)
    assert f"@pytest.mark.{marker.partition('(')[0]} of test_shop.py::test_charged_once" in text
    assert [clue for clue in clues if clue not in text] == []
    assert "charged" not in text.replace("test_charged_once", "")


@pytest.mark.parametrize("marker", ["durable_faults(faults.throttle())", "durable_explore"])
def test_a_marker_without_the_runner_fails(project: pytest.Pytester, marker: str) -> None:
    write(project, f"{HEAD}\n@pytest.mark.{marker}\ndef test_it():\n    pass\n")
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    assert "has no effect: the test does not use the fixture durable_runner" in text_of(result)


def test_the_test_s_own_marker_without_the_runner_is_warned_of(project: pytest.Pytester) -> None:
    write(
        project,
        f"{HEAD}\ndef test_of_module(): pass\n\n"
        "@pytest.mark.durable_execution(handler=shop.order)\ndef test_own(): pass\n",
    )
    result = project.runpytest_inprocess("-Wdefault")
    result.assert_outcomes(passed=2, warnings=1)
    assert "test_own has the marker durable_execution and runs nothing" in text_of(result)


def test_a_fault_that_never_strikes_fails_the_test_and_names_what_exists(project: pytest.Pytester) -> None:
    charged_once(project, "@pytest.mark.durable_faults(faults.crash(after_step='chrage'))")
    result = run(project)
    result.assert_outcomes(failed=1)
    assert "faults.crash(after_step='chrage') never struck" in text_of(result)
    assert "its steps were 'charge', 'ship'" in text_of(result)


@pytest.mark.parametrize(
    ("options", "clue"),
    [
        (["--durable-schedules=0"], "--durable-schedules: schedules is a positive number"),
        (["--durable-schedules=many"], "--durable-schedules is an integer, got 'many'"),
        (["--durable-budget=soon"], "--durable-budget: budget is a duration"),
        (["--durable-shard=3/2"], "--durable-shard is K/N"),
        (["--durable-shard=one"], "--durable-shard is K/N"),
        (["--durable-profile=c1"], "--durable-profile is one of ci, nightly"),
        (["-o", "durable_schedules=many"], "durable_schedules in the configuration is an integer"),
        (["-o", "durable_profiles=deep crashes=all"], "A line of durable_profiles"),
        (["-o", "durable_profiles=deep: crashs=all"], "Did you mean 'crashes'?"),
        (
            ["-o", "durable_profiles=deep: crashes=some"],
            "profile 'deep' in the configuration: crashes is one of",
        ),
        (["-o", "durable_profiles=deep: interleavings=x"], "a number or 'exhaustive', got 'x'"),
        (["-o", "durable_profiles=deep: explore=perhaps"], "explore is true or false, got 'perhaps'"),
    ],
)
def test_a_malformed_setting_ends_pytest_before_any_test(
    project: pytest.Pytester, options: list[str], clue: str
) -> None:
    charged_once(project)
    result = project.runpytest_inprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert clue in text_of(result)


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ([], "8"),
        (["-o", "durable_schedules=3"], "8"),
        (["--durable-schedules=4"], "5"),
        (["--durable-profile=short"], "3"),
        (["--durable-profile=short", "--durable-schedules=5"], "6"),
        (["-o", "durable_profile=short"], "8"),
    ],
)
def test_the_command_line_goes_before_the_marker_and_the_marker_before_the_file(
    project: pytest.Pytester, options: list[str], runs: str
) -> None:
    write(
        project,
        HEAD
        + """
@pytest.mark.durable_explore(schedules=7)
def test_it(durable_runner, gateway):
    durable_runner.run()
""",
    )
    (project.path / "pytest.ini").write_text("[pytest]\ndurable_profiles = short: schedules=2\n")
    text = run(project, "-v", *options).stdout.str()
    assert re.search(rf"^{runs} runs, ", text, re.M), text


def test_the_same_is_found_in_any_number_of_processes_and_any_order(project: pytest.Pytester) -> None:
    tests = "\n".join(
        f"""
@pytest.mark.durable_explore
def test_{number}(durable_runner, gateway):
    durable_runner.run()
    assert len(gateway.charges) <= {1 + number % 2}
"""
        for number in range(4)
    )
    write(project, HEAD + tests)
    found = []
    for options in (["-n0"], ["-n2"], ["-p", "no:xdist"]):
        result = run_apart(project, "-p", "no:cacheprovider", "-vv", *options)
        result.assert_outcomes(failed=2, passed=2)
        lines = re.findall(r"FAILED (.*) - (explored .*)", result.stdout.str())
        tokens = re.findall(r"--durable-replay=(\S+)", result.stdout.str())
        counts = re.findall(r"(\d+ runs, .*)", result.stdout.str())
        found.append((sorted(set(lines)), sorted(tokens), sorted(counts)))
    assert found[0] == found[1] == found[2]
    assert len(found[0][1]) == 2


def test_shards_share_the_work_between_them(project: pytest.Pytester) -> None:
    write(
        project,
        HEAD
        + """
@pytest.mark.durable_explore
def test_it(durable_runner, gateway):
    durable_runner.run()
""",
    )

    def crash_points(*options: str) -> int:
        text = run(project, "-v", *options).stdout.str()
        (found,) = re.findall(r"crash points: (\d+) of", text)
        return int(found)

    shares = [crash_points(f"--durable-shard={number}/3") for number in (1, 2, 3)]
    assert sum(shares) == crash_points()
    assert min(shares) > 0


def test_the_first_failure_ends_a_run_that_is_to_end_at_one(project: pytest.Pytester) -> None:
    path = charged_once(project)
    path.write_text(path.read_text() + "\ndef test_later(): pass\n")
    run(project, "-x").assert_outcomes(failed=1)


def test_coverage_is_measured_in_every_schedule(project: pytest.Pytester) -> None:
    charged_once(project)
    result = run_apart(project, "-p", "pytest_cov", "--cov=shop")
    result.assert_outcomes(failed=1)
    assert re.search(r"shop\.py\s+\d+\s+0\s+100%", result.stdout.str())


def test_a_test_that_drives_an_execution_by_hand_is_explored_without_a_false_alarm(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(shop=SHOP.replace("seconds=5", "minutes=1"))
    write(
        project,
        HEAD
        + """
@pytest.mark.durable_explore
def test_it(durable_runner, gateway):
    execution = durable_runner.start().until_suspended()
    (pending,) = execution.pending
    assert pending.operation_type == "WAIT"
    execution.advance("50s")
    assert execution.result().status == "RUNNING"
    execution.advance("10s")
    assert execution.result().status == "SUCCEEDED"


from durable_sdk import durable_execution

asked = []


@durable_execution
def asks(event, context):
    answer = context.wait_for_callback(lambda callback_id, _: asked.append(callback_id), name="approval")
    return context.step(lambda _: answer, name="after")


@pytest.mark.durable_explore
@pytest.mark.durable_execution(handler=asks)
def test_callback(durable_runner):
    execution = durable_runner.start()
    callback_id = execution.until_callback("approval")
    assert asked[-1] == callback_id
    durable_runner.send_callback_success(callback_id, value="yes")
    assert execution.finish().status == "SUCCEEDED"


@pytest.mark.durable_explore
@pytest.mark.durable_execution(handler=asks)
def test_callback_of_arn(durable_runner):
    arn = durable_runner.run_async()
    callback_id = durable_runner.wait_for_callback(arn, "approval", timeout="1h")
    assert asked[-1] == callback_id
    durable_runner.send_callback_success(callback_id, value="yes")
    assert durable_runner.wait_for_result(arn).status == "SUCCEEDED"
""",
    )
    run(project).assert_outcomes(passed=3)


REMINDED = """
import pytest
from durable_sdk import durable_execution
from durable_sdk.config import Duration, WaitForCallbackConfig
from durable_sdk.exceptions import CallbackError


@durable_execution
def handler(event, context):
    config = WaitForCallbackConfig(timeout=Duration.from_hours(1))
    try:
        return context.wait_for_callback(lambda *_: None, name="approval", config=config)
    except CallbackError:
        return context.wait_for_callback(lambda *_: None, name="reminder")


pytestmark = pytest.mark.durable_execution(handler=handler)


@pytest.mark.durable_explore(crashes="none", api_faults="none", interleavings=0, callbacks=["late"])
def test_reminded(durable_runner):
    durable_runner.on_callback("approval").succeed("yes")
    durable_runner.on_callback("reminder").succeed("yes")
    assert durable_runner.run().value == "yes"


@pytest.mark.durable_explore(crashes="none", api_faults="none", interleavings=0, callbacks=["late"])
def test_misspelt(durable_runner):
    durable_runner.on_callback("approval").succeed("yes")
    durable_runner.on_callback("reminder").succeed("yes")
    durable_runner.on_callback("remynder").succeed("yes")
    assert durable_runner.run().value == "yes"


def test_plain(durable_runner):
    durable_runner.on_callback("approval").succeed("yes")
    durable_runner.on_callback("reminder").succeed("yes")
    assert durable_runner.run().value == "yes"
"""


def test_a_script_has_to_be_used_in_some_run_of_an_exploration(project: pytest.Pytester) -> None:
    write(project, REMINDED)
    result = run(project)
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert "None of the 3 runs of the exploration used on_callback('remynder') either." in text
    assert "on_callback('reminder') was never used" in text


def test_a_token_that_passes_though_nothing_has_changed_says_what_may_have_been_left_behind(
    project: pytest.Pytester,
) -> None:
    write(
        project,
        HEAD
        + """
import os

@pytest.mark.durable_explore
def test_it(durable_runner, gateway):
    durable_runner.run()
    assert len(gateway.charges) == 1 or os.environ.get("CALM")
""",
    )
    (token,) = set(re.findall(r"--durable-replay=(\S+)", run(project).stdout.str()))
    os.environ["CALM"] = "1"
    try:
        result = run(project, f"--durable-replay={token}")
        result.assert_outcomes(passed=1)
        assert "left in a module of the handler" in result.stdout.str()
        assert "1 failure of earlier explorations did not happen again" in run(project, "-v").stdout.str()
    finally:
        del os.environ["CALM"]


def test_the_page_tells_of_every_durable_test_and_is_the_same_for_any_number_of_processes(
    project: pytest.Pytester,
) -> None:
    write(
        project,
        HEAD
        + """
@pytest.mark.durable_explore
def test_charged_once(durable_runner, gateway):
    durable_runner.run(input={"evil": "<script>"})
    assert len(gateway.charges) == 1, gateway

@pytest.mark.durable_explore
def test_ends(durable_runner, gateway):
    assert durable_runner.run().status == "SUCCEEDED"

@pytest.mark.skip(reason="not now")
def test_skipped(durable_runner):
    pass

@pytest.mark.xfail(strict=True)
def test_expected(durable_runner):
    assert durable_runner.run().status == "FAILED"

@pytest.fixture
def broken():
    yield
    raise RuntimeError("in teardown")

def test_broken(durable_runner, broken):
    durable_runner.run()

@pytest.mark.durable_execution(handler=shop.order, seed="x")
def test_wrong(durable_runner):
    pass
""",
    )
    project.makepyfile(test_other="def test_plain(): pass")
    pages = []
    for number, options in enumerate((["-n0"], ["-n2"], ["-p", "no:xdist"])):
        path = f"reports/page{number}.html"
        result = run_apart(project, "-p", "no:cacheprovider", f"--durable-report={path}", *options)
        assert f"page{number}.html" in result.stdout.str()
        pages.append((project.path / path).read_bytes())
    assert pages[0] == pages[1] == pages[2]
    page = pages[0].decode()
    for verdict, name in (
        ("failed", "charged_once"),
        ("passed", "ends"),
        ("skipped", "skipped"),
        ("xfailed", "expected"),
        ("error", "broken"),
        ("error", "wrong"),
    ):
        assert f'<span class="verdict">{verdict}</span> test_shop.py::test_{name}</summary>' in page
    assert "test_plain" not in page
    assert "<script>" not in page
    assert "@pytest.mark.durable_faults(faults.crash(after_step=&#x27;charge&#x27;))" in page
    assert "--durable-replay=d1." in page
    assert "crash points: 13 of 13" in page
    assert "step charge" in page
    assert "in teardown" in page


def test_the_page_may_be_asked_for_in_the_configuration(project: pytest.Pytester) -> None:
    charged_once(project)
    project.makeini("[pytest]\ndurable_report = out.html\n")
    run(project)
    assert "test_charged_once" in (project.path / "out.html").read_text()
