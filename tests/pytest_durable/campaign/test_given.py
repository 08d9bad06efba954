"""Tests with @given as users meet them: input and plan are drawn, and shrink together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

# The runs are in this process, and forget what they import: it would be there twice.
import pytest_durable.campaign.given
import pytest_durable.fixtures
import pytest_durable.strategies  # noqa: F401

Run = Callable[..., pytest.RunResult]

SHOP = """
    import pytest
    from durable_sdk import durable_execution
    from hypothesis import HealthCheck, Phase, given, settings, strategies as st
    from pytest_durable.strategies import DrawnPlan, plans

    class Provider:
        effects = None

    provider = Provider()

    @durable_execution
    def handler(event, context):
        context.step(lambda _: "reserved", name="reserve")
        if event["total"] > 100:
            context.step(lambda _: provider.effects.record("charge", total=event["total"]), name="charge")
        return context.step(lambda _: "shipped", name="ship")

    @durable_execution
    def keyed(event, context):
        def charge(_):
            provider.effects.record("charge", key=event["order"], total=event["total"])
        context.step(charge, name="charge")

    pytestmark = pytest.mark.durable_execution(handler=handler)
    quick = settings(
        database=None, derandomize=True, deadline=None, phases=[Phase.generate, Phase.shrink]
    )
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    pytester.makepyfile(shop=SHOP)
    pytester.syspathinsert()

    def go(body: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(f"from shop import *\nfrom shop import pytestmark\n\n{body}")
        return pytester.runpytest_inprocess(
            *("-p", "hypothesispytest", "-p", "no:cacheprovider"),
            *("-W", "ignore::pytest.PytestUnknownMarkWarning", *options),
        )

    return go


def test_input_and_plan_shrink_together_to_one_crash_and_the_pasted_line_repeats_it(run: Run) -> None:
    result = run(
        """
@quick
@given(total=st.integers(0, 1000), plan=plans())
def test_charged_once(durable_runner, durable_effects, total, plan):
    provider.effects = durable_effects
    durable_runner.run({"total": total}, plan=plan)
    durable_effects.at_most_once("charge")

def test_the_pasted_line(durable_runner, durable_effects):
    from pytest_durable import faults
    provider.effects = durable_effects
    durable_runner.inject(faults.crash(during_step="charge", effect="charge"))
    durable_runner.run({"total": 101})
    durable_effects.at_most_once("charge")
"""
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E*Effect 'charge' happened 2 times; at most once was asked for.",
            "E*: test_charged_once(",
            "E*total=101,",
            "E*plan=DrawnPlan(faults=[[](*, *)[]]),",
            "E*the plan came to: @pytest.mark.durable_faults(faults.crash(*))",
        ]
    )
    result.stdout.no_fnmatch_line("*health check*")


def test_a_sound_handler_passes_all_examples_with_a_fresh_runner_and_ledger_for_each(run: Run) -> None:
    result = run(
        """
seen = []

@pytest.mark.durable_execution(handler=keyed)
@quick
@given(total=st.integers(0, 1000), plan=plans(api_faults=False))
def test_idempotent(durable_runner, durable_effects, total, plan):
    assert durable_effects.all() == []
    assert durable_runner.results == []
    assert durable_runner.clock.now.isoformat() == "2026-01-01T00:00:00+00:00"
    provider.effects = durable_effects
    durable_runner.always(lambda world: world.effects.count("charge") <= 3)
    durable_runner.run({"order": "o-7", "total": total}, plan=plan)
    durable_effects.idempotent("charge")
    seen.append(len(durable_effects))

def test_plans_reached_the_step():
    assert len(seen) >= 100
    assert max(seen) > 1
"""
    )
    result.assert_outcomes(passed=2)


def test_another_fixture_of_function_scope_still_fails_the_health_check_by_its_name(run: Run) -> None:
    result = run(
        """
@quick
@given(total=st.integers())
def test_it(durable_runner, tmp_path, total):
    pass

@given(total=st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_suppressed(durable_runner, tmp_path, total):
    durable_runner.run({"total": 1})

@quick
@given(total=st.integers())
def test_foreign(tmp_path, total):
    pass
"""
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["E*FailedHealthCheck: *uses the function-scoped fixture 'tmp_path', which is not reset*"]
    )


