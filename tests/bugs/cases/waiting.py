"""Callbacks, timeouts, invokes, and errors that are swallowed."""

from __future__ import annotations

import contextlib
from typing import Any

from bugs.case import Bug
from bugs.outside import outside
from durable_sdk import (
    CallbackTimeoutError,
    DurableContext,
    InvokeError,
    StepError,
    WithRetryConfig,
    durable_execution,
    with_retry,
)
from durable_sdk.config import CallbackConfig, Duration, StepConfig, StepSemantics, WaitForCallbackConfig
from durable_sdk.retries import RetryPresets

ONCE = StepConfig(retry_strategy=RetryPresets.none(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
TWO_DAYS = WaitForCallbackConfig(timeout=Duration.from_days(2))
ORDER = {"id": "o-1"}


# A submitter that asks again.


@durable_execution
def asks_twice(event: dict[str, Any], context: DurableContext) -> str:
    def ask(callback_id: str, submitter_context: Any) -> None:
        outside.do("mail", to="manager", callback=callback_id)

    return context.wait_for_callback(ask, name="approval", config=TWO_DAYS)


@durable_execution
def asks_once(event: dict[str, Any], context: DurableContext) -> str:
    def ask(callback_id: str, submitter_context: Any) -> None:
        outside.do("mail", key=callback_id, to="manager")

    return context.wait_for_callback(ask, name="approval", config=TWO_DAYS)


def is_asked_once(runner: Any) -> None:
    runner.on_callback("approval").succeed("yes", after="1h")
    assert runner.run(input=ORDER).raise_for_status().value == "yes"
    outside.ledger.exactly_once("mail")


# Goods that stay reserved when the answer is late.


@durable_execution
def late_answer_strands(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("reserve", key=event["id"]), name="reserve")
    context.wait_for_callback(lambda callback_id, _: None, name="payment", config=TWO_DAYS)
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


@durable_execution
def late_answer_releases(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("reserve", key=event["id"]), name="reserve")
    try:
        context.wait_for_callback(lambda callback_id, _: None, name="payment", config=TWO_DAYS)
    except CallbackTimeoutError:
        context.step(lambda: outside.do("release", key=event["id"]), name="release")
        return "released"
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


def goods_move(runner: Any) -> None:
    runner.on_callback("payment").succeed("paid", after="1d")
    result = runner.run(input=ORDER)
    moved = outside.ledger.count("ship") + outside.ledger.count("release")
    assert moved == 1, f"goods are stranded: {result.error}"


# A webhook that finds the order, or does not.


@durable_execution
def answer_too_early(event: dict[str, Any], context: DurableContext) -> str:
    payment = context.create_callback(name="payment", config=CallbackConfig(timeout=Duration.from_days(1)))
    context.step(lambda: outside.do("send link", key=payment.callback_id), name="send link")
    context.step(lambda: outside.write("pending", event["id"]), name="register")
    return payment.result()


@durable_execution
def answer_at_any_time(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.write("pending", event["id"]), name="register")
    payment = context.create_callback(name="payment", config=CallbackConfig(timeout=Duration.from_days(1)))
    context.step(lambda: outside.do("send link", key=payment.callback_id), name="send link")
    return payment.result()


def payment_finds_order(runner: Any) -> None:
    def webhook(callback_id: str) -> str:
        return f"paid {outside.table.get('pending', 'an unknown order')}"

    runner.on_callback("payment").succeed(webhook, after="1h")
    assert runner.run(input=ORDER).raise_for_status().value == "paid o-1"


# An answer for which nobody waits for ever.


@durable_execution
def waits_for_ever(event: dict[str, Any], context: DurableContext) -> str:
    return context.wait_for_callback(lambda callback_id, _: None, name="signature")


@durable_execution
def waits_a_while(event: dict[str, Any], context: DurableContext) -> str:
    try:
        return context.wait_for_callback(lambda callback_id, _: None, name="signature", config=TWO_DAYS)
    except CallbackTimeoutError:
        return "not signed"


def comes_to_an_end(runner: Any) -> None:
    runner.on_callback("signature").succeed("signed", after="1h")
    assert runner.run(input=ORDER).raise_for_status().value in ("signed", "not signed")


# A worker whose heartbeats stop.


@durable_execution
def heartbeat_missed(event: dict[str, Any], context: DurableContext) -> str:
    config = WaitForCallbackConfig(heartbeat_timeout=Duration.from_minutes(1))
    return context.wait_for_callback(lambda callback_id, _: None, name="render", config=config)


@durable_execution
def heartbeat_watched(event: dict[str, Any], context: DurableContext) -> str:
    config = WaitForCallbackConfig(heartbeat_timeout=Duration.from_minutes(1))
    try:
        return context.wait_for_callback(lambda callback_id, _: None, name="render", config=config)
    except CallbackTimeoutError:
        return "given up"


def is_rendered(runner: Any) -> None:
    runner.on_callback("render").heartbeat(every="30s", times=3).succeed("film")
    assert runner.run(input=ORDER).raise_for_status().value in ("film", "given up")


# An error that is swallowed, whatever it was.


@durable_execution
def swallows_failure(event: dict[str, Any], context: DurableContext) -> str:
    with contextlib.suppress(Exception):
        context.step(lambda: outside.do("charge"), name="charge", config=ONCE)
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


@durable_execution
def minds_failure(event: dict[str, Any], context: DurableContext) -> str:
    try:
        context.step(lambda: outside.do("charge"), name="charge", config=ONCE)
    except StepError:
        return "to be looked into"
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


def nothing_is_shipped_unpaid(runner: Any) -> None:
    runner.run(input=ORDER)
    shipped, charged = outside.ledger.count("ship"), outside.ledger.count("charge")
    assert shipped <= charged, "shipped without a charge"


@durable_execution
def swallows_suspension(event: dict[str, Any], context: DurableContext) -> str:
    try:
        answer = context.wait_for_callback(lambda callback_id, _: None, name="approval", config=TWO_DAYS)
    except:  # noqa: E722 - the bug
        answer = "refused"
    return context.step(lambda: answer, name="note")


@durable_execution
def lets_suspension_pass(event: dict[str, Any], context: DurableContext) -> str:
    try:
        answer = context.wait_for_callback(lambda callback_id, _: None, name="approval", config=TWO_DAYS)
    except CallbackTimeoutError:
        answer = "refused"
    return context.step(lambda: answer, name="note")


def is_answered(runner: Any) -> None:
    runner.on_callback("approval").succeed("granted", after="1h")
    assert runner.run(input=ORDER).raise_for_status().value == "granted"


# An invoke that is repeated, of a function that charges.


@durable_execution
def pay(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("charge", key=event.get("key")), name="charge")
    context.step(lambda: outside.do("receipt"), name="receipt", config=ONCE)
    return "paid"


TWICE = WithRetryConfig(retry_strategy=RetryPresets.fixed(Duration.from_minutes(1)))


@durable_execution
def invokes_again(event: dict[str, Any], context: DurableContext) -> str:
    def attempt(inner: DurableContext, number: int) -> str:
        return inner.invoke("pay", {"order": event["id"]}, name="pay")

    return with_retry(context, attempt, TWICE, name="payment")


@durable_execution
def invokes_with_key(event: dict[str, Any], context: DurableContext) -> str:
    def attempt(inner: DurableContext, number: int) -> str:
        return inner.invoke("pay", {"order": event["id"], "key": event["id"]}, name="pay")

    return with_retry(context, attempt, TWICE, name="payment")


def is_paid_once(runner: Any) -> None:
    assert runner.run(input=ORDER).raise_for_status().value == "paid"
    outside.ledger.exactly_once("charge")


# An invoke that fails, and what was done before it stays.


@durable_execution
def invoke_failure_strands(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("reserve", key=event["id"]), name="reserve")
    context.invoke("pay", {"order": event["id"], "key": event["id"]}, name="pay")
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


@durable_execution
def invoke_failure_releases(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("reserve", key=event["id"]), name="reserve")
    try:
        context.invoke("pay", {"order": event["id"], "key": event["id"]}, name="pay")
    except InvokeError:
        context.step(lambda: outside.do("release", key=event["id"]), name="release")
        return "released"
    context.step(lambda: outside.do("ship", key=event["id"]), name="ship")
    return "shipped"


def invoked_goods_move(runner: Any) -> None:
    result = runner.run(input=ORDER)
    moved = outside.ledger.count("ship") + outside.ledger.count("release")
    assert moved == 1, f"goods are stranded: {result.error}"


# An execution whose time is just enough, unless something has to be repeated.


@durable_execution
def no_time_to_spare(event: dict[str, Any], context: DurableContext) -> str:
    context.wait(seconds=5, name="first")
    context.step(lambda: outside.do("work", key=event["id"]), name="work")
    context.wait(seconds=5, name="second")
    return context.step(lambda: "done", name="finish")


@durable_execution
def time_to_spare(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("work", key=event["id"]), name="work")
    context.wait(seconds=1, name="second")
    return context.step(lambda: "done", name="finish")


def ends_in_time(runner: Any) -> None:
    assert runner.run(input=ORDER).raise_for_status().value == "done"


CALLBACKS = {"callbacks": ["duplicate", "late", "early", "never"]}

BUGS = (
    Bug("asks twice", asks_twice, asks_once, is_asked_once, ("mail", "crash(", "submitter")),
    Bug(
        "late answer",
        late_answer_strands,
        late_answer_releases,
        goods_move,
        ("goods are stranded", "timed out", "late_callback("),
        explore={"callbacks": ["late"]},
    ),
    Bug(
        "early answer",
        answer_too_early,
        answer_at_any_time,
        payment_finds_order,
        ("unknown order", "early_callback("),
        explore={"callbacks": ["early"]},
    ),
    Bug(
        "no timeout",
        waits_for_ever,
        waits_a_while,
        comes_to_an_end,
        ("signature", "timeout", "lost_callback("),
        explore={"callbacks": ["never"]},
    ),
    Bug(
        "missed heartbeat",
        heartbeat_missed,
        heartbeat_watched,
        is_rendered,
        ("heartbeat", "late_callback("),
        explore={"callbacks": ["late"]},
    ),
    Bug(
        "failure swallowed",
        swallows_failure,
        minds_failure,
        nothing_is_shipped_unpaid,
        ("shipped without a charge", "crash(", "'charge'"),
    ),
    Bug(
        "suspension swallowed",
        swallows_suspension,
        lets_suspension_pass,
        is_answered,
        ("approval",),
        passes_alone=False,
    ),
    Bug(
        "invoke repeated",
        invokes_again,
        invokes_with_key,
        is_paid_once,
        ("charge", "crash(", "receipt"),
        execution={"functions": {"pay": pay}},
    ),
    Bug(
        "invoke fails",
        invoke_failure_strands,
        invoke_failure_releases,
        invoked_goods_move,
        ("goods are stranded", "crash(", "receipt"),
        execution={"functions": {"pay": pay}},
    ),
    Bug(
        "no time to spare",
        no_time_to_spare,
        time_to_spare,
        ends_in_time,
        ("TIMED_OUT", "crash("),
        execution={"execution_timeout": "12s"},
    ),
)
