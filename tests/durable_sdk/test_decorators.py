"""The four decorators: calls that lack their context, the names they give, and what they refuse."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, run

from durable_sdk import (
    DurableContext,
    ParallelBranch,
    StepContext,
    ValidationError,
    durable_parallel_branch,
    durable_step,
    durable_wait_for_callback,
    durable_with_child_context,
)
from durable_sdk.types import WaitForCallbackContext


@durable_step
def charge(step: StepContext, amount: int, *, currency: str = "EUR") -> str:
    """Charge the card."""
    return f"{amount} {currency} in attempt {step.attempt}"


@durable_with_child_context
def ship(context: DurableContext, order: str, *, fast: bool = False) -> str:
    """Ship the order."""
    return context.step(lambda: f"{order} {'fast' if fast else 'slow'}", "label")


@durable_wait_for_callback
def ask(callback_id: str, context: WaitForCallbackContext, whom: str) -> str:
    """Ask somebody."""
    return f"{whom} got {callback_id}"


@durable_parallel_branch()
def plain(context: DurableContext, value: int) -> int:
    """Return the value."""
    return value


@durable_parallel_branch("mine")
def named(context: DurableContext, value: int, *, more: int = 0) -> int:
    return value + more


DECORATED: list[Any] = [charge, ship, ask, plain]


def test_a_decorated_function_keeps_its_name_and_its_docstring() -> None:
    assert [func.__name__ for func in DECORATED] == ["charge", "ship", "ask", "plain"]
    assert [func.__doc__ for func in DECORATED] == [
        "Charge the card.",
        "Ship the order.",
        "Ask somebody.",
        "Return the value.",
    ]
    assert all(callable(func.__wrapped__) for func in DECORATED)


def test_a_call_runs_nothing_before_it_has_its_context() -> None:
    ran: list[str] = []

    @durable_step
    def work(step: StepContext, value: str) -> None:
        ran.append(value)

    call = work("a")
    assert ran == []
    call(StepContext())
    assert ran == ["a"]


def test_a_call_adds_its_context_to_its_arguments() -> None:
    assert charge(5, currency="USD")(StepContext(attempt=2)) == "5 USD in attempt 2"
    assert ask("anna")("id", WaitForCallbackContext()) == "anna got id"
    assert plain(5)(None) == 5


def test_a_call_can_be_run_again() -> None:
    call = charge(5)
    assert call(StepContext()) == call(StepContext()) == "5 EUR in attempt 1"


def test_a_call_shows_what_it_is_a_call_of() -> None:
    assert repr(charge(5)) == "<call of charge>"
    assert repr(ship("x")) == "<call of ship>"
    assert repr(ask("anna")) == "<call of ask>"


def test_a_decorated_step_runs_at_once_if_it_is_given_a_step_context() -> None:
    assert charge(StepContext(), 5) == "5 EUR in attempt 1"


def test_calls_run_inside_a_handler_and_give_their_names() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> list[Any]:
        return [
            context.step(charge(5)),
            context.run_in_child_context(ship("x", fast=True)),
            context.parallel([plain(1), named(2, more=3)]).get_results(),
        ]

    assert run(handler, service)["Result"] == '["5 EUR in attempt 1", "x fast", [1, 5]]'
    names = [each.get("Name") for each in service.operations.values()]
    assert {"charge", "ship", "label", "mine"} <= set(names)


def test_defect_s15_a_branch_without_a_name_is_called_after_its_position() -> None:
    assert isinstance(plain(1), ParallelBranch)
    assert plain(1).name is None
    assert named(1).name == "mine"
    service = FakeLambda()
    run(lambda event, context: context.parallel([named(0), plain(1)]).total_count, service)
    assert service.named("parallel-branch-1")["SubType"] == "ParallelBranch"
    assert "parallel-branch-<index>" in (durable_parallel_branch.__doc__ or "")


def test_a_branch_decorator_without_parentheses_is_refused() -> None:
    with pytest.raises(ValidationError, match="is written with parentheses"):

        @durable_parallel_branch  # type: ignore[arg-type]
        def branch(context: DurableContext) -> None:
            pass


@pytest.mark.parametrize(
    "decorator",
    [durable_step, durable_with_child_context, durable_wait_for_callback, durable_parallel_branch()],
)
def test_a_coroutine_function_is_refused_where_it_is_decorated(decorator: Any) -> None:
    with pytest.raises(ValidationError, match=r"async def .*work cannot be a "):

        @decorator
        async def work(*args: Any) -> None:
            pass


@pytest.mark.parametrize(
    "call",
    [
        lambda context: context.step(charge),
        lambda context: context.run_in_child_context(ship),
        lambda context: context.wait_for_callback(ask),
        lambda context: context.parallel([plain]),
    ],
)
def test_the_function_itself_is_refused_in_place_of_its_call(call: Any) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError, match=r"not \w+ itself: pass \w+\(\.\.\.\) with its arguments"):
            call(context)

    assert run(handler, service)["Status"] == "SUCCEEDED"
    assert service.requests == []


def test_a_partial_has_no_name_and_runs() -> None:
    service = FakeLambda()
    call = functools.partial(lambda amount, step: amount + step.attempt, 5)
    assert run(lambda event, context: context.step(call), service)["Result"] == "6"
    (step,) = [each for each in service.operations.values() if each["Type"] == "STEP"]
    assert "Name" not in step


def test_the_original_name_is_where_awss_decorators_leave_it() -> None:
    calls: list[Any] = [charge(5), ship("x"), ask("anna")]
    assert [call._original_name for call in calls] == ["charge", "ship", "ask"]
