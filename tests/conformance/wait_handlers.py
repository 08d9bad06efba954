"""Handlers of the requirements for waits."""

from __future__ import annotations

from typing import Any

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import Duration


@durable_execution
def waits(event: Any, context: DurableContext) -> None:
    context.wait(Duration.from_seconds(2))


@durable_execution
def waits_twice(event: Any, context: DurableContext) -> dict[str, int]:
    context.wait(Duration.from_seconds(2), name="wait-1")
    context.wait(Duration.from_seconds(2), name="wait-2")
    return {"completedWaits": 2}


@durable_execution
def waits_an_hour(event: Any, context: DurableContext) -> str:
    context.wait(Duration.from_hours(1))
    return "an hour later"


# What follows is for requirements of our own.


@durable_execution
def waits_in_minutes_and_days(event: Any, context: DurableContext) -> None:
    context.wait(Duration.from_minutes(1.5), name="minutes")
    context.wait(Duration.from_days(2), name="days")


@durable_execution
def waits_no_time(event: Any, context: DurableContext) -> None:
    context.wait(Duration.from_seconds(0))


@durable_execution
def waits_between_steps(event: Any, context: DurableContext) -> list[str]:
    first = context.step(lambda step_context: "before")
    context.wait(Duration.from_seconds(5), name="pause")
    return [first, context.step(lambda step_context: "after")]
