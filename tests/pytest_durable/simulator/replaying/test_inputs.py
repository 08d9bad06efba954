"""Inputs: what counts as given to an operation, and what functions write and read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from durable_sdk import ParallelBranch, StepContext, durable_step, durable_wait_for_callback
from durable_sdk.config import CallbackConfig, Duration
from durable_sdk.types import WaitForCallbackContext
from pytest_durable.simulator.replaying.inputs import (
    functions_in,
    inputs_of,
    only_written,
    settings_of,
    writes,
)


@durable_step
def charge(step: StepContext, order: str, amount: int = 3, *, currency: str = "EUR") -> str:
    return f"{order}{amount}{currency}"


@durable_wait_for_callback
def ask(callback_id: str, context: WaitForCallbackContext, whom: str) -> None:
    """Ask nobody."""


def given(**values: Any) -> dict[str, str]:
    return {each.label: each.text for each in inputs_of(values, None)}


def test_arguments_of_decorated_functions_have_the_names_of_their_parameters() -> None:
    inputs = given(func=charge("o-1", 5, currency="USD"))
    assert (inputs["order"], inputs["amount"], inputs["currency"]) == ("'o-1'", "5", "'USD'")
    assert given(submitter=ask("Ann"))["whom"] == "'Ann'"


def test_partials_defaults_and_variables_count() -> None:
    def outer(price: int) -> Callable[..., Any]:
        return lambda step=7: price + step

    inputs = given(func=outer(5))
    assert (inputs["price"], inputs["step"]) == ("5", "7")
    assert given(func=functools.partial(outer, price=9))["price"] == "9"


def test_branches_count_one_by_one() -> None:
    inputs = given(functions=[lambda context: 1, ParallelBranch(lambda context: 2, name="b")])
    assert inputs["number of branches"] == "2"
    assert "functions[1]" in inputs


def test_plain_values_count_and_others_do_not() -> None:
    assert given(payload={"a": 1}, function_name="pay", thing=object()) == {
        "payload": "{'a': 1}",
        "function_name": "'pay'",
    }


def test_the_same_function_is_left_out_and_the_same_object_does_not_differ() -> None:
    def func() -> None:
        """Do nothing."""

    assert inputs_of({"func": func}, {"func": func}) == ()
    log: list[int] = []
    (then,) = inputs_of({"payload": log}, None)
    log.append(1)
    (now,) = inputs_of({"payload": log}, None)
    assert now.text != then.text
    assert not now.differs_from(then)
    (copy,) = inputs_of({"payload": [1]}, None)
    assert copy.differs_from(then)


def test_of_a_configuration_the_plain_members_count() -> None:
    settings = settings_of({"config": CallbackConfig(timeout=Duration.from_seconds(5))})
    assert [each.label for each in settings] == ["config.timeout", "config.heartbeat_timeout"]
    assert settings_of({}) == ()


def test_what_a_function_writes_of_others_is_found_with_its_line() -> None:
    total, log, state = 0, [], {}

    def body() -> None:
        nonlocal total
        total = 1
        log.append(1)
        state["a"] = total

    first = body.__code__.co_firstlineno
    assert dict(writes(body.__code__)) == {"total": first + 2, "log": first + 3, "state": first + 4}
    assert only_written(body.__code__) == {"log"}
    assert (total, log, state) == (0, [], {})


def test_the_functions_behind_decorators_and_partials_are_found() -> None:
    def plain() -> None:
        """Do nothing."""

    found = functions_in({"func": charge("o-1"), "other": functools.partial(plain), "more": [plain]})
    assert [function.__name__ for function in found] == ["charge", "plain", "plain"]
