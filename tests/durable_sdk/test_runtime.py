"""ThreadRuntime: real threads, real time, and nothing left behind when it closes."""

from __future__ import annotations

import random
import threading
import time
from contextvars import ContextVar

from durable_sdk_fakes import Running, wait_for

from durable_sdk import _runtime
from durable_sdk._runtime import ThreadRuntime

FAR_FUTURE = 4_000_000_000_000_000
variable: ContextVar[str] = ContextVar("variable", default="unset")


def test_time_is_the_machines() -> None:
    before = time.time_ns() // 1000
    now = ThreadRuntime().now()
    assert before <= now <= time.time_ns() // 1000


def test_chance_is_the_process_generators() -> None:
    state = random.getstate()
    drawn = [ThreadRuntime().random() for _ in range(3)]
    random.setstate(state)
    assert drawn == [random.random() for _ in range(3)]
    assert all(0 <= each < 1 for each in drawn)


def test_a_signal_wakes_the_task_that_waits() -> None:
    runtime = ThreadRuntime()
    signal = runtime.signal()
    waiting = Running(signal.wait)
    signal.set()
    assert waiting.result() is True


def test_a_signal_stays_set() -> None:
    signal = ThreadRuntime().signal()
    signal.set()
    assert signal.wait()
    assert signal.wait(0)


def test_waiting_for_a_signal_ends_when_its_time_has_come() -> None:
    runtime = ThreadRuntime()
    assert runtime.signal().wait(runtime.now() - 1_000_000) is False
    assert runtime.signal().wait(runtime.now() + 1_000) is False


def test_a_time_far_ahead_does_not_overflow() -> None:
    signal = ThreadRuntime().signal()
    waiting = Running(lambda: signal.wait(FAR_FUTURE))
    signal.set()
    assert waiting.result() is True


def test_a_task_sees_a_copy_of_the_context_variables() -> None:
    runtime = ThreadRuntime()
    seen: list[str] = []

    def body() -> None:
        seen.append(variable.get())
        variable.set("changed by the task")

    token = variable.set("set by the caller")
    runtime.spawn(body, "task")
    Running(runtime.close).result()
    assert seen == ["set by the caller"]
    assert variable.get() == "set by the caller"
    variable.reset(token)


def test_a_task_has_a_thread_of_that_name() -> None:
    runtime = ThreadRuntime()
    names: list[str] = []
    runtime.spawn(lambda: names.append(threading.current_thread().name), "branch-7")
    Running(runtime.close).result()
    assert names == ["branch-7"]


def test_closing_waits_for_tasks_and_for_those_that_they_start() -> None:
    runtime = ThreadRuntime()
    go = threading.Event()
    ended: list[str] = []

    def outer() -> None:
        wait_for(go)
        runtime.spawn(lambda: ended.append("inner"), "inner")
        ended.append("outer")

    runtime.spawn(outer, "outer")
    closing = Running(runtime.close)
    go.set()
    closing.result()
    assert sorted(ended) == ["inner", "outer"]


def test_closing_drops_delayed_tasks() -> None:
    runtime = ThreadRuntime()
    ran: list[str] = []
    runtime.spawn(lambda: ran.append("late"), "late", delay_seconds=3600)
    Running(runtime.close).result()
    assert ran == []


def test_a_delayed_task_runs_when_its_time_has_come() -> None:
    runtime = ThreadRuntime()
    ran = threading.Event()
    runtime.spawn(ran.set, "soon", delay_seconds=0.001)
    wait_for(ran)
    Running(runtime.close).result()


def test_user_code_outside_any_invocation_draws_from_the_process() -> None:
    state = random.getstate()
    drawn = _runtime.random()
    random.setstate(state)
    assert drawn == random.random()


def test_closing_while_tasks_start_tasks_joins_them_all() -> None:
    for _ in range(300):
        runtime = ThreadRuntime()
        ended: list[int] = []

        def parent(runtime: ThreadRuntime = runtime, ended: list[int] = ended) -> None:
            for number in range(3):
                runtime.spawn(lambda number=number: ended.append(number), f"child-{number}")

        runtime.spawn(parent, "parent")
        runtime.close()
        assert sorted(ended) == [0, 1, 2]


def test_the_body_of_a_step_is_its_own() -> None:
    def body(attempt: int) -> int:
        return attempt

    assert ThreadRuntime().step_body(("orders", "charge"), body) is body
    assert not ThreadRuntime().replaces_steps
