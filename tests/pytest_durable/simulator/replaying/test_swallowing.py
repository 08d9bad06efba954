"""A suspension that the handler catches is reported, whether or not anything follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from durable_sdk import DurableContext
from durable_sdk.config import Duration

Found = Callable[..., str]


def with_a_bare_except(event: Any, context: DurableContext) -> str:
    try:
        context.wait(Duration.from_hours(1), name="cooling")
    except:  # noqa: E722
        return "gave up"
    return "done"


def with_a_step_in_finally(event: Any, context: DurableContext) -> str:
    context.step(lambda _: 1, name="lock")
    try:
        context.wait(Duration.from_hours(1), name="cooling")
        return context.step(lambda _: "paid", name="pay")
    finally:
        context.step(lambda _: 2, name="unlock")


def with_a_retry_caught(event: Any, context: DurableContext) -> str:
    def fails(_: Any) -> None:
        raise ValueError("not yet")

    try:
        context.step(fails, name="fetch")
    except BaseException:
        return context.step(lambda _: "fallback", name="fallback")
    return "done"


def sound(event: Any, context: DurableContext) -> str:
    try:
        context.wait(Duration.from_hours(1), name="cooling")
        return context.step(lambda _: "paid", name="pay")
    finally:
        print("leaving")


@pytest.mark.parametrize(
    ("handler", "operation"),
    [
        (with_a_bare_except, "Wait 'cooling'"),
        (with_a_step_in_finally, "Wait 'cooling'"),
        (with_a_retry_caught, "Step 'fetch'"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_operation_that_had_not_ended_is_named(handler: Any, operation: str, found: Found) -> None:
    told = found(handler)
    assert f"{operation} had not ended when" in told
    assert "a bare except and except BaseException" in told


def test_a_finally_without_operations_is_sound(found: Found) -> None:
    assert found(sound) == ""
