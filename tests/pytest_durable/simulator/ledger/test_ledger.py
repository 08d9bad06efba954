"""The ledger of effects: what it keeps, what it refuses, and what it demands."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import UTC, datetime
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, StepContext, durable_execution
from durable_sdk.config import Duration, StepConfig, StepSemantics
from durable_sdk.retries import RetryPresets
from pytest_durable.errors import UsageError
from pytest_durable.simulator.ledger.ledger import EffectLedger

AGAIN_AT_ONCE = StepConfig(retry_strategy=RetryPresets.fixed(Duration.from_seconds(1)))


@pytest.fixture
def ledger() -> EffectLedger:
    return EffectLedger()


def run(body: Any, name: str = "charge", config: StepConfig | None = None) -> Any:
    """Run a handler of one step."""

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, name=name, config=config)

    return corpus.make_runner(handler).run()


def refusal(demand: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        demand(*arguments, **options)
    return str(caught.value)


# What it keeps.


def test_an_effect_has_its_place_in_the_run(ledger: EffectLedger) -> None:
    def charge(child: DurableContext) -> None:
        child.step(lambda _: ledger.record("charge", "order-7", amount=30), name="charge")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        context.wait(seconds=5)
        context.run_in_child_context(charge, name="orders")

    corpus.make_runner(handler).run()
    [effect] = ledger.all()
    assert (effect.name, effect.key, effect.data) == ("charge", "order-7", {"amount": 30})
    assert (effect.invocation, effect.attempt, effect.step) == (2, 1, "orders/charge")
    assert effect.at == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert effect.execution


def test_effects_survive_the_death_of_their_sandbox(ledger: EffectLedger) -> None:
    def body(_: StepContext) -> None:
        ledger.record("charge")
        if ledger.count("charge") == 1:
            os._exit(1)

    assert run(body).status == "SUCCEEDED"
    assert [effect.invocation for effect in ledger.all("charge")] == [1, 2]


def test_data_changed_afterwards_does_not_change_what_happened(ledger: EffectLedger) -> None:
    order = {"lines": [1]}
    ledger.record("ship", order=order)
    order["lines"].append(2)
    ledger.all()[0].data["order"]["lines"].append(3)
    assert ledger.all()[0].data == {"order": {"lines": [1]}}


def test_branches_plain_functions_and_the_test_itself_record_too(ledger: EffectLedger) -> None:
    def branch(number: int) -> Any:
        return lambda child: child.step(lambda _: ledger.record("branch", number), name="work")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([branch(1), branch(2)], name="both")
        context.invoke("mailer", {}, name="mail")

    runner = corpus.make_runner(handler)
    runner.register_function("mailer", lambda event, context: ledger.record("mail"))
    runner.run()
    ledger.record("by-hand")
    assert [effect.key for effect in ledger.all("branch")] == [1, 2]
    assert {effect.step for effect in ledger.all("branch")} == {
        "both/parallel-branch-0/work",
        "both/parallel-branch-1/work",
    }
    [mail] = ledger.all("mail")
    assert (mail.function, mail.step, mail.invocation) == ("mailer", None, 1)
    [by_hand] = ledger.all("by-hand")
    assert (by_hand.invocation, by_hand.at) == (None, None)


def test_a_thread_that_a_body_waits_for_records_as_the_body_does(ledger: EffectLedger) -> None:
    async def pay() -> None:
        await asyncio.to_thread(ledger.record, "charge", 1)

    assert run(lambda _: asyncio.run(pay())).status == "SUCCEEDED"
    assert ledger.all()[0].step == "charge"


def test_a_foreign_thread_records_outside_any_execution(ledger: EffectLedger) -> None:
    def body(_: StepContext) -> None:
        thread = threading.Thread(target=ledger.record, args=("charge",))
        thread.start()
        thread.join()

    run(body)
    assert ledger.all()[0].invocation is None


def test_the_dead_record_nothing(ledger: EffectLedger) -> None:
    def body(_: StepContext) -> None:
        try:
            if not ledger.count("charge"):
                ledger.record("charge")
                os._exit(1)
        finally:
            ledger.record("cleanup")

    run(body)
    assert [effect.invocation for effect in ledger.all("cleanup")] == [2]


def test_several_runners_share_a_ledger(ledger: EffectLedger) -> None:
    for number in (1, 2):
        run(lambda _, number=number: ledger.record("charge", number))
    ledger.exactly_once("charge")
    assert [effect.key for effect in ledger] == [1, 2]


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_is_text(ledger: EffectLedger, name: Any) -> None:
    with pytest.raises(UsageError, match="The name of an effect"):
        ledger.record(name)


@pytest.mark.parametrize("key", [True, float("nan"), [1], {"a": 1}, ("a", None), object])
def test_a_key_is_text_a_number_or_a_tuple(ledger: EffectLedger, key: Any) -> None:
    with pytest.raises(UsageError, match=r"key=str\(\.\.\.\)"):
        ledger.record("charge", key)
    assert len(ledger) == 0


def test_data_that_cannot_be_copied_is_refused(ledger: EffectLedger) -> None:
    with pytest.raises(UsageError, match="'charge' cannot be copied"):
        ledger.record("charge", lock=threading.Lock())


def test_a_replay_that_only_checks_records_nothing(ledger: EffectLedger) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        ledger.record("outside")
        context.step(lambda _: ledger.record("inside"), name="step")
        context.wait(seconds=1)

    runner = corpus.make_runner(handler, traces_operations=True)
    runner.run()
    assert (ledger.count("outside"), ledger.count("inside")) == (2, 1)
    runner.check_replay()
    assert (ledger.count("outside"), ledger.count("inside")) == (2, 1)


# What it demands.


def crash_after(ledger: EffectLedger, key: Any = None) -> Any:
    def body(_: StepContext) -> None:
        ledger.record("charge", key() if callable(key) else key, amount=30)
        if ledger.count("charge") == 1:
            os._exit(1)

    return body


def test_a_double_charge_is_told_with_the_crash_between(ledger: EffectLedger) -> None:
    run(crash_after(ledger))
    text = refusal(ledger.exactly_once, "charge")
    assert text.splitlines() == [
        "Effect 'charge' happened 2 times; exactly once was asked for.",
        "  1. invocation 1, attempt 1 of step 'charge', at 2026-01-01 00:00:00, with amount=30",
        "     Invocation 1 crashed at 00:00:00, before the result of step 'charge' was recorded, so the next "
        "one ran the body again.",
        "  2. invocation 2, attempt 1 of step 'charge', at 2026-01-01 00:00:05, with amount=30",
        "What to do: Give the receiver an idempotency key that a repeated attempt finds again, such as the "
        "order's id, and demand durable_effects.idempotent('charge'); or run the step at most once: "
        "StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY).",
    ]
    assert ledger.lines() == [
        "charge x2: invocation 1 attempt 1, invocation 2 attempt 1 (crash between)",
    ]


def test_an_at_most_once_step_that_the_retry_strategy_attempts_again_is_told(ledger: EffectLedger) -> None:
    def charge(_: StepContext) -> None:
        ledger.record("charge")
        if ledger.count("charge") == 1:
            os._exit(1)

    def message(config: StepConfig) -> str:
        run(charge, config=config)
        return refusal(ledger.at_most_once, "charge")

    once = StepSemantics.AT_MOST_ONCE_PER_RETRY
    told, again, advice = message(StepConfig(step_semantics=once)).splitlines()[2:]
    assert told.strip() == (
        "Invocation 1 crashed at 00:00:00 within attempt 1 of step 'charge'. The step runs at most once for "
        "each attempt, so that attempt failed with StepInterruptedError, and the retry strategy, which "
        "repeats that as it does any failure, began attempt 2."
    )
    assert again == "  2. invocation 3, attempt 2 of step 'charge', at 2026-01-01 00:00:07"
    assert advice == (
        "What to do: Let no attempt follow an interrupted one: "
        "StepConfig(retry_strategy=RetryPresets.none(), "
        "step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY), or a strategy that does not retry "
        "StepInterruptedError; or give the receiver an idempotency key that a repeated attempt finds again, "
        "such as the order's id, and demand durable_effects.idempotent('charge')."
    )
    assert ledger.lines() == [
        "charge x2: invocation 1 attempt 1, invocation 3 attempt 2 (interrupted attempt repeated)"
    ]
    ledger.clear()
    run(charge, config=StepConfig(retry_strategy=RetryPresets.none(), step_semantics=once))
    ledger.exactly_once("charge")


def test_a_failed_attempt_between_two_effects_is_told(ledger: EffectLedger) -> None:
    def body(step: StepContext) -> None:
        ledger.record("charge", "order-7")
        if step.attempt == 1:
            raise TimeoutError("no answer")

    run(body, config=AGAIN_AT_ONCE)
    assert "Attempt 1 of step 'charge' failed after it (TimeoutError: no answer)" in refusal(
        ledger.at_most_once, "charge"
    )
    ledger.idempotent("charge")
    assert ledger.lines()[0].endswith("(failed attempt between)")


def test_a_timeout_between_two_effects_is_told(ledger: EffectLedger) -> None:
    import time

    def body(_: StepContext) -> None:
        ledger.record("charge")
        if ledger.count("charge") == 1:
            time.sleep(3600)

    run(body)
    assert "Invocation 1 ran into the function's time limit" in refusal(ledger.exactly_once, "charge")
    assert ledger.lines()[0].endswith("(timeout between)")


def test_one_attempt_that_does_it_twice_is_told(ledger: EffectLedger) -> None:
    def body(_: StepContext) -> None:
        ledger.record("charge")
        ledger.record("charge")

    run(body)
    assert "One attempt of step 'charge' did it twice." in refusal(ledger.exactly_once, "charge")


def test_two_steps_that_do_it_are_told(ledger: EffectLedger) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        context.step(lambda _: ledger.record("mail"), name="first")
        context.step(lambda _: ledger.record("mail"), name="second")

    corpus.make_runner(handler).run()
    text = refusal(ledger.exactly_once, "mail")
    assert "Different operations, steps 'first' and 'second', did it." in text
    assert "give each a key: record('mail', key=...)" in text


def test_two_executions_that_do_it_are_told(ledger: EffectLedger) -> None:
    for _ in range(2):
        run(lambda _: ledger.record("mail"))
    assert "did it, too" in refusal(ledger.exactly_once, "mail")


def test_an_effect_outside_any_step_is_told(ledger: EffectLedger) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        ledger.record("mail")
        context.wait(seconds=1)

    corpus.make_runner(handler).run()
    text = refusal(ledger.exactly_once, "mail")
    assert "invocation 2, outside any step" in text
    assert "each replay of the handler repeats that" in text


def test_what_never_happened_is_not_once(ledger: EffectLedger) -> None:
    ledger.record("charge")
    assert refusal(ledger.exactly_once, "chrage") == (
        "Effect 'chrage' never happened; exactly once was asked for. Effects that did: 'charge'. "
        "Did you mean 'charge'?"
    )
    ledger.at_most_once("chrage")
    ledger.idempotent("chrage")


def test_each_key_counts_by_itself(ledger: EffectLedger) -> None:
    ledger.record("charge", "a")
    ledger.record("charge", "b")
    ledger.exactly_once("charge")
    ledger.record("charge", "b")
    ledger.exactly_once("charge", key="a")
    assert ledger.count("charge", "b") == 2
    assert "of key 'b' happened 2 times" in refusal(ledger.exactly_once, "charge")
    assert "of key 'c' never happened" in refusal(ledger.exactly_once, "charge", key="c")


def test_a_key_made_anew_by_the_repeated_attempt_is_no_key(ledger: EffectLedger) -> None:
    keys = iter(["k-1", "k-2"])
    run(crash_after(ledger, lambda: next(keys)))
    for demand in (ledger.exactly_once, ledger.at_most_once, ledger.idempotent):
        text = refusal(demand, "charge")
        assert "happened again under another key, 'k-1' and then 'k-2'" in text
        assert "Invocation 1 crashed" in text


def test_idempotent_demands_a_key_and_equal_data(ledger: EffectLedger) -> None:
    ledger.record("charge", "a", amount=1)
    ledger.record("charge", "a", amount=1)
    ledger.idempotent("charge")
    ledger.record("charge", "a", amount=2)
    assert "'a' happened with different data" in refusal(ledger.idempotent, "charge")
    ledger.record("mail")
    assert "'mail' happened without a key" in refusal(ledger.idempotent, "mail")


# Doubles, digests.


def test_a_double_records_each_call_that_returns(ledger: EffectLedger) -> None:
    class Gateway:
        @ledger.wrap(key=lambda self, order, amount: order)
        def charge(self, order: str, amount: int = 5) -> str:
            if amount < 0:
                raise ValueError(amount)
            return f"receipt-{order}"

    gateway = Gateway()
    assert gateway.charge("o-1", amount=3) == "receipt-o-1"
    with pytest.raises(ValueError, match="-1"):
        gateway.charge("o-2", amount=-1)
    [effect] = ledger.all()
    assert (effect.name, effect.key, effect.data) == ("charge", "o-1", {"order": "o-1", "amount": 3})


def test_an_asynchronous_double_records_when_it_has_returned(ledger: EffectLedger) -> None:
    @ledger.wrap("mail")
    async def send(to: str) -> str:
        assert not ledger.count("mail")
        return to

    assert asyncio.run(send("ada")) == "ada"
    assert ledger.all("mail")[0].data == {"to": "ada"}


def test_the_digest_tells_order_within_a_key_only() -> None:
    def digest(*effects: tuple[str, str, Any]) -> str:
        ledger = EffectLedger()
        for name, key, data in effects:
            ledger.record(name, key, data=data)
        return ledger.digest()

    a, b, later = ("charge", "a", 1), ("charge", "b", 1), ("charge", "a", 2)
    assert digest(a, b) == digest(b, a)
    assert digest(a, later) != digest(later, a)
    assert digest(a) != digest(a, a)
    assert digest(("x", "k", {"s", "t", "u"})) == digest(("x", "k", {"u", "t", "s"}))
    assert digest(("x", "k", EffectLedger())) == digest(("x", "k", EffectLedger()))
