"""State outside the record: variables that steps write and invocations lose or keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bugs.case import Bug
from bugs.outside import outside
from durable_sdk import DurableContext, StepError, durable_execution
from durable_sdk.config import Duration, JitterStrategy, StepConfig
from durable_sdk.retries import RetryPresets
from durable_sdk.types import WaitForConditionCheckContext
from durable_sdk.waits import WaitForConditionConfig, WaitStrategyConfig, create_wait_strategy

NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


def is_done(runner: Any) -> None:
    assert runner.run(input={"id": "o-1", "prices": [3, 4, 5]}).raise_for_status().value == "done"


# A closure variable that a step writes.


@durable_execution
def closure_written(event: dict[str, Any], context: DurableContext) -> str:
    approved = False

    def review() -> None:
        nonlocal approved
        approved = True

    context.step(review, name="review")
    if approved:
        context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return context.step(lambda: "done", name="finish")


@durable_execution
def closure_returned(event: dict[str, Any], context: DurableContext) -> str:
    approved = context.step(lambda: True, name="review")
    if approved:
        context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return context.step(lambda: "done", name="finish")


# A list that steps append to, and the result is made of it.


@durable_execution
def total_in_closure(event: dict[str, Any], context: DurableContext) -> Any:
    seen: list[int] = []
    for number, price in enumerate(event["prices"]):
        context.step(lambda _, price=price: seen.append(price), name=f"price {number}")
    return sum(seen)


@durable_execution
def total_of_results(event: dict[str, Any], context: DurableContext) -> Any:
    seen: list[int] = []
    for number, price in enumerate(event["prices"]):
        seen.append(context.step(lambda _, price=price: price, name=f"price {number}"))
    return sum(seen)


def has_a_total(runner: Any) -> None:
    assert runner.run(input={"id": "o-1", "prices": [3, 4, 5]}).value == 12


# An object that a step changes.


@dataclass
class Order:
    id: str
    status: str = "new"


@durable_execution
def object_changed(event: dict[str, Any], context: DurableContext) -> str:
    order = Order(event["id"])

    def pay() -> None:
        outside.do("charge", key=order.id)
        order.status = "paid"

    context.step(pay, name="pay")
    if order.status == "paid":
        context.step(lambda: outside.do("ship", key=order.id), name="ship")
    return "done"


@durable_execution
def object_returned(event: dict[str, Any], context: DurableContext) -> str:
    order = Order(event["id"])

    def pay() -> str:
        outside.do("charge", key=order.id)
        return "paid"

    order.status = context.step(pay, name="pay")
    if order.status == "paid":
        context.step(lambda: outside.do("ship", key=order.id), name="ship")
    return "done"


# The event, taken apart by a step.


@durable_execution
def event_consumed(event: dict[str, Any], context: DurableContext) -> str:
    while event["prices"]:
        context.step(lambda: event["prices"].pop(), name=f"bill, {len(event['prices'])} left")
        if len(event["prices"]) > 3:
            break
    return "done"


@durable_execution
def event_iterated(event: dict[str, Any], context: DurableContext) -> str:
    for number, price in enumerate(event["prices"]):
        context.step(lambda _, price=price: price, name=f"bill {number}")
    return "done"


# A global that a step writes and the handler reads.

session: str | None = None


def log_in() -> str:
    global session
    session = "s-1"
    outside.do("log in")
    return session


@durable_execution
def global_written(event: dict[str, Any], context: DurableContext) -> str:
    context.step(log_in, name="log in")
    current = session
    context.wait(hours=1, name="rest")
    context.step(lambda: outside.do("query", key=event["id"], session=current), name=f"query as {current}")
    return "done"


@durable_execution
def global_recorded(event: dict[str, Any], context: DurableContext) -> str:
    current = context.step(log_in, name="log in")
    context.wait(hours=1, name="rest")
    context.step(lambda: outside.do("query", key=event["id"], session=current), name=f"query as {current}")
    return "done"


# A cache that decides whether a step is called.

RATES: dict[str, int] = {}


@durable_execution
def cache_skips_step(event: dict[str, Any], context: DurableContext) -> str:
    if "EUR" not in RATES:
        RATES["EUR"] = context.step(lambda: 2, name="fetch rate")
    context.wait(minutes=1, name="pause")
    rate = RATES["EUR"]
    context.step(lambda: outside.do("convert", key=event["id"], rate=rate), name="convert")
    return "done"


CACHED: dict[str, int] = {}


def cached_rate() -> int:
    """Ask once in each sandbox."""
    if "EUR" not in CACHED:
        CACHED["EUR"] = 2
    return CACHED["EUR"]


@durable_execution
def cache_in_step(event: dict[str, Any], context: DurableContext) -> str:
    rate = context.step(cached_rate, name="fetch rate")
    context.wait(minutes=1, name="pause")
    context.step(lambda: outside.do("convert", key=event["id"], rate=rate), name="convert")
    return "done"


# A default that all calls share.


def collect(item: str, basket: list[str] = []) -> list[str]:  # noqa: B006 - the bug
    basket.append(item)
    return basket


@durable_execution
def mutable_default(event: dict[str, Any], context: DurableContext) -> str:
    basket = collect(event["id"])
    for number, item in enumerate(basket):
        context.step(lambda _, item=item: outside.do("pack", key=item), name=f"pack {number}")
    context.wait(minutes=1, name="pause")
    return "done"


def collect_anew(item: str, basket: list[str] | None = None) -> list[str]:
    basket = [] if basket is None else basket
    basket.append(item)
    return basket


@durable_execution
def fresh_default(event: dict[str, Any], context: DurableContext) -> str:
    basket = collect_anew(event["id"])
    for number, item in enumerate(basket):
        context.step(lambda _, item=item: outside.do("pack", key=item), name=f"pack {number}")
    context.wait(minutes=1, name="pause")
    return "done"


# A counter of invocations that decides.

invocations = 0


@durable_execution
def first_invocation_only(event: dict[str, Any], context: DurableContext) -> str:
    global invocations
    invocations += 1
    if invocations == 1:
        context.step(lambda: outside.do("welcome", key=event["id"]), name="welcome")
    return context.step(lambda: "done", name="finish")


@durable_execution
def every_invocation(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("welcome", key=event["id"]), name="welcome")
    return context.step(lambda: "done", name="finish")


# Undo actions that are remembered by the sandbox only.


def decline() -> None:
    raise RuntimeError("declined")


@durable_execution
def saga_in_memory(event: dict[str, Any], context: DurableContext) -> str:
    undo: list[str] = []

    def book(what: str) -> None:
        outside.do(f"book {what}", key=event["id"])
        undo.append(what)

    try:
        context.step(lambda: book("flight"), name="book flight")
        context.step(lambda: book("hotel"), name="book hotel")
        context.step(decline, name="pay", config=NO_RETRY)
    except StepError:
        for what in reversed(undo):
            context.step(
                lambda _, what=what: outside.do(f"cancel {what}", key=event["id"]), name=f"cancel {what}"
            )
    return "done"


@durable_execution
def saga_of_results(event: dict[str, Any], context: DurableContext) -> str:
    undo: list[str] = []

    def book(what: str) -> None:
        outside.do(f"book {what}", key=event["id"])

    try:
        for what in ("flight", "hotel"):
            undo.append(what)
            context.step(lambda _, what=what: book(what), name=f"book {what}")
        context.step(decline, name="pay", config=NO_RETRY)
    except StepError:
        for what in reversed(undo):
            context.step(
                lambda _, what=what: outside.do(f"cancel {what}", key=event["id"]), name=f"cancel {what}"
            )
    return "done"


def all_is_cancelled(runner: Any) -> None:
    is_done(runner)
    for what in ("flight", "hotel"):
        assert outside.ledger.count(f"book {what}") == outside.ledger.count(f"cancel {what}"), what


# A compensation that is not the same when it is done twice.


@durable_execution
def gives_back_twice(event: dict[str, Any], context: DurableContext) -> str:
    outside.table.setdefault("stock", 5)
    context.step(lambda: outside.add("stock", -1, key=event["id"]), name="take")
    try:
        context.step(decline, name="pay", config=NO_RETRY)
    except StepError:
        context.step(lambda: outside.write("stock", outside.read("stock") + 1), name="give back")
    return "done"


@durable_execution
def gives_back_once(event: dict[str, Any], context: DurableContext) -> str:
    outside.table.setdefault("stock", 5)
    context.step(lambda: outside.add("stock", -1, key=event["id"]), name="take")
    try:
        context.step(decline, name="pay", config=NO_RETRY)
    except StepError:
        context.step(lambda: outside.add("stock", 1, key=f"back-{event['id']}"), name="give back")
    return "done"


def stock_is_as_before(runner: Any) -> None:
    is_done(runner)
    assert outside.table["stock"] == 5, f"stock is {outside.table['stock']}"


# A condition whose state is the sandbox's.


def strategy(go_on: Any) -> Any:
    return create_wait_strategy(
        WaitStrategyConfig(
            should_continue_polling=go_on,
            max_attempts=4,
            initial_delay=Duration.from_seconds(10),
            jitter_strategy=JitterStrategy.NONE,
        )
    )


POLLS: list[str] = []


def poll_globally(state: str, check_context: WaitForConditionCheckContext) -> str:
    POLLS.append("poll")
    return "ready" if len(POLLS) % 3 == 0 else "not ready"


@durable_execution
def condition_in_global(event: dict[str, Any], context: DurableContext) -> str:
    config = WaitForConditionConfig(wait_strategy=strategy(lambda state: state != "ready"), initial_state="")
    context.wait_for_condition(poll_globally, config, name="ready")
    return context.step(lambda: "done", name=f"finish after {len(POLLS)}")


@durable_execution
def condition_in_state(event: dict[str, Any], context: DurableContext) -> str:
    config = WaitForConditionConfig(wait_strategy=strategy(lambda state: state < 3), initial_state=0)
    polls = context.wait_for_condition(lambda state, _: state + 1, config, name="ready")
    return context.step(lambda: "done", name=f"finish after {polls}")


BUGS = (
    Bug(
        "closure written in a step",
        closure_written,
        closure_returned,
        is_done,
        ("approved", "review", "closure"),
    ),
    Bug(
        "total in a closure",
        total_in_closure,
        total_of_results,
        has_a_total,
        ("seen", "closure"),
        passes_alone=True,
    ),
    Bug("object changed in a step", object_changed, object_returned, is_done, ("order", "pay")),
    Bug("event consumed by a step", event_consumed, event_iterated, is_done, ("variable 'event'", "bill")),
    Bug(
        "global written in a step", global_written, global_recorded, is_done, ("session", "log in", "global")
    ),
    Bug(
        "cache skips a step",
        cache_skips_step,
        cache_in_step,
        is_done,
        ("RATES", "fetch rate"),
        passes_alone=False,
    ),
    Bug(
        "mutable default",
        mutable_default,
        fresh_default,
        is_done,
        ("mutable default argument of collect", "pack"),
        passes_alone=False,
    ),
    Bug(
        "first invocation only", first_invocation_only, every_invocation, is_done, ("invocations", "welcome")
    ),
    Bug("saga in memory", saga_in_memory, saga_of_results, all_is_cancelled, ("undo", "cancel")),
    Bug(
        "compensation twice",
        gives_back_twice,
        gives_back_once,
        stock_is_as_before,
        ("stock is 6", "crash(", "'give back'"),
    ),
    Bug(
        "condition in a global",
        condition_in_global,
        condition_in_state,
        is_done,
        ("POLLS", "finish after"),
    ),
)
