"""Workflows that only look suspicious: none may be flagged."""

from __future__ import annotations

import functools
import json
import logging
import os
import random
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bugs.case import Harmless
from bugs.outside import outside
from durable_sdk import (
    BatchResult,
    CallbackTimeoutError,
    DurableContext,
    InvokeError,
    ParallelBranch,
    StepContext,
    StepError,
    WithRetryConfig,
    durable_execution,
    durable_step,
    with_retry,
)
from durable_sdk.config import (
    ChildConfig,
    CompletionConfig,
    Duration,
    JitterStrategy,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
)
from durable_sdk.plugin import DurableInstrumentationPlugin
from durable_sdk.retries import RetryPresets
from durable_sdk.serdes import SerDes, SerDesContext
from durable_sdk.typed_serdes import TypedSerDes
from durable_sdk.waits import WaitForConditionConfig, WaitStrategyConfig, create_wait_strategy

logger = logging.getLogger(__name__)
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())
ONCE = StepConfig(retry_strategy=RetryPresets.none(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)


def is_done(runner: Any) -> None:
    assert runner.run(input={"id": "o-1", "items": ["a", "b", "c", "b"]}).raise_for_status().value == "done"


@durable_execution
def logs_the_time(event: dict[str, Any], context: DurableContext) -> str:
    """How long each invocation takes is only logged."""
    began = time.perf_counter()
    logger.info("invocation %s at %s", uuid.uuid4(), datetime.now(UTC).isoformat())
    context.step(lambda: outside.do("work", key=event["id"]), name="work")
    context.wait(hours=1, name="rest")
    context.logger.info("took %.3f s", time.perf_counter() - began)
    return context.step(lambda: "done", name="finish")


@durable_execution
def chance_in_steps(event: dict[str, Any], context: DurableContext) -> str:
    """Chance, time and identifiers come out of steps, and may decide."""
    draw = context.step(random.random, name="draw")
    number = context.step(lambda: str(uuid.uuid4()), name="number")
    hour = context.step(lambda: datetime.now(UTC).hour, name="hour")
    context.step(lambda: outside.do("a" if draw < 0.5 else "b", key=number), name="a" if draw < 0.5 else "b")
    context.wait(seconds=1 + hour, name="pause")
    return "done"


@durable_execution
def falls_back(event: dict[str, Any], context: DurableContext) -> str:
    """A step fails for good, and another is taken."""

    def primary() -> None:
        raise ConnectionError("down")

    try:
        context.step(primary, name="primary", config=NO_RETRY)
    except StepError as error:
        context.logger.warning("falling back: %s", error)
        context.step(lambda: outside.do("secondary", key=event["id"]), name="secondary")
    return "done"


@durable_execution
def ends_early(event: dict[str, Any], context: DurableContext) -> str:
    """The first answer counts, and which it was decides what follows."""

    def ask(carrier: str) -> ParallelBranch[str]:
        def run(inner: DurableContext) -> str:
            inner.step(lambda: outside.do(f"ask {carrier}", key=carrier), name="ask")
            inner.wait(seconds=len(carrier), name="think")
            return carrier

        return ParallelBranch(run, name=carrier)

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    batch = context.parallel([ask("post"), ask("courier"), ask("bike")], name="carriers", config=config)
    carrier = batch.get_results()[0]
    context.step(lambda: outside.do("book", key=event["id"], carrier=carrier), name=f"book {carrier}")
    return "done"


@durable_execution
def retries_a_group(event: dict[str, Any], context: DurableContext) -> str:
    """Two steps are repeated together."""

    def attempt(inner: DurableContext, number: int) -> str:
        offer = inner.step(lambda: f"offer-{number}", name="quote")

        def accept() -> str:
            if number < 3:
                raise LookupError("expired")
            return "done"

        outside_name = f"look at {offer}"
        inner.step(lambda: outside.do("look", key=offer), name=outside_name)
        return inner.step(accept, name="accept", config=NO_RETRY)

    return with_retry(
        context,
        attempt,
        WithRetryConfig(retry_strategy=RetryPresets.fixed(Duration.from_minutes(5))),
        name="book",
    )


@durable_execution
def retries_a_step(event: dict[str, Any], context: DurableContext) -> str:
    """A step succeeds at its third attempt, after delays with jitter."""

    def flaky(step_context: StepContext) -> str:
        if step_context.attempt < 3:
            raise TimeoutError("slow")
        return "done"

    return context.step(flaky, name="flaky", config=StepConfig(retry_strategy=RetryPresets.default()))


def strategy(go_on: Any) -> Any:
    return create_wait_strategy(
        WaitStrategyConfig(
            should_continue_polling=go_on,
            initial_delay=Duration.from_seconds(30),
            jitter_strategy=JitterStrategy.FULL,
        )
    )


@durable_execution
def polls(event: dict[str, Any], context: DurableContext) -> str:
    """A condition is checked until the time has come."""
    started = context.step(time.time, name="start")

    def check(state: dict[str, Any], check_context: Any) -> dict[str, Any]:
        return {"ready": time.time() - started > 120, "checks": state["checks"] + 1}

    config = WaitForConditionConfig(
        wait_strategy=strategy(lambda state: not state["ready"]), initial_state={"ready": False, "checks": 0}
    )
    state = context.wait_for_condition(check, config, name="ready")
    assert state["checks"] > 1
    return "done"


@durable_execution
def warehouse(event: dict[str, Any], context: DurableContext) -> str:
    context.wait(days=1, name="picking")
    return context.step(lambda: f"parcel {event['id']}", name="pack")


def price(event: dict[str, Any], context: Any) -> int:
    return 12


@durable_execution
def refuse(event: dict[str, Any], context: DurableContext) -> None:
    raise ValueError("refused")


@durable_execution
def invokes(event: dict[str, Any], context: DurableContext) -> str:
    """Durable and plain functions are invoked, and one that fails is handled."""
    cost = context.invoke("price", {"id": event["id"]}, name="price")
    parcel = context.invoke("warehouse", {"id": event["id"]}, name="send")
    try:
        context.invoke("refuse", {}, name="insure")
    except InvokeError:
        context.step(lambda: outside.do("note", key="n"), name="note")
    assert (cost, parcel) == (12, f"parcel {event['id']}")
    return "done"


@durable_execution
def waits_for_worker(event: dict[str, Any], context: DurableContext) -> str:
    """A worker sends heartbeats, and may fall silent."""
    config = WaitForCallbackConfig(
        timeout=Duration.from_hours(8), heartbeat_timeout=Duration.from_minutes(10)
    )
    try:
        context.wait_for_callback(
            lambda callback_id, _: outside.do("submit", key=callback_id), name="render", config=config
        )
    except CallbackTimeoutError:
        context.step(lambda: outside.do("render here", key="h"), name="render here")
    return "done"


def is_done_by_worker(runner: Any) -> None:
    runner.on_callback("render").heartbeat(every="9m", times=5).succeed("film")
    is_done(runner)


@durable_execution
def large_results(event: dict[str, Any], context: DurableContext) -> str:
    """A context whose result is too large to store runs again; so does a batch."""

    def fetch(inner: DurableContext) -> str:
        return "".join(inner.step(lambda: "x" * 100_000, name=f"page {number}") for number in range(3))

    text = context.run_in_child_context(fetch, name="fetch")
    pages = context.map(
        [0, 1, 2], lambda inner, item, *_: inner.step(lambda: "y" * 90_000, name="get"), name="pages"
    )
    context.wait(minutes=1, name="pause")
    assert len(text) == 300_000
    assert sum(map(len, pages.get_results())) == 270_000
    return "done"


class Counts(DurableInstrumentationPlugin):
    """Keeps figures of its own."""

    def __init__(self) -> None:
        self.invocations = 0

    def on_invocation_start(self, info: Any) -> None:
        self.invocations += 1
        logger.info("%s at %s", info, time.time())


@durable_execution(plugins=[Counts()])
def watched(event: dict[str, Any], context: DurableContext) -> str:
    """A plugin counts invocations and reads clocks."""
    context.step(lambda: outside.do("work", key=event["id"]), name="work")
    context.wait(seconds=5, name="pause")
    return "done"


class Shouted(SerDes[str]):
    """Stores text in capitals."""

    def serialize(self, value: str, serdes_context: SerDesContext) -> str:
        return json.dumps(value.upper())

    def deserialize(self, data: str, serdes_context: SerDesContext) -> str:
        text: str = json.loads(data)
        return text.lower()


@dataclass
class Money:
    amount: Decimal
    currency: str


@durable_execution
def own_serdes(event: dict[str, Any], context: DurableContext) -> str:
    """Values are stored in ways of their own."""
    cost = context.step(
        lambda: Money(Decimal("9.90"), "EUR"), name="cost", config=StepConfig(serdes=TypedSerDes(Money))
    )
    pair = context.step(lambda: (1, b"x", datetime.now(UTC), {"k": (2, 3)}), name="pair")
    assert cost.amount == Decimal("9.90")
    assert pair[3] == {"k": (2, 3)}
    return context.step(lambda: "Done", name="shout", config=StepConfig(serdes=Shouted()))


TABLE = os.environ.get("CORPUS_TABLE", "orders")


@durable_execution
def reads_settings(event: dict[str, Any], context: DurableContext) -> str:
    """Settings of the deployment: a variable of the environment and a file beside the code."""
    table = os.environ.get("CORPUS_TABLE", TABLE)
    about = Path(__file__).read_text(encoding="utf-8").partition("\n")[0]
    context.step(
        lambda: outside.do("put", key=event["id"], table=table, about=about), name=f"put into {table}"
    )
    context.wait(seconds=5, name="pause")
    return "done"


class Client:
    """A connection that is dear to make."""

    def __init__(self) -> None:
        self.calls = 0

    def send(self, key: str) -> None:
        self.calls += 1
        outside.do("send", key=key)


@functools.lru_cache(maxsize=1)
def cached_client() -> Client:
    return Client()


_client: Client | None = None


def global_client() -> Client:
    global _client
    if _client is None:
        _client = Client()
    return _client


@durable_execution
def warm_clients(event: dict[str, Any], context: DurableContext) -> str:
    """Clients are made once in each sandbox, in a step or outside."""
    client = global_client()
    context.step(lambda: client.send("a"), name="first")
    context.step(lambda: cached_client().send("b"), name="second")
    context.wait(seconds=5, name="pause")
    context.step(lambda: client.send("c"), name="third")
    return "done"


@durable_execution
def careful_sets(event: dict[str, Any], context: DurableContext) -> str:
    """A set is asked for its members, or sorted."""
    seen: set[str] = set()
    for item in event["items"]:
        if item in seen:
            continue
        seen.add(item)
        context.step(lambda _, item=item: outside.do("index", key=item), name=f"index {item}")
    for item in sorted(seen):
        context.step(lambda _, item=item: outside.do("publish", key=item), name=f"publish {item}")
    total = sum(len(item) for item in seen)
    context.step(lambda: outside.do("count", key="c", total=total), name=f"count {total}")
    return "done"


@durable_execution
def collects_results(event: dict[str, Any], context: DurableContext) -> str:
    """Lists and dicts of the handler are filled between steps, by every invocation alike."""
    prices: list[int] = []
    by_item: dict[str, int] = {}
    for item in event["items"]:
        amount = context.step(lambda _, item=item: len(item), name=f"price {item}")
        prices.append(amount)
        by_item[item] = by_item.get(item, 0) + amount
    context.wait(seconds=5, name="pause")
    context.step(lambda: outside.do("bill", key="b", by_item=dict(by_item)), name=f"bill {sum(prices)}")
    return "done"


HANDLED = 0


@durable_execution
def counts_invocations(event: dict[str, Any], context: DurableContext) -> str:
    """A metric of the sandbox that decides nothing."""
    global HANDLED
    HANDLED += 1
    context.logger.info("invocation %d of this sandbox", HANDLED)
    context.step(lambda: outside.do("work", key=event["id"]), name="work")
    context.wait(seconds=5, name="pause")
    return "done"


@durable_execution
def scratch_files(event: dict[str, Any], context: DurableContext) -> str:
    """A step writes a file and reads it in the same step."""

    def convert() -> int:
        path = outside.folder / "scratch.txt"
        path.write_text(event["id"], encoding="utf-8")
        return len(path.read_text(encoding="utf-8"))

    size = context.step(convert, name="convert")
    return context.step(lambda: "done" if size == 3 else "lost", name="finish")


@durable_execution
def nested(event: dict[str, Any], context: DurableContext) -> str:
    """Contexts within contexts, a map within a branch, and names that repeat."""

    def inner(child: DurableContext, item: str, index: int, items: Sequence[str]) -> str:
        child.step(lambda: outside.do("pick", key=f"{item}-{index}"), name="pick")
        return child.run_in_child_context(lambda deep: deep.step(lambda: item, name="pick"), name="pack")

    flat = MapConfig(nesting_type=NestingType.FLAT, max_concurrency=2)
    results: BatchResult[str] = context.map(event["items"], inner, name="items", config=flat)
    virtual = ChildConfig(is_virtual=True)
    context.run_in_child_context(
        lambda child: child.step(lambda: "x", name="in virtual"), name="virtual", config=virtual
    )
    context.wait(seconds=5, name="pause")
    assert results.get_results() == event["items"]
    return "done"


@durable_execution
def handles_interruption(event: dict[str, Any], context: DurableContext) -> str:
    """A step runs once at most; when nobody knows what became of it, somebody is asked."""
    try:
        context.step(lambda: outside.do("charge"), name="charge", config=ONCE)
    except StepError:
        context.step(lambda: outside.do("ticket", key=event["id"]), name="open ticket")
    return "done"


@durable_execution
def tolerates_failures(event: dict[str, Any], context: DurableContext) -> str:
    """Branches may fail, a few at a time."""

    def check(inner: DurableContext, item: str, index: int, items: Sequence[str]) -> str:
        def body() -> str:
            if item == "c":
                raise ValueError("no c")
            return item

        return inner.step(body, name="check", config=NO_RETRY)

    config = MapConfig(max_concurrency=2, completion_config=CompletionConfig.all_completed())
    batch = context.map(event["items"], check, name="checks", config=config)
    assert [item.index for item in batch.failed()] == [2]
    return context.step(lambda: "done", name="finish")


@durable_execution
def threads_in_step(event: dict[str, Any], context: DurableContext) -> str:
    """A step uses threads of its own and has ended them when it returns."""

    def gather() -> int:
        with ThreadPoolExecutor(max_workers=2) as pool:
            return sum(pool.map(len, event["items"]))

    total = context.step(gather, name="gather")
    lock = threading.Lock()
    with lock:
        context.step(lambda: outside.do("sum", key="s", total=total), name="sum")
    return "done"


@durable_execution
def cleans_up(event: dict[str, Any], context: DurableContext) -> str:
    """Something of the invocation is opened and closed, in a finally."""
    opened = ["connection"]
    try:
        context.step(lambda: outside.do("work", key=event["id"]), name="work")
        context.wait(seconds=5, name="pause")
    finally:
        opened.clear()
    return "done"


@durable_step
def reserve(step_context: StepContext, order: dict[str, Any], at: datetime) -> dict[str, Any]:
    step_context.logger.info("reserving at %s", at)
    outside.do("reserve", key=order["id"])
    return {**order, "at": at}


@durable_execution
def same_arguments(event: dict[str, Any], context: DurableContext) -> str:
    """Arguments that are made anew by every invocation, and are equal."""
    at = context.step(lambda: datetime.now(UTC), name="now")
    order = context.step(reserve({"id": event["id"], "items": tuple(event["items"])}, at))
    context.wait(seconds=5, name="pause")
    context.step(reserve({**order, "again": True}, at), name="again")
    return "done"


@durable_execution
def flags_of_the_event(event: dict[str, Any], context: DurableContext) -> str:
    """A replay is only logged; what decides is in the event."""
    if context.is_replaying():
        logger.info("replaying")
    if event.get("express"):
        context.step(lambda: None, name="express")
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    context.wait(seconds=5, name="pause")
    print("shipped", event["id"])
    return "done"


@durable_execution
def two_callbacks(event: dict[str, Any], context: DurableContext) -> str:
    """Two callbacks are open at a time, and answered in any order."""
    names = ("ada", "bob")
    offers = {name: context.create_callback(name=name) for name in names}
    ids = {name: offer.callback_id for name, offer in offers.items()}
    context.step(lambda: outside.do("invite", key="i", ids=ids), name="invite")
    answers = [offers[name].result() for name in names]
    return context.step(lambda: "done" if answers == ["12", "9"] else "wrong", name="compare")


def is_answered_in_any_order(runner: Any) -> None:
    runner.on_callback("ada").succeed("12", after="2d")
    runner.on_callback("bob").succeed("9", after="1d")
    is_done(runner)


@durable_execution
def steps_in_branches(event: dict[str, Any], context: DurableContext) -> str:
    """Branches of several steps on things of their own."""

    def branch(inner: DurableContext, item: str, index: int, items: Sequence[str]) -> int:
        inner.step(lambda: outside.do(f"open {index}", key="o"), name="open")
        inner.step(lambda: outside.add(f"count {index}", 1, key="one"), name="count")
        return index

    assert context.map(event["items"], branch, name="items").get_results() == [0, 1, 2, 3]
    return "done"


HARMLESS = (
    Harmless("time in logs", logs_the_time, is_done),
    Harmless("chance in steps", chance_in_steps, is_done),
    Harmless("fall back", falls_back, is_done),
    Harmless("early completion", ends_early, is_done),
    Harmless("with_retry", retries_a_group, is_done),
    Harmless("retries with jitter", retries_a_step, is_done),
    Harmless("condition", polls, is_done),
    Harmless(
        "invoke",
        invokes,
        is_done,
        execution={"functions": {"price": price, "warehouse": warehouse, "refuse": refuse}},
    ),
    Harmless(
        "heartbeats",
        waits_for_worker,
        is_done_by_worker,
        explore={
            "crashes": "all",
            "interleavings": 20,
            "api_faults": "each",
            "callbacks": ["duplicate", "late"],
        },
    ),
    Harmless("large results", large_results, is_done),
    Harmless("plugin", watched, is_done),
    Harmless("serdes", own_serdes, is_done),
    Harmless("settings", reads_settings, is_done),
    Harmless("warm clients", warm_clients, is_done),
    Harmless("careful sets", careful_sets, is_done),
    Harmless("collected results", collects_results, is_done),
    Harmless("metric", counts_invocations, is_done),
    Harmless("scratch file", scratch_files, is_done),
    Harmless("nested", nested, is_done),
    Harmless("interruption handled", handles_interruption, is_done),
    Harmless("failures tolerated", tolerates_failures, is_done),
    Harmless("threads in a step", threads_in_step, is_done),
    Harmless("clean-up", cleans_up, is_done),
    Harmless("same arguments", same_arguments, is_done),
    Harmless("flags of the event", flags_of_the_event, is_done),
    Harmless("two callbacks", two_callbacks, is_answered_in_any_order),
    Harmless("steps in branches", steps_in_branches, is_done),
)
