"""What is told of a handler when a test of it has failed by an assertion of its own."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution

FILE = Path("unknown")


def hints_of(handler: Any) -> list[str]:
    with corpus.make_runner(handler, traces_operations=True) as runner:
        runner.start().advance("2h")
        return runner.hints()


@durable_execution
def sound(event: Any, context: DurableContext) -> list[int]:
    results = [context.step(lambda: 3, name="three")]
    context.wait(hours=1, name="hour")
    context.parallel([lambda inner: inner.wait(days=3, name="days")], name="waits")
    return results


def test_there_is_nothing_to_say_of_a_handler_that_waits() -> None:
    assert hints_of(sound) == []


def test_a_runner_without_a_trace_says_nothing() -> None:
    with corpus.make_runner(swallowing) as runner:
        runner.run()
        assert runner.hints() == []


@durable_execution
def swallowing(event: Any, context: DurableContext) -> str:
    try:
        context.wait(hours=1, name="hour")
    except BaseException:
        context.step(lambda: None, name="note")
    return "done"


@durable_execution
def swallowing_at_the_end(event: Any, context: DurableContext) -> str:
    try:
        context.wait(hours=1, name="hour")
    finally:
        return "done"  # noqa: B012


@pytest.mark.parametrize(
    ("handler", "what"),
    [(swallowing, "Step 'note' was called"), (swallowing_at_the_end, "the handler ended")],
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_a_suspension_that_was_caught_is_told(handler: Any, what: str) -> None:
    (hint,) = hints_of(handler)
    assert hint.startswith(f"Wait 'hour' had not ended when {what}: an except clause has caught")
    assert 'context.wait(hours=1, name="hour")' in hint


@durable_execution
def writing(event: Any, context: DurableContext) -> str:
    FILE.read_text(encoding="utf-8")
    with FILE.open("a", encoding="utf-8") as file:
        file.write("once")
    return context.step(lambda: FILE.write_text("in a step", encoding="utf-8"), name="write")


def test_io_outside_steps_is_told_if_it_leaves_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.FILE", tmp_path / "log.txt")
    FILE.write_text("", encoding="utf-8")
    (hint,) = hints_of(writing)
    assert hint.count("log.txt") == 1
    assert 'with FILE.open("a", encoding="utf-8") as file:' in hint


@durable_execution
def summing(event: Any, context: DurableContext) -> int:
    seen: list[int] = []
    written: list[int] = []
    for number in range(3):
        context.step(lambda _, number=number: seen.append(number), name=f"step {number}")
        context.step(lambda _, number=number: written.append(number), name=f"unread {number}")
    context.wait(hours=1)
    return sum(seen)


def test_a_variable_that_steps_write_is_told_once_if_it_is_read() -> None:
    (hint,) = hints_of(summing)
    assert hint.startswith("Variable 'seen' is written in Step 'step 0' and read outside of it")
    assert "return sum(seen)" in hint


@durable_execution
def drawing(event: Any, context: DurableContext) -> None:
    context.step(lambda: None, name=f"step {random.random()}")
    context.wait(hours=5)


def test_a_replay_that_differs_is_told_with_its_cause() -> None:
    (hint,) = hints_of(drawing)
    assert "Cause: random, read outside a step." in hint


@durable_execution
def pricing(event: Any, context: DurableContext) -> int:
    cart = {"total": 0}

    def price(_: Any) -> None:
        cart["total"] = 4

    context.step(price, name="price")
    context.wait(minutes=5, name="user confirms")
    return context.step(lambda _: cart["total"], name="charge")


def test_a_variable_that_one_step_writes_and_another_reads_is_told() -> None:
    (told,) = hints_of(pricing)
    assert told.startswith("Variable 'cart' is written in Step 'price'")
    assert 'return context.step(lambda _: cart["total"], name="charge")' in told
