"""One task runs at a time, and the turn goes to whom the loop says."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import pytest

from pytest_durable.simulator.turns import SandboxKilled, Task, Turns, close_idle_carriers


@dataclass
class Sandbox:
    name: str = "function"
    closed: bool = False


class Rota:
    """A loop that gives turns in the order in which they were asked for."""

    def __init__(self) -> None:
        self.turns = Turns(30)
        self.waiting: deque[Task] = deque()
        self.turns.attach(lambda: self.waiting.popleft() if self.waiting else None)
        self.sandbox = Sandbox()
        self.said: list[str] = []

    def task(self, name: str, body: Callable[[], None]) -> Task:
        task = Task(name, body, self.sandbox)
        self.waiting.append(task)
        return task

    def chatter(self, name: str, times: int) -> Task:
        """A task that says its name and parks, again and again."""

        def body() -> None:
            for number in range(times):
                self.said.append(f"{name}{number}")
                self.waiting.append(self.turns.current)
                self.turns.park()

        return self.task(name, body)


@pytest.fixture
def rota() -> Iterator[Rota]:
    yield Rota()
    close_idle_carriers()


@pytest.mark.parametrize("inline", [True, False])
def test_turns_alternate_as_the_loop_says(rota: Rota, inline: bool) -> None:
    tasks = [rota.chatter("a", 3), rota.chatter("b", 2)]
    rota.turns.drive(inline=inline)
    assert rota.said == ["a0", "b0", "a1", "b1", "a2"]
    assert all(task.finished for task in tasks)


def test_a_lone_inline_task_takes_no_other_thread(rota: Rota) -> None:
    close_idle_carriers()
    before = threading.active_count()
    rota.chatter("a", 50)
    rota.turns.drive(inline=True)
    assert len(rota.said) == 50
    assert threading.active_count() <= before


def test_an_inline_task_is_carried_by_the_calling_thread(rota: Rota) -> None:
    carriers: list[int] = []
    rota.task("inline", lambda: carriers.append(threading.get_ident()))
    rota.turns.drive(inline=True)
    rota.task("elsewhere", lambda: carriers.append(threading.get_ident()))
    rota.turns.drive(inline=False)
    assert carriers[0] == threading.get_ident()
    assert carriers[1] != threading.get_ident()


def test_each_task_keeps_its_thread_and_its_thread_locals(rota: Rota) -> None:
    local = threading.local()
    seen: list[tuple[str, int]] = []

    def body(name: str) -> None:
        local.name = name
        for _ in range(3):
            rota.waiting.append(rota.turns.current)
            rota.turns.park()
            seen.append((local.name, threading.get_ident()))

    for name in "abc":
        rota.task(name, lambda name=name: body(name))
    rota.turns.drive(inline=False)
    assert len(seen) == 9
    assert len({ident for _, ident in seen}) == 3
    assert len(set(seen)) == 3


def test_a_task_sees_the_context_variables_of_where_it_was_made(rota: Rota) -> None:
    variable = ContextVar("variable", default="none")
    seen: list[str] = []
    variable.set("made here")
    rota.task("reader", lambda: (seen.append(variable.get()), variable.set("changed"))[0])
    variable.set("afterwards")
    rota.turns.drive(inline=False)
    assert seen == ["made here"]
    assert variable.get() == "afterwards"


def test_a_task_that_has_ended_holds_nothing_of_what_it_ran(rota: Rota) -> None:
    class State:
        """Something that a body uses."""

    state = State()
    held = weakref.ref(state)
    task = Task("a", lambda state=state: None, rota.sandbox)  # type: ignore[misc]
    del state
    assert held() is not None
    task.run()
    assert held() is None


def test_only_one_task_runs_at_a_time(rota: Rota) -> None:
    running = 0
    most = 0

    def body() -> None:
        nonlocal running, most
        for _ in range(20):
            running += 1
            most = max(most, running)
            running -= 1
            rota.waiting.append(rota.turns.current)
            rota.turns.park()

    for index in range(8):
        rota.task(str(index), body)
    rota.turns.drive(inline=True)
    assert most == 1


def test_a_task_in_a_dead_sandbox_is_unwound_where_it_is_parked(rota: Rota) -> None:
    unwound: list[str] = []

    def body() -> None:
        try:
            rota.turns.park()
        except SandboxKilled:
            unwound.append("killed")
            raise
        finally:
            unwound.append("finally")

    task = rota.task("victim", body)
    rota.turns.drive(inline=False)
    assert not task.finished
    rota.sandbox.closed = True
    rota.waiting.append(task)
    rota.turns.drive(inline=False)
    assert unwound == ["killed", "finally"]
    assert task.finished


def test_handler_code_cannot_catch_its_death_as_an_exception() -> None:
    assert not issubclass(SandboxKilled, Exception)


def test_threads_are_used_again(rota: Rota) -> None:
    before = threading.active_count()
    for _ in range(20):
        rota.chatter("a", 1)
        rota.turns.drive(inline=False)
    assert threading.active_count() <= before + 1


def test_closing_ends_the_idle_threads(rota: Rota) -> None:
    close_idle_carriers()
    before = set(threading.enumerate())
    for index in range(3):
        rota.chatter(str(index), 2)
    rota.turns.drive(inline=False)
    carriers = [thread for thread in threading.enumerate() if thread not in before]
    assert carriers
    close_idle_carriers()
    for carrier in carriers:
        carrier.join(timeout=10)
        assert not carrier.is_alive()
