"""The hooks that other plugins implement, as a ``conftest.py`` does it."""

from __future__ import annotations

import re

import pytest

# Runs of pytest in this process forget what they have imported, but a package keeps its attributes: what
# they import has to be there before them, or they would meet two classes of one name.
from pytest_durable.campaign import telling

assert telling

KIND = """
    import dataclasses
    import pytest
    from pytest_durable import faults
    from pytest_durable.points import Position, Raise

    @dataclasses.dataclass(frozen=True, repr=False)
    class power_cut(faults.Fault):
        step: str = ""

        @classmethod
        def kind(cls):
            return "kinds.power_cut"

        def meets(self, point):
            return point.position is Position.BEFORE_STEP and point.path[-1] == self.step

        def does(self, point):
            return Raise(ConnectionError("no power"))

        @classmethod
        def explored_at(cls, point):
            return (cls(step=point.path[-1]),) if point.position is Position.BEFORE_STEP else ()
"""

CONFTEST = """
    import kinds

    def pytest_durable_faults():
        return [kinds.power_cut]
"""

TEST = """
    import kinds
    import pytest
    from durable_sdk import durable_execution
    from durable_sdk.config import StepConfig
    from durable_sdk.retries import RetryPresets

    @durable_execution
    def handler(event, context):
        return context.step(lambda _: 1, name="work", config=StepConfig(retry_strategy=RetryPresets.none()))

    pytestmark = pytest.mark.durable_execution(handler=handler)
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(kinds=KIND)
    pytester.makeconftest(CONFTEST)
    pytester.syspathinsert()
    return pytester


def test_a_kind_of_another_plugin_is_used_in_markers(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"""{TEST}
    @pytest.mark.durable_faults(kinds.power_cut(step="work"))
    def test_it(durable_runner):
        assert "no power" in durable_runner.run().error.message
    """
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_kind_of_another_plugin_is_explored_and_replayed_from_a_token(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"""{TEST}
    @pytest.mark.durable_explore
    def test_it(durable_runner):
        assert durable_runner.run().status == "SUCCEEDED"
    """
    )
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    assert "@pytest.mark.durable_faults(kinds.power_cut(step='work'))" in result.stdout.str()
    (token,) = set(re.findall(r"--durable-replay=(\S+)", result.stdout.str()))
    again = project.runpytest_inprocess(f"--durable-replay={token}")
    again.assert_outcomes(failed=1)
    assert "kinds.power_cut(step='work') strikes" in again.stdout.str()


def test_a_hook_that_gives_no_kinds_is_told_of(project: pytest.Pytester) -> None:
    project.makeconftest("def pytest_durable_faults(): return ['power_cut']")
    project.makepyfile(f"{TEST}\n    def test_it(durable_runner): pass\n")
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert "pytest_durable_faults returns subclasses of pytest_durable.faults.Fault" in result.stdout.str()


def test_every_event_is_shown_with_the_world_in_every_schedule(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        seen = []

        def pytest_durable_event(event, world):
            seen.append((event["EventId"], event["EventType"], len(world.executions)))
        """
    )
    project.makepyfile(
        f"""{TEST}
    def test_it(durable_runner, pytestconfig):
        seen = pytestconfig.pluginmanager.get_plugin(str(pytestconfig.rootpath / "conftest.py")).seen
        durable_runner.run()
        assert seen[0] == (1, "ExecutionStarted", 1)
        assert [number for number, _, _ in seen] == list(range(1, len(seen) + 1))
        assert seen[-1][1] in ("InvocationCompleted", "ExecutionSucceeded")

    @pytest.mark.durable_explore(crashes="none", interleavings=0)
    def test_explored(durable_runner, pytestconfig):
        durable_runner.run()

    def test_after(pytestconfig):
        seen = pytestconfig.pluginmanager.get_plugin(str(pytestconfig.rootpath / "conftest.py")).seen
        assert sum(kind == "ExecutionStarted" for _, kind, _ in seen) > 5
    """
    )
    project.runpytest_inprocess().assert_outcomes(passed=3)


def test_an_event_may_fail_the_test(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        def pytest_durable_event(event, world):
            assert event["EventType"] != "StepSucceeded", "no step may succeed"
        """
    )
    project.makepyfile(f"{TEST}\n    def test_it(durable_runner): durable_runner.run()\n")
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    assert "no step may succeed" in result.stdout.str()


def test_lines_are_added_to_a_failure_alone(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        def pytest_durable_report(result):
            return [f"it was {result.status}", "as far as I know"]
        """
    )
    project.makepyfile(
        f"""{TEST}
    def test_it(durable_runner):
        assert durable_runner.run().value == 2

    def test_passes(durable_runner):
        assert durable_runner.run().value == 1
    """
    )
    result = project.runpytest_inprocess("-rA")
    result.assert_outcomes(failed=1, passed=1)
    assert result.stdout.str().count("it was SUCCEEDED\nas far as I know") == 1


def test_a_kind_that_does_not_say_what_it_does_is_refused(project: pytest.Pytester) -> None:
    project.makepyfile(kinds=KIND.replace("def does(", "def will_do("))
    project.makepyfile(f"{TEST}\n    def test_it(durable_runner): durable_runner.run()")
    result = project.runpytest("-p", "no:cacheprovider", "--durable-explore")
    assert "kinds that are whole" in result.stdout.str()
    assert "lacks does" in result.stdout.str()
