"""Branches that share what is outside of the record, and batches that end before their branches do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bugs.case import Bug
from bugs.outside import outside
from durable_sdk import DurableContext, ParallelBranch, durable_execution
from durable_sdk.config import CompletionConfig, MapConfig, ParallelConfig

FIRST = ParallelConfig(completion_config=CompletionConfig.first_successful())
ALL = MapConfig(completion_config=CompletionConfig.all_completed())


# Two branches read, think, and write.


def take(amount: int, order: str) -> None:
    outside.write("stock", outside.read("stock") - amount, key=order)


@durable_execution
def races(event: dict[str, Any], context: DurableContext) -> str:
    branches = [
        ParallelBranch(lambda inner: inner.step(lambda: take(1, "web"), name="take one"), name="web"),
        ParallelBranch(lambda inner: inner.step(lambda: take(2, "shop"), name="take two"), name="shop"),
    ]
    context.parallel(branches, name="sales").throw_if_error()
    return "done"


@durable_execution
def adds_atomically(event: dict[str, Any], context: DurableContext) -> str:
    branches = [
        ParallelBranch(
            lambda inner: inner.step(lambda: outside.add("stock", -1, key="web"), name="take one"), name="web"
        ),
        ParallelBranch(
            lambda inner: inner.step(lambda: outside.add("stock", -2, key="shop"), name="take two"),
            name="shop",
        ),
    ]
    context.parallel(branches, name="sales").throw_if_error()
    return "done"


def stock_is_right(runner: Any) -> None:
    outside.table["stock"] = 10
    assert runner.run().raise_for_status().value == "done"
    assert outside.table["stock"] == 7, f"stock is {outside.table['stock']}"


# Branches check, then act.


def sell_checked(context: DurableContext, customer: str, index: int, customers: Sequence[str]) -> bool:
    def sell() -> bool:
        if outside.read("seats") < 1:
            return False
        outside.add("seats", -1, key=customer)
        return True

    return context.step(sell, name="sell")


def sell_atomically(context: DurableContext, customer: str, index: int, customers: Sequence[str]) -> bool:
    return context.step(lambda: outside.add("seats", -1, key=customer, floor=0), name="sell")


@durable_execution
def oversells(event: list[str], context: DurableContext) -> int:
    return sum(context.map(event, sell_checked, name="seats", config=ALL).get_results())


@durable_execution
def sells(event: list[str], context: DurableContext) -> int:
    return sum(context.map(event, sell_atomically, name="seats", config=ALL).get_results())


def is_not_oversold(runner: Any) -> None:
    outside.table["seats"] = 1
    sold = runner.run(input=["ada", "bob", "cyd"]).raise_for_status().value
    assert outside.table["seats"] == 0, f"{outside.table['seats']} seats are left after {sold} were sold"


# The order in which branches end decides.


@durable_execution
def order_of_arrival(event: dict[str, Any], context: DurableContext) -> str:
    arrived: list[str] = []

    def branch(name: str) -> ParallelBranch[None]:
        def run(inner: DurableContext) -> None:
            inner.step(lambda: outside.do(f"offer {name}", key=name), name=f"offer {name}")
            arrived.append(name)

        return ParallelBranch(run, name=name)

    context.parallel([branch("ada"), branch("bob")], name="offers")
    first = arrived[0] if arrived else "nobody"
    context.step(lambda: outside.do("accept", key="a"), name=f"accept {first}")
    return "done"


@durable_execution
def order_of_branches(event: dict[str, Any], context: DurableContext) -> str:
    def branch(name: str) -> ParallelBranch[str]:
        def run(inner: DurableContext) -> str:
            inner.step(lambda: outside.do(f"offer {name}", key=name), name=f"offer {name}")
            return name

        return ParallelBranch(run, name=name)

    first = context.parallel([branch("ada"), branch("bob")], name="offers").get_results()[0]
    context.step(lambda: outside.do("accept", key="a"), name=f"accept {first}")
    return "done"


def is_done(runner: Any) -> None:
    assert runner.run().raise_for_status().value == "done"


# A race of branches that act before it is decided.


@durable_execution
def books_in_branches(event: dict[str, Any], context: DurableContext) -> str:
    def branch(carrier: str, seconds: int) -> ParallelBranch[str]:
        def run(inner: DurableContext) -> str:
            inner.wait(seconds=seconds, name="think")
            inner.step(lambda: outside.do("book", key=carrier), name="book")
            return carrier

        return ParallelBranch(run, name=carrier)

    branches = [branch("post", 2), branch("courier", 6)]
    return context.parallel(branches, name="carriers", config=FIRST).get_results()[0]


@durable_execution
def books_afterwards(event: dict[str, Any], context: DurableContext) -> str:
    def branch(carrier: str, seconds: int) -> ParallelBranch[str]:
        def run(inner: DurableContext) -> str:
            inner.wait(seconds=seconds, name="think")
            return carrier

        return ParallelBranch(run, name=carrier)

    branches = [branch("post", 2), branch("courier", 6)]
    carrier = context.parallel(branches, name="carriers", config=FIRST).get_results()[0]
    context.step(lambda: outside.do("book", key="the booking"), name="book")
    return carrier


def is_booked_once(runner: Any) -> None:
    assert runner.run().raise_for_status().value in ("post", "courier")
    booked = [effect.key for effect in outside.ledger.all("book")]
    assert len(booked) == 1, f"booked with {booked}"


# The answer and the timeout, at the same time.


@durable_execution
def ships_and_refunds(event: dict[str, Any], context: DurableContext) -> str:
    def paid(inner: DurableContext) -> str:
        inner.wait_for_callback(lambda callback_id, _: None, name="payment")
        inner.step(lambda: outside.do("ship", key="s"), name="ship")
        return "shipped"

    def expired(inner: DurableContext) -> str:
        inner.wait(hours=24, name="deadline")
        inner.step(lambda: outside.do("refund", key="r"), name="refund")
        return "refunded"

    branches = [ParallelBranch(paid, name="paid"), ParallelBranch(expired, name="expired")]
    return context.parallel(branches, name="race", config=FIRST).get_results()[0]


@durable_execution
def ships_or_refunds(event: dict[str, Any], context: DurableContext) -> str:
    def paid(inner: DurableContext) -> str:
        inner.wait_for_callback(lambda callback_id, _: None, name="payment")
        return "shipped"

    def expired(inner: DurableContext) -> str:
        inner.wait(hours=24, name="deadline")
        return "refunded"

    branches = [ParallelBranch(paid, name="paid"), ParallelBranch(expired, name="expired")]
    outcome = context.parallel(branches, name="race", config=FIRST).get_results()[0]
    if outcome == "shipped":
        context.step(lambda: outside.do("ship", key="s"), name="ship")
    else:
        context.step(lambda: outside.do("refund", key="r"), name="refund")
    return outcome


def ships_or_refunds_only(runner: Any) -> None:
    runner.on_callback("payment").succeed("paid", after="23h59m58s")
    runner.run().raise_for_status()
    done = outside.ledger.count("ship") + outside.ledger.count("refund")
    assert done == 1, "shipped and refunded"


BUGS = (
    Bug("branches race", races, adds_atomically, stock_is_right, ("stock is", "reorder(")),
    Bug("oversold", oversells, sells, is_not_oversold, ("seats are left", "reorder(")),
    Bug("order of arrival", order_of_arrival, order_of_branches, is_done, ("variable 'arrived'", "accept")),
    Bug(
        "loser of a race acts",
        books_in_branches,
        books_afterwards,
        is_booked_once,
        ("booked with ['post', 'courier']", "crash("),
    ),
    Bug(
        "shipped and refunded",
        ships_and_refunds,
        ships_or_refunds,
        ships_or_refunds_only,
        ("shipped and refunded", "crash("),
    ),
)
