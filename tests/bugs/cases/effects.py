"""Steps whose effects a crash repeats, splits or loses."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from bugs.case import Bug
from bugs.outside import outside
from durable_sdk import DurableContext, StepContext, StepError, durable_execution, durable_step
from durable_sdk.config import StepConfig, StepSemantics
from durable_sdk.retries import RetryPresets

ONCE = StepConfig(retry_strategy=RetryPresets.none(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
ORDER = {"id": "o-1", "amount": 12}


def succeeds(runner: Any) -> Any:
    """Run the order, and demand that it succeeds."""
    return runner.run(input=ORDER).raise_for_status().value


# A charge without a key.


@durable_step
def charge(step_context: StepContext, order: str, amount: int) -> None:
    outside.do("charge", order=order, amount=amount)


@durable_step
def charge_once(step_context: StepContext, order: str, amount: int) -> None:
    outside.do("charge", key=order, order=order, amount=amount)


@durable_execution
def charges_twice(event: dict[str, Any], context: DurableContext) -> str:
    context.step(charge(event["id"], event["amount"]))
    return "paid"


@durable_execution
def charges_with_key(event: dict[str, Any], context: DurableContext) -> str:
    context.step(charge_once(event["id"], event["amount"]))
    return "paid"


def is_charged_once(runner: Any) -> None:
    assert succeeds(runner) == "paid"
    outside.ledger.exactly_once("charge")


# A key that is new in each attempt.


@durable_execution
def key_from_uuid(event: dict[str, Any], context: DurableContext) -> str:
    def pay() -> None:
        outside.do("charge", key=str(uuid.uuid4()), amount=event["amount"])

    context.step(pay, name="pay")
    return "paid"


@durable_execution
def key_from_step(event: dict[str, Any], context: DurableContext) -> str:
    key = context.step(lambda: str(uuid.uuid4()), name="make key")
    context.step(lambda: outside.do("charge", key=key, amount=event["amount"]), name="pay")
    return "paid"


@durable_execution
def key_from_time(event: dict[str, Any], context: DurableContext) -> str:
    def pay() -> None:
        outside.do("charge", key=f"{event['id']}-{time.time_ns()}", amount=event["amount"])

    context.step(pay, name="pay")
    return "paid"


@durable_execution
def key_from_event(event: dict[str, Any], context: DurableContext) -> str:
    def pay() -> None:
        at = datetime.now(UTC).isoformat()
        outside.do("charge", key=f"charge-{event['id']}", amount=event["amount"], at=at)

    context.step(pay, name="pay")
    return "paid"


# Two effects in one step.


@durable_execution
def two_effects(event: dict[str, Any], context: DurableContext) -> str:
    def pay_and_tell() -> None:
        outside.do("mail", to="customer")
        outside.do("charge", key=event["id"])

    context.step(pay_and_tell, name="pay and tell")
    return "paid"


@durable_execution
def two_steps(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("charge", key=event["id"]), name="pay")
    context.step(lambda: outside.do("mail", key=f"paid-{event['id']}", to="customer"), name="tell")
    return "paid"


def is_told_once(runner: Any) -> None:
    assert succeeds(runner) == "paid"
    outside.ledger.exactly_once("mail")
    outside.ledger.exactly_once("charge")


# A step that runs once at most, and nobody asks what became of it.


@durable_execution
def interruption_forgotten(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("reserve", key=event["id"]), name="reserve")
    context.step(lambda: outside.do("charge"), name="charge", config=ONCE)
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


@durable_execution
def interruption_handled(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("reserve", key=event["id"]), name="reserve")
    try:
        context.step(lambda: outside.do("charge"), name="charge", config=ONCE)
    except StepError:
        context.step(lambda: outside.do("release", key=event["id"]), name="release")
        return "to be looked into"
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


def goods_are_not_stranded(runner: Any) -> None:
    result = runner.run(input=ORDER)
    outside.ledger.at_most_once("charge")
    moved = outside.ledger.count("ship") + outside.ledger.count("release")
    assert moved == outside.ledger.count("reserve"), f"goods are stranded: {result.error}"


# A total that is read and written in a step.


@durable_execution
def adds_again(event: dict[str, Any], context: DurableContext) -> int:
    def book() -> int:
        balance: int = outside.read("balance", 0) + event["amount"]
        outside.write("balance", balance)
        return balance

    return context.step(book, name="book")


@durable_execution
def adds_once(event: dict[str, Any], context: DurableContext) -> int:
    context.step(lambda: outside.add("balance", event["amount"], key=event["id"]), name="book")
    return context.step(lambda: int(outside.read("balance")), name="read")


def balance_is_right(runner: Any) -> None:
    succeeds(runner)
    assert outside.table["balance"] == ORDER["amount"], "wrong balance"


# Success is noted before the deed.


@durable_execution
def notes_first(event: dict[str, Any], context: DurableContext) -> str:
    def pay() -> None:
        if outside.read(event["id"]) == "paid":
            return
        outside.write(event["id"], "paid")
        outside.do("charge", amount=event["amount"])

    context.step(pay, name="pay")
    return "paid"


@durable_execution
def notes_afterwards(event: dict[str, Any], context: DurableContext) -> str:
    def pay() -> None:
        outside.do("charge", key=event["id"], amount=event["amount"])
        outside.write(event["id"], "paid")

    context.step(pay, name="pay")
    return "paid"


# An effect in the handler itself.


@durable_execution
def mails_outside(event: dict[str, Any], context: DurableContext) -> str:
    outside.do("mail", to="customer")
    context.step(lambda: outside.do("charge", key=event["id"]), name="pay")
    return "paid"


@durable_execution
def mails_inside(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("mail", key=event["id"], to="customer"), name="mail")
    context.step(lambda: outside.do("charge", key=event["id"]), name="pay")
    return "paid"


# A lock whose owner dies with it.


@durable_execution
def lock_of_the_dead(event: dict[str, Any], context: DurableContext) -> str:
    def ship() -> None:
        me = str(uuid.uuid4())
        if outside.table.setdefault("lock", me) != me:
            raise RuntimeError("somebody else ships this order")
        outside.do("ship", key=event["id"])
        del outside.table["lock"]

    context.step(ship, name="ship", config=StepConfig(retry_strategy=RetryPresets.none()))
    return "shipped"


@durable_execution
def lock_of_the_order(event: dict[str, Any], context: DurableContext) -> str:
    def ship() -> None:
        if outside.table.setdefault("lock", event["id"]) != event["id"]:
            raise RuntimeError("somebody else ships this order")
        outside.do("ship", key=event["id"])
        outside.table.pop("lock", None)

    context.step(ship, name="ship", config=StepConfig(retry_strategy=RetryPresets.none()))
    return "shipped"


def is_shipped(runner: Any) -> None:
    assert succeeds(runner) == "shipped"
    outside.ledger.exactly_once("ship")


# A file that a step appends to.


@durable_execution
def appends_a_line(event: dict[str, Any], context: DurableContext) -> str:
    def export() -> None:
        with (outside.folder / "orders.csv").open("a", encoding="utf-8") as file:
            file.write(f"{event['id']}\n")

    context.step(export, name="export")
    return "exported"


@durable_execution
def writes_a_file(event: dict[str, Any], context: DurableContext) -> str:
    def export() -> None:
        (outside.folder / "orders.csv").write_text(f"{event['id']}\n", encoding="utf-8")

    context.step(export, name="export")
    return "exported"


def has_one_line(runner: Any) -> None:
    assert succeeds(runner) == "exported"
    lines = (outside.folder / "orders.csv").read_text(encoding="utf-8").split()
    assert lines == [ORDER["id"]]


TWICE = ("charge", "2 times", "crash(")

# An at-most-once step that the default retry strategy attempts again.

ONCE_PER_ATTEMPT = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)


@durable_execution
def attempted_again(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("mail", to=event["id"]), name="send", config=ONCE_PER_ATTEMPT)
    return "sent"


@durable_execution
def attempted_once(event: dict[str, Any], context: DurableContext) -> str:
    try:
        context.step(lambda: outside.do("mail", to=event["id"]), name="send", config=ONCE)
    except StepError:
        return "unknown"
    return "sent"


def is_sent_at_most_once(runner: Any) -> None:
    assert succeeds(runner) in ("sent", "unknown")
    outside.ledger.at_most_once("mail")


BUGS = (
    Bug(
        "interrupted step attempted again",
        attempted_again,
        attempted_once,
        is_sent_at_most_once,
        ("StepInterruptedError", "RetryPresets.none()", "crash(", "'send'"),
    ),
    Bug("double charge", charges_twice, charges_with_key, is_charged_once, ("charge", "crash(")),
    Bug("key from uuid", key_from_uuid, key_from_step, is_charged_once, ("charge", "crash(", "'pay'")),
    Bug("key from time", key_from_time, key_from_event, is_charged_once, ("charge", "crash(", "'pay'")),
    Bug("two effects in a step", two_effects, two_steps, is_told_once, ("mail", "crash(", "'pay and tell'")),
    Bug(
        "interrupted at-most-once step",
        interruption_forgotten,
        interruption_handled,
        goods_are_not_stranded,
        ("StepInterruptedError", "crash(", "'charge'"),
    ),
    Bug("lost update", adds_again, adds_once, balance_is_right, ("wrong balance", "crash(", "'book'")),
    Bug(
        "success noted before the effect",
        notes_first,
        notes_afterwards,
        is_charged_once,
        ("charge", "crash(during_step='pay'"),
    ),
    Bug("effect outside of steps", mails_outside, mails_inside, is_told_once, ("mail", "outside")),
    Bug(
        "lock of a dead sandbox",
        lock_of_the_dead,
        lock_of_the_order,
        is_shipped,
        ("somebody else ships", "crash("),
    ),
    Bug("appended file", appends_a_line, writes_a_file, has_one_line, ("['o-1', 'o-1']", "crash(")),
)
