"""Effects and invariants as users of the plugin meet them: whole pytest runs."""

from __future__ import annotations

import pytest

SHOP = """
    import os
    import pytest
    from durable_sdk import durable_execution

    class Provider:
        effects = None
        dies = True

        def charge(self, order):
            self.effects.record("charge", key=order, amount=30)
            if self.dies and self.effects.count("charge") == 1:
                os._exit(1)

    provider = Provider()

    @durable_execution
    def handler(event, context):
        context.step(lambda _: provider.charge("order-7"), name="charge")

    pytestmark = pytest.mark.durable_execution(handler=handler)
"""


def run(pytester: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(shop=SHOP)
    pytester.syspathinsert()
    pytester.makepyfile(f"from shop import *\nfrom shop import pytestmark\n\n{body}")
    return pytester.runpytest_inprocess(*options)


def test_a_double_charge_fails_with_the_crash_between_and_a_line_of_effects(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
def test_charged_once(durable_runner, durable_effects):
    provider.effects = durable_effects
    durable_runner.run()
    durable_effects.exactly_once("charge")
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*durable_effects.exactly_once(*",
            "E*Effect 'charge' of key 'order-7' happened 2 times; exactly once was asked for.",
            "E*Invocation 1 crashed at 00:00:00*",
            "effects:",
            "  charge[[]order-7] x2: invocation 1 attempt 1, invocation 2 attempt 1 (crash between)",
        ]
    )
    result.stdout.no_fnmatch_line("*def exactly_once*")


@pytest.mark.parametrize("fixtures", ["durable_effects, durable_runner", "durable_runner, durable_effects"])
def test_invariants_see_the_ledger_in_whatever_order_the_fixtures_stand(
    pytester: pytest.Pytester, fixtures: str
) -> None:
    result = run(
        pytester,
        f"""
def test_charged_once({fixtures}):
    provider.effects = durable_effects
    def once(world):
        assert world.effects.count("charge") < 2, "charged again"
    durable_runner.always(once)
    durable_runner.run()
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*assert world.effects.count(*",
            "E*AssertionError: charged again",
            "E*In always(once of *), after event * (StepStarted of step 'charge') of execution *",
        ]
    )
    result.stdout.no_fnmatch_line("*def recorded*")


def test_at_end_fails_the_test_and_not_its_teardown(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_charged_once(durable_runner, durable_effects):
    provider.effects = durable_effects
    def once(world):
        assert world.effects.count("charge") == 1
    durable_runner.at_end(once)
    durable_runner.run()

def test_waits(durable_runner, durable_effects):
    provider.effects = durable_effects
    durable_runner.always(lambda world: True)
""",
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            ">*assert world.effects.count(*",
            "E*assert 2 == 1*",
            "*durable_runner.always(<lambda> of *) was never checked*",
        ]
    )
    result.stdout.no_fnmatch_line("*def conclude*")


def test_each_test_has_a_ledger_of_its_own(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_it(durable_runner, durable_effects, number):
    assert durable_effects.all() == []
    provider.effects, provider.dies = durable_effects, False
    durable_runner.run()
    durable_effects.exactly_once("charge")
""",
    )
    result.assert_outcomes(passed=2)
