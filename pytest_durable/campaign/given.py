"""Tests with @given: each example gets our fixtures as they were made, where Hypothesis would share them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import Any, TypeGuard

import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.plan import Plan
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

# Of function scope, and made anew here for each example.
_OURS = frozenset({"durable_runner", "durable_effects", "durable_mock"})


def is_property(item: pytest.Item) -> TypeGuard[pytest.Function]:
    """Return whether Hypothesis runs the test, as often as it has examples."""
    if "hypothesis" not in sys.modules or not isinstance(item, pytest.Function):
        return False
    from hypothesis import is_hypothesis_test

    return bool(is_hypothesis_test(item.obj))


def problem_of(item: pytest.Item) -> str:
    """Return what is wrong with a test with ``@given``, empty if nothing is."""
    if item.get_closest_marker("durable_explore") is None:
        return ""
    return (
        f"{item.nodeid} has @given and @pytest.mark.durable_explore, and both decide how often it runs. "
        "Draw the schedules, too: @given(..., plan=plans()) with pytest_durable.strategies.plans, and "
        "durable_runner.run(input, plan=plan)."
    )


@contextmanager
def fresh_examples(
    item: pytest.Function,
    runner: LocalRunner | None,
    ledger: EffectLedger | None,
    check_replays: Callable[[], None],
) -> Iterator[None]:
    """Let each example of a test with ``@given`` have a runner and a ledger of which nothing has been used.

    ``check_replays`` replays what an example has recorded, as far as none before has recorded the same.

    Whatever is demanded of the end of a test is demanded of the end of each example. This answers
    Hypothesis's health check about fixtures of function scope, if the test uses no other.

    Raises:
        FailedHealthCheck: it uses another fixture of function scope.
    """
    if runner is not None:
        _warm_up()
    handle: Any = item.obj.hypothesis
    inner = handle.inner_test
    handle.inner_test = _renewing(inner, runner, ledger, check_replays)
    try:
        with _health_check_answered(item):
            yield
    finally:
        handle.inner_test = inner


def _warm_up() -> None:
    """Do what the first run of a process takes long for: Hypothesis would count it as time of its example."""
    target = Target(_nothing, FunctionVersion("nothing"))
    runner = LocalRunner(target, lambda: SimulatorOptions(traces_operations=True))
    try:
        runner.run()
        runner.check_replay("all")
    finally:
        runner.release()


@durable_execution
def _nothing(event: Any, context: DurableContext) -> None:
    context.step(lambda: None, name="nothing")


def _renewing(
    inner: Callable[..., Any],
    runner: LocalRunner | None,
    ledger: EffectLedger | None,
    check_replays: Callable[[], None],
) -> Callable[..., Any]:
    begin_again = None if runner is None else runner.beginning()

    # Hypothesis finds earlier failures by the source of the test, which it looks for through __wrapped__.
    @wraps(inner)
    def example(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if begin_again is not None:
            begin_again()
        if ledger is not None:
            ledger.clear()
        if runner is None:
            return inner(*args, **kwargs)
        try:
            result = inner(*args, **kwargs)
            runner.check_invariants()
            if runner.unfolded:
                # What a plan makes fail may not come to what was scripted.
                runner.waive_checks()
            runner.check_scripts()
            # It comes last: the handler itself runs again.
            check_replays()
        finally:
            _tell(runner.unfolded)
        return result

    return example


def _tell(plan: Plan | None) -> None:
    """Let Hypothesis print, below a failing example, what its plan has come to in this run."""
    from hypothesis import note

    if plan is None:
        return
    if plan:
        note(f"the plan came to: @pytest.mark.durable_faults({', '.join(map(repr, plan.as_faults()))})")
    else:
        note("the plan came to nothing: this is the ordinary run")


@contextmanager
def _health_check_answered(item: pytest.Function) -> Iterator[None]:
    from hypothesis import HealthCheck, settings
    from hypothesis.errors import FailedHealthCheck

    test: Any = getattr(item.obj, "__func__", item.obj)
    given: Any = getattr(test, "_hypothesis_internal_use_settings", settings.default)
    if HealthCheck.function_scoped_fixture in given.suppress_health_check:
        yield
        return
    others = [name for name in _function_scoped(item) if name not in _OURS]
    if others:
        raise FailedHealthCheck(
            f"{item.nodeid!r} uses the function-scoped fixture {others[0]!r}, which is not reset between the "
            "examples of @given. durable_runner and durable_effects are. Make it anew inside the test, or if "
            "it carries nothing from one example to the next, say so with "
            "@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])."
        )
    test._hypothesis_internal_use_settings = settings(
        given, suppress_health_check=(*given.suppress_health_check, HealthCheck.function_scoped_fixture)
    )
    try:
        yield
    finally:
        # Another item may run the same function, with other parameters.
        test._hypothesis_internal_use_settings = given


def _function_scoped(item: pytest.Function) -> list[str]:
    """Return the fixtures of function scope that the test names, as Hypothesis looks for them."""
    named = signature(item.function).parameters
    manager: Any = item._request._fixturemanager
    definitions = manager.getfixtureinfo(node=item, func=item.function, cls=None).name2fixturedefs
    return [
        name
        for name in named
        if name in definitions and item._request._get_active_fixturedef(name).scope == "function"
    ]
