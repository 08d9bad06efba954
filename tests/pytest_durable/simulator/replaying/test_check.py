"""The replay check: what it replays, how often, and that it leaves nothing behind."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.errors import NonDeterminismError, UsageError
from pytest_durable.simulator.replaying.check import sample
from pytest_durable.simulator.runner import LocalRunner

Found = Callable[..., str]


def ran(func: Callable[..., Any], input: Any = None) -> LocalRunner:
    runner = corpus.make_runner(durable_execution(func), traces_operations=True)
    runner.run(input)
    return runner


def counted(steps: int) -> tuple[Callable[..., Any], list[str]]:
    """Return a handler of so many steps, and a list to which it adds each time that it and a step runs."""
    ran: list[str] = []

    def handler(event: Any, context: DurableContext) -> None:
        ran.append("handler")
        for number in range(steps):
            context.step(lambda: ran.append("step"), f"step {number}")

    return handler, ran


def test_each_prefix_is_replayed_once_and_no_step_runs() -> None:
    handler, calls = counted(10)
    runner = ran(handler)
    assert calls == ["handler", *["step"] * 10]
    calls.clear()
    runner.check_replay("all")
    assert calls.count("handler") == 11
    assert "step" not in calls


def test_only_the_whole_is_replayed_or_nothing() -> None:
    handler, calls = counted(10)
    runner = ran(handler)
    calls.clear()
    runner.check_replay("off")
    assert calls == []
    runner.check_replay("final")
    assert calls == ["handler"]


def test_state_that_has_changed_since_the_start_is_also_replayed_as_it_was() -> None:
    seen: list[int] = []
    lengths: list[int] = []

    def handler(event: Any, context: DurableContext) -> None:
        lengths.append(len(seen))
        context.step(lambda: seen.append(1), "look")

    runner = ran(handler)
    runner.check_replay("final")
    # The replay over what was there in the beginning adds to a copy of the list.
    assert (seen, lengths) == ([1], [0, 1])


def test_what_has_been_seen_is_not_replayed_again() -> None:
    handler, calls = counted(10)
    seen: dict[str, None] = {}
    ran(handler).check_replay("all", seen)
    assert len(seen) == 11
    calls.clear()
    again = ran(handler)
    calls.clear()
    again.check_replay("all", seen)
    assert calls == []


def test_a_prefix_of_other_results_has_not_been_seen() -> None:
    seen: dict[str, None] = {}

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(lambda: event, "echo")

    ran(handler, 1).check_replay("all", seen)
    before = len(seen)
    ran(handler, 2).check_replay("all", seen)
    assert len(seen) > before


def test_a_long_history_is_sampled_with_its_first_and_last_prefix() -> None:
    assert sample([1, 2, 3], 5) == [1, 2, 3]
    assert sample(list(range(1, 1001)), 5) == [1, 251, 501, 750, 1000]
    handler, calls = counted(300)
    runner = ran(handler)
    calls.clear()
    runner.check_replay("all")
    assert calls.count("handler") == 200


def test_a_mode_that_does_not_exist_and_a_runner_without_traces_are_refused() -> None:
    handler, _ = counted(1)
    with pytest.raises(UsageError, match="one of 'off', 'final', 'all', got 'some'"):
        ran(handler).check_replay("some")
    runner = corpus.make_runner(durable_execution(handler))
    runner.run()
    with pytest.raises(UsageError, match="keeps no trace"):
        runner.check_replay()
    with pytest.raises(UsageError, match="keeps no trace"):
        runner.check_hash_order()


def differs(event: Any, context: DurableContext) -> None:
    """Read all that is perturbed, print, log, and differ."""
    print("printed")
    logging.getLogger("x").error("logged")
    time.time()
    os.environ.get("_X_AMZN_TRACE_ID")
    context.parallel([lambda branch: branch.step(lambda: 1), lambda branch: branch.step(lambda: 2)])
    context.step(lambda: 1, f"{random.random()} {uuid.uuid4()}")


def test_everything_is_as_before_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    runner = ran(differs)
    capsys.readouterr()
    random.seed(5)

    def now() -> tuple[Any, ...]:
        return (
            random.getstate(),
            list(os.environ.items()),
            os.urandom,
            vars(random)["_urandom"],
            sys.stdout,
            sys.stderr,
            sys.getprofile(),
            logging.root.manager.disable,
            time.time,
            time.sleep,
            os._exit,
            [thread for thread in threading.enumerate() if not thread.name.startswith("durable-carrier")],
        )

    before, threads = now(), threading.active_count()
    with pytest.raises(NonDeterminismError):
        runner.check_replay()
    assert now() == before
    assert threading.active_count() == threads
    assert capsys.readouterr() == ("", "")


def test_an_environment_that_a_handler_changes_is_put_back_with_its_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPLAY_A", "1")
    monkeypatch.setenv("REPLAY_B", "2")

    def handler(event: Any, context: DurableContext) -> None:
        os.environ.pop("REPLAY_A", None)
        os.environ["REPLAY_C"] = "3"

    runner = ran(handler)
    monkeypatch.delenv("REPLAY_C")
    monkeypatch.setenv("REPLAY_A", "again")
    before = list(os.environ.items())
    runner.check_replay()
    assert list(os.environ.items()) == before


def test_a_process_exit_or_endless_sleeping_in_a_replay_ends_the_replay_alone(found: Found) -> None:
    runs: list[int] = []

    def exits(event: Any, context: DurableContext) -> None:
        runs.append(1)
        if len(runs) > 1:
            os._exit(3)

    def sleeps(event: Any, context: DurableContext) -> None:
        runs.append(1)
        while len(runs) > 1:
            time.sleep(1)

    assert found(exits) == ""
    runs.clear()
    assert found(sleeps) == ""


def test_every_execution_of_the_runner_is_checked_those_it_invokes_too() -> None:
    @durable_execution
    def invoked(event: Any, context: DurableContext) -> None:
        context.step(lambda: 1, f"at {time.time()}")

    def handler(event: Any, context: DurableContext) -> None:
        context.invoke("other", None)

    runner = corpus.make_runner(durable_execution(handler), traces_operations=True)
    runner.register_durable_function("other", invoked)
    runner.run()
    with pytest.raises(NonDeterminismError, match="On replay invoked calls Step 'at "):
        runner.check_replay()


def test_two_invocations_of_the_run_itself_that_differ_are_reported() -> None:
    numbers = iter([1, 2])

    def handler(event: Any, context: DurableContext) -> None:
        number = next(numbers, 1)
        context.step(lambda: number, "first")
        context.wait(60)

    runner = ran(handler)
    with pytest.raises(NonDeterminismError, match="gives Step 'first' another number"):
        runner.check_replay()


def test_a_handler_that_ends_the_test_is_not_replayed() -> None:
    runs: list[int] = []

    def handler(event: Any, context: DurableContext) -> None:
        runs.append(1)
        pytest.fail("in the handler")

    runner = corpus.make_runner(durable_execution(handler), traces_operations=True)
    with pytest.raises(pytest.fail.Exception, match="in the handler"):
        runner.run()
    runner.check_replay()
    assert len(runs) == 1


def test_an_operation_that_was_not_recorded_may_be_another_in_the_next_invocation(found: Found) -> None:
    dies = iter([True])
    ended: list[bool] = []

    def handler(event: Any, context: DurableContext) -> None:
        if next(dies, False):
            context.step(lambda: os._exit(1), "dies")
        context.step(lambda: ended.append(True), "works")

    assert found(handler) == ""
    assert ended == [True]
