"""The SDK's seam under simulation: virtual time, seeded chance, tasks and signals of one invocation."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk._runtime import OperationCall
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.invocation import Sandbox
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.turns import SandboxKilled, Task, Turns

START = 1_000_000


class Bench:
    """A runtime over a queue of turns, and nothing else."""

    def __init__(self) -> None:
        self.clock = Clock(START)
        self.queue: EventQueue[Task] = EventQueue()
        self.turns = Turns(30)
        self.turns.attach(self._next)
        self.sandbox = Sandbox("function")
        self.runtime = SimulatedRuntime(self.clock, self.turns, self._schedule, Random(7), self.sandbox)
        self.seen: list[Any] = []

    def _schedule(self, due: int, task: Task) -> Any:
        return self.queue.push(due, Priority.WORK, task, task.sandbox)

    def _next(self) -> Task | None:
        head = self.queue.head()
        if head is None:
            return None
        self.queue.remove(head)
        self.clock.move_to(head.due)
        return head.item

    def run(self, body: Callable[[], None]) -> None:
        self.runtime.spawn(body, "first")
        self.turns.drive(inline=False)

    def note(self, what: object) -> None:
        self.seen.append((what, self.clock.now - START))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_time_is_that_of_the_clock(bench: Bench) -> None:
    assert bench.runtime.now() == START
    bench.clock.move_to(START + 5)
    assert bench.runtime.now() == START + 5


def test_chance_is_that_of_the_stream(bench: Bench) -> None:
    expected = Random(7)
    assert [bench.runtime.random() for _ in range(5)] == [expected.random() for _ in range(5)]


def test_sleeping_takes_exactly_the_virtual_time(bench: Bench) -> None:
    def body() -> None:
        bench.runtime.sleep(2.5)
        bench.note("awake")
        bench.runtime.sleep(0)
        bench.note("at once")
        bench.runtime.sleep(-1)
        bench.note("never back")

    bench.run(body)
    assert bench.seen == [("awake", 2_500_000), ("at once", 2_500_000), ("never back", 2_500_000)]


def test_tasks_begin_in_the_order_in_which_they_were_spawned(bench: Bench) -> None:
    def body() -> None:
        for name in "abc":
            bench.runtime.spawn(lambda name=name: bench.note(name), name)
        bench.note("spawner")

    bench.run(body)
    assert [what for what, _ in bench.seen] == ["spawner", "a", "b", "c"]


def test_a_delayed_task_begins_after_its_delay(bench: Bench) -> None:
    bench.run(lambda: bench.runtime.spawn(lambda: bench.note("late"), "late", 0.1))
    assert bench.seen == [("late", 100_000)]


def test_a_signal_wakes_the_one_who_waits(bench: Bench) -> None:
    signal = bench.runtime.signal()

    def setter() -> None:
        bench.runtime.sleep(3)
        signal.set()
        signal.set()

    def body() -> None:
        bench.runtime.spawn(setter, "setter")
        bench.note(signal.wait())
        bench.note(signal.wait())

    bench.run(body)
    assert bench.seen == [(True, 3_000_000), (True, 3_000_000)]


def test_a_signal_that_is_not_set_in_time_answers_false(bench: Bench) -> None:
    signal = bench.runtime.signal()
    bench.run(lambda: bench.note(signal.wait(START + 4)))
    assert bench.seen == [(False, 4)]


@given(set_at=st.integers(0, 6), until=st.integers(0, 6))
def test_a_signal_wakes_once_whichever_comes_first(set_at: int, until: int) -> None:
    bench = Bench()
    signal = bench.runtime.signal()

    def setter() -> None:
        bench.runtime.sleep(set_at / 1_000_000)
        signal.set()

    def body() -> None:
        bench.runtime.spawn(setter, "setter")
        answer = signal.wait(START + until)
        bench.note(answer)
        # A second wake-up of this task would cut this sleep short.
        bench.runtime.sleep(10)
        bench.note("slept")

    bench.run(body)
    (answer, woke_at), (_, slept_until) = bench.seen
    assert woke_at == min(set_at, until)
    assert slept_until == woke_at + 10_000_000
    assert answer is (set_at < until) or set_at == until


def test_closing_waits_for_every_task_and_drops_those_that_are_delayed(bench: Bench) -> None:
    def sleeper() -> None:
        bench.runtime.sleep(5)
        bench.runtime.spawn(lambda: bench.note("grandchild"), "grandchild")
        bench.note("child")

    def body() -> None:
        runtime.spawn(sleeper, "sleeper")
        runtime.spawn(lambda: bench.note("delayed"), "delayed", 60)
        runtime.close()
        bench.note("closed")

    # The closer is the handler's own task, which the runtime did not spawn.
    runtime = bench.runtime
    bench.queue.push(START, Priority.WORK, Task("handler", body, bench.sandbox), bench.sandbox)
    bench.turns.drive(inline=False)
    assert [what for what, _ in bench.seen] == ["child", "grandchild", "closed"]
    assert bench.clock.now == START + 5_000_000


def test_a_delayed_task_that_has_begun_is_waited_for(bench: Bench) -> None:
    def late() -> None:
        bench.runtime.sleep(10)
        bench.note("late ended")

    def body() -> None:
        bench.runtime.spawn(late, "late", 1)
        bench.runtime.sleep(2)
        bench.runtime.close()
        bench.note("closed")

    bench.queue.push(START, Priority.WORK, Task("handler", body, bench.sandbox), bench.sandbox)
    bench.turns.drive(inline=False)
    assert bench.seen == [("late ended", 11_000_000), ("closed", 11_000_000)]


@pytest.mark.parametrize(
    "call",
    [
        lambda runtime: runtime.now(),
        lambda runtime: runtime.random(),
        lambda runtime: runtime.spawn(lambda: None, "x"),
        lambda runtime: runtime.sleep(1),
        lambda runtime: runtime.close(),
        lambda runtime: runtime.signal().wait(),
        lambda runtime: runtime.demand_alive(),
    ],
)
def test_in_a_dead_sandbox_every_call_raises(bench: Bench, call: Callable[[Any], Any]) -> None:
    bench.sandbox.closed = True
    with pytest.raises(SandboxKilled):
        call(bench.runtime)
    with bench.runtime.lock():
        pass


def test_every_task_is_listed(bench: Bench) -> None:
    bench.run(lambda: bench.runtime.spawn(lambda: None, "second"))
    assert [task.name for task in bench.runtime.tasks] == ["first", "second"]
    assert all(task.finished for task in bench.runtime.tasks)


def called(path: tuple[str, ...], *, has_ended: bool) -> OperationCall:
    status = "SUCCEEDED" if has_ended else None
    return OperationCall("id", "STEP", "Step", path[-1], None, None, 1, path, status, has_ended, {})


def test_a_watcher_is_told_nothing_of_a_sandbox_that_has_died(bench: Bench) -> None:
    class Watcher:
        def operation_called(self, call: OperationCall) -> None:
            bench.note(call.path)

        def body_ended(self, operation_id: str | None, error: BaseException | None) -> None:
            bench.note(operation_id)

    bench.runtime.watcher = Watcher()
    bench.runtime.operation_called(called(("charge",), has_ended=False))
    bench.runtime.body_ended("id", None)
    bench.sandbox.closed = True
    bench.runtime.body_ended("id", None)
    with pytest.raises(SandboxKilled):
        bench.runtime.operation_called(called(("ship",), has_ended=False))
    assert bench.seen == [(("charge",), 0), ("id", 0)]
