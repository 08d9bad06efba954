"""Of an object that a step's body uses, what counts is what the body reads of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from durable_sdk import DurableContext

Found = Callable[..., str]


@dataclass(frozen=True)
class Order:
    id: str
    trace: str
    seen: float = field(default=0.0, compare=False)


class Plain:
    def __init__(self, id_: str) -> None:
        self.id = id_
        self.trace = uuid.uuid4().hex

    def told(self) -> str:
        return self.id


class Spy:
    def __init__(self) -> None:
        self.calls = 0


SPY = Spy()


def reads_what_is_given(event: dict[str, Any], context: DurableContext) -> Any:
    order = Order(event["id"], uuid.uuid4().hex)
    return context.step(lambda _: f"saved {order.id}", name="save")


def reads_a_key(event: dict[str, Any], context: DurableContext) -> Any:
    order = {"id": event["id"], "trace": uuid.uuid4().hex}
    return context.step(lambda _: f"saved {order['id']}", name="save")


def takes_what_does_not_compare(event: dict[str, Any], context: DurableContext) -> Any:
    order = Order(event["id"], "trace", time.time())
    return context.step(lambda _: repr(order == order), name="save")


def calls_a_method(event: dict[str, Any], context: DurableContext) -> Any:
    order = Plain(event["id"])
    return context.step(lambda _: order.told(), name="save")


def counts_at_an_object_of_the_test(event: dict[str, Any], context: DurableContext) -> Any:
    spy = SPY
    spy.calls += 1
    return context.step(lambda _: f"saved {event['id']} {spy.calls > 0}", name="save")


def charges_by_a_field(event: dict[str, Any], context: DurableContext) -> Any:
    order = Order(event["id"], uuid.uuid4().hex)
    return context.step(lambda _: f"charged {order.trace}"[:7], name="charge")


def charges_by_an_attribute(event: dict[str, Any], context: DurableContext) -> Any:
    order = Plain(event["id"])
    return context.step(lambda _: next(order.trace for _ in "1")[:0], name="charge")


def charges_by_a_key(event: dict[str, Any], context: DurableContext) -> Any:
    order = {"id": event["id"], "trace": uuid.uuid4().hex}
    return context.step(lambda _: order["trace"][:0], name="charge")


@pytest.mark.parametrize(
    "handler",
    [
        reads_what_is_given,
        reads_a_key,
        takes_what_does_not_compare,
        calls_a_method,
        counts_at_an_object_of_the_test,
    ],
    ids=lambda handler: handler.__name__,
)
def test_what_a_body_does_not_read_may_change(handler: Any, found: Found) -> None:
    assert found(handler, {"id": "1"}) == ""


@pytest.mark.parametrize(
    ("handler", "part"),
    [
        (charges_by_a_field, "order.trace"),
        (charges_by_an_attribute, "order.trace"),
        (charges_by_a_key, "order['trace']"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_a_body_reads_is_compared_and_named(handler: Any, part: str, found: Found) -> None:
    told = found(handler, {"id": "1"})
    assert f"gives Step 'charge' another {part}" in told
    assert "uuid" in told
