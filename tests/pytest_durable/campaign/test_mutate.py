"""The self-test of oracles as users meet it: which tests would not notice a bug."""

from __future__ import annotations

import pytest

# The runs are in this process, and forget what they import: it would be there twice.
import pytest_durable.campaign.mutate
import pytest_durable.fixtures  # noqa: F401

SHOP = """
    import pytest
    from durable_sdk import durable_execution

    class Provider:
        effects = None

    provider = Provider()

    @durable_execution
    def handler(event, context):
        def charge(_):
            provider.effects.record("charge", key="order-7", total=30)
            return "receipt"
        receipt = context.step(charge, name="charge")
        def ship(_):
            provider.effects.record("ship", key="order-7")
            return "parcel"
        parcel = context.step(ship, name="ship")
        return [receipt, parcel]

    pytestmark = pytest.mark.durable_execution(handler=handler)

    @pytest.fixture
    def effects(durable_effects):
        provider.effects = durable_effects
        return durable_effects
"""


def run(pytester: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(shop=SHOP)
    pytester.syspathinsert()
    pytester.makepyfile(test_shop=f"from shop import *\nfrom shop import pytestmark\n\n{body}")
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "--durable-mutate", *options)


def test_a_test_that_looks_at_little_is_told_what_it_would_not_notice(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_weak(durable_runner, effects):
    assert durable_runner.run().status == "SUCCEEDED"
""",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*durable self-test*",
            "test_shop.py::test_weak: notices 0 of 10 mutants",
            "  would not notice that step 'charge' runs twice; try durable_effects.exactly_once('charge')",
            "  would not notice that step 'ship' runs twice; try durable_effects.exactly_once('ship')",
            "  would not notice that effect 'charge' loses its idempotency key; "
            "try durable_effects.idempotent('charge')",
            "  would not notice that effect 'charge' arrives twice with the same key, and counts twice; "
            "try durable_effects.exactly_once('charge')",
            "  would not notice that effect 'charge' does not happen; *",
            "  would not notice that effects 'charge' and 'ship' happen in the other order; "
            "try assert *for effect in durable_effects* == [[]'charge', 'ship'[]]",
            "  would not notice that steps 'charge' and 'ship' swap their results; "
            "try assert result.operation('charge').value == ..., or result.value",
            "1 of 1 test would not notice something",
        ]
    )


def test_a_test_that_looks_at_everything_notices_everything(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_strong(durable_runner, effects):
    assert durable_runner.run().value == ["receipt", "parcel"]
    effects.exactly_once("charge")
    effects.exactly_once("ship")
    effects.idempotent("charge")
    effects.idempotent("ship")
    assert [effect.name for effect in effects] == ["charge", "ship"]

def test_fails(durable_runner):
    assert False
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["test_shop.py::test_strong: notices 10 of 10 mutants", "0 of 1 test would not notice something"]
    )
    result.stdout.no_fnmatch_line("*would not notice that*")


def test_following_every_hint_makes_a_test_notice(pytester: pytest.Pytester) -> None:
    """Each hint names an oracle that does notice: a test of that oracle alone has one blind spot less."""
    result = run(
        pytester,
        """
@pytest.mark.parametrize("demand", ["exactly_once", "at_most_once", "idempotent"])
def test_it(durable_runner, effects, demand):
    durable_runner.run()
    for name in ("charge", "ship"):
        getattr(effects, demand)(name)
""",
    )
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*test_it[[]at_most_once[]]: notices 4 of 10 mutants",
            "*test_it[[]exactly_once[]]: notices 6 of 10 mutants",
            "*test_it[[]idempotent[]]: notices 2 of 10 mutants",
        ]
    )


def test_scripts_and_invariants_notice_too(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_script(durable_runner):
    durable_runner.on_step("charge", times=1).returns("receipt")
    durable_runner.on_step("ship", times=1).returns("parcel")
    assert durable_runner.run().value == ["receipt", "parcel"]

def test_invariant(durable_runner, effects):
    durable_runner.always(lambda world: world.effects.count("charge") <= 1)
    durable_runner.at_end(lambda world: world.effects.count("ship") == 1)
    durable_runner.run()
""",
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "test_shop.py::test_invariant: notices 5 of 10 mutants",
            "test_shop.py::test_script: notices 3 of 3 mutants",
        ]
    )


def test_a_test_without_steps_has_nothing_to_mutate_and_others_are_left_alone(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
def test_idle(durable_runner):
    pass

def test_foreign():
    pass
""",
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["0 of 0 tests would not notice something; 1 test had nothing to mutate"])


def test_a_test_that_cannot_run_twice_fails_and_says_why(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
runs = []

def test_once(durable_runner, effects):
    runs.append(1)
    assert len(runs) == 1
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*passes, and fails when it runs again with new fixtures of function scope*"]
    )


def test_the_verdicts_are_the_same_under_xdist(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_weak(durable_runner, effects):
    durable_runner.run()
""",
        "-n1",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_weak: notices 0 of 10 mutants"])