def test_scripts_faults_and_invariants_are_checked_in_each_example(run: Run) -> None:
    result = run(
        """
@quick
@given(total=st.integers(0, 1000))
def test_script(durable_runner, total):
    durable_runner.on_step("charge").returns("r-1")
    durable_runner.run({"total": total})

@quick
@given(total=st.integers(0, 1000))
def test_invariant(durable_runner, total):
    durable_runner.on_step("charge").returns("r-1")
    durable_runner.at_end(lambda world: not world.operations("charge"))
    durable_runner.run({"total": 101 + total})
"""
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["E*on_step('charge')*", "E*total=0,"])
    result.stdout.fnmatch_lines(["E*at_end(<lambda> *does not hold*"])


def test_what_other_fixtures_have_scripted_is_there_in_each_example(run: Run) -> None:
    result = run(
        """
@pytest.fixture(autouse=True)
def provider_of_a_test(durable_runner):
    durable_runner.on_step("charge").returns("r-1")

@quick
@given(total=st.integers(101, 1000))
def test_it(durable_runner, total):
    assert durable_runner.run({"total": total}).get_step("charge").value == "r-1"

class TestMethods:
    @quick
    @given(total=st.integers(101, 1000))
    def test_method(self, durable_runner, total):
        assert durable_runner.run({"total": total}).get_step("charge").value == "r-1"

    @pytest.mark.parametrize("more", [1, 2])
    @quick
    @given(total=st.integers(101, 1000))
    def test_parameters(self, durable_runner, total, more):
        assert durable_runner.run({"total": total + more}).status == "SUCCEEDED"
"""
    )
    result.assert_outcomes(passed=4)


def test_a_property_is_not_explored_as_well(run: Run) -> None:
    result = run(
        """
@pytest.mark.durable_explore
@quick
@given(total=st.integers())
def test_it(durable_runner, total):
    durable_runner.run({"total": total})
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*both decide how often it runs. Draw the schedules, too*plans()*"])


def test_a_wrong_call_in_a_test_without_given_is_shown_with_its_line(run: Run) -> None:
    result = run(
        """
def test_it(durable_runner):
    durable_runner.run({1, 2})
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*durable_runner.run({1, 2})", "E*UsageError: input must be JSON*"])


def test_a_plan_that_comes_to_nothing_says_so(run: Run) -> None:
    result = run(
        """
@quick
@given(plan=plans())
def test_it(durable_runner, plan):
    assert durable_runner.run({"total": 0}, plan=plan).value == "lost"
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*plan=DrawnPlan(),*", "E*the plan came to nothing: this is the ordinary run"]
    )


def test_what_an_example_has_recorded_is_replayed(run: Run) -> None:
    result = run(
        """
import random
from durable_sdk import durable_execution

@durable_execution
def draws(event, context):
    if event["total"] > 10 and random.random() < 2:
        name = f"step {random.random()}"
    else:
        name = "step"
    return context.step(lambda _: 1, name=name)

@pytest.mark.durable_execution(handler=draws)
@quick
@given(total=st.integers(0, 100))
def test_it(durable_runner, total):
    assert durable_runner.run({"total": total}).value == 1

@pytest.mark.durable_execution(handler=draws, replay_check="off")
@quick
@given(total=st.integers(0, 100))
def test_unchecked(durable_runner, total):
    assert durable_runner.run({"total": total}).value == 1

@pytest.mark.durable_execution(handler=draws)
@quick
@given(total=st.integers(0, 10))
def test_sound(durable_runner, total):
    assert durable_runner.run({"total": total}).value == 1
"""
    )
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["E*NonDeterminismError*", "E*total=11*"])


def test_prefixes_that_an_earlier_example_has_recorded_are_not_replayed_again(run: Run) -> None:
    result = run(
        """
from durable_sdk import durable_execution

runs = []

@durable_execution
def counted(event, context):
    runs.append(1)
    return context.step(lambda _: 1, name="step")

@pytest.mark.durable_execution(handler=counted)
@settings(max_examples=50, database=None, derandomize=True)
@given(total=st.integers(0, 100))
def test_it(durable_runner, total):
    assert durable_runner.run("the same").value == 1

def test_after():
    # One run for each example, and the few prefixes of one of them.
    assert 50 < len(runs) < 60
"""
    )
    result.assert_outcomes(passed=2)


def test_the_first_example_is_not_charged_with_what_is_imported_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        shop=SHOP,
        test_first="""
            import sys
            from shop import *
            from shop import pytestmark

            @settings(quick, max_examples=1)
            @given(st.just(1))
            def test_first(durable_runner, one):
                before = set(sys.modules)
                durable_runner.run({"total": one})
                assert set(sys.modules) - before == set()
        """,
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
