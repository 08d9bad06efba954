"""Turns: exactly one task runs at a time; the others are parked.

A task that parks runs the loop itself until the loop gives somebody the turn. If that is the task itself it
simply goes on, so a sequential handler never switches threads. Otherwise the turn passes directly from
thread to thread, like a baton.

Tasks are carried by real threads, so thread-locals, identities and stacks are as in production. The first
task of an invocation is carried by the thread of the test itself where that is possible.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import ClassVar, NoReturn, Protocol

from pytest_durable.errors import DurableStuckError, UsageError
from pytest_durable.simulator.affinity import CorePin
from pytest_durable.simulator.stalls import Standing, line_of, parked_lines, standing
from pytest_durable.simulator.unwinding import Interruptions
from pytest_durable.simulator.unwinding import SandboxKilled as SandboxKilled

# How long a task that has the turn may stand at a lock, in real seconds, where all others are parked.
_LOOK_SECONDS = 1.0

# How long a task may take to unwind when a run is broken off, in real seconds.
_UNWIND_SECONDS = 1.0

_end_process = os._exit

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Sandbox(Protocol):
    """What a task lives in: one invocation."""

    @property
    def name(self) -> str:
        """Tells it from those of other executions and functions, in the same way in every run."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it has died or ended."""
        ...

    def close(self) -> None:
        """Let it be dead."""
        ...


class Task:
    """Something that runs when it has the turn, in ``context`` or else a copy of the caller's."""

    __slots__ = ("_baton", "_body", "_context", "finished", "name", "sandbox", "started", "thread_id")

    def __init__(
        self, name: str, body: Callable[[], None], sandbox: Sandbox, context: Context | None = None
    ) -> None:
        self.name = name
        self.sandbox = sandbox
        self.started = False
        self.finished = False
        self.thread_id: int | None = None
        self._body: Callable[[], None] | None = body
        self._context: Context | None = context or copy_context()
        self._baton = threading.Lock()
        self._baton.acquire()

    def run(self) -> None:
        """Run the body to its end, once, on this thread; the sandbox dying is one way to end."""
        assert self._body is not None
        assert self._context is not None
        self.started = True
        self.thread_id = threading.get_ident()
        try:
            self._context.run(self._body)
        except SandboxKilled:
            pass
        finally:
            self.finished = True
            # They hold all of an invocation, and by way of it the task.
            self._body = self._context = None

    def pass_baton(self) -> None:
        """Let the task, which waits for the baton or is about to, go on."""
        self._baton.release()

    def await_baton(self, timeout_seconds: float = -1) -> bool:
        """Block this thread until somebody passes the baton to the task that it carries.

        Returns whether anybody did within ``timeout_seconds`` of real time; -1 is no limit.
        """
        return self._baton.acquire(timeout=timeout_seconds)


class _Carrier:
    """A thread that carries one task after another; reused, since starting a thread costs 50 microseconds."""

    idle: ClassVar[list[_Carrier]] = []

    def __init__(self) -> None:
        self.core: int | None = None
        self._job: Callable[[], None] | None = None
        self._ready = threading.Lock()
        self._ready.acquire()
        threading.Thread(target=self._work, name="durable-carrier", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._ready.acquire()
            if self._job is None:
                return
            self._job()

    def carry(self, job: Callable[[], None] | None) -> None:
        """Run ``job`` on this thread; None ends the thread."""
        self._job = job
        self._ready.release()


def close_idle_carriers(keep: int = 0) -> None:
    """End the threads that carry nothing, but ``keep`` of them."""
    while len(_Carrier.idle) > keep:
        _Carrier.idle.pop().carry(None)


_driving = threading.RLock()


@contextmanager
def only_driver() -> Iterator[None]:
    """Let the calling thread be the only one that runs simulations: clocks and exits are the process's.

    Raises:
        UsageError: another thread runs one now.
    """
    if not _driving.acquire(blocking=False):
        raise UsageError(
            "Another thread runs a simulation now, and both would change the clock of this process. "
            "Run them one after the other, or in processes of their own (pytest -n)."
        )
    try:
        yield
    finally:
        _driving.release()


class _Home:
    name = "test"
    closed = False

    def close(self) -> None:
        """Nothing: the test goes on."""


class Turns:
    """Gives turns to tasks, as the loop says.

    ``stall_seconds`` is how long, in real time, the thread of the test waits for a task that neither ends
    nor parks, such as one that blocks on a lock which only a parked task would release.
    """

    def __init__(self, stall_seconds: float) -> None:
        self._next_task: Callable[[], Task | None] = lambda: None
        self._stall_seconds = stall_seconds
        self._driver = Task("driver", lambda: None, _Home())
        self._driver.started = True
        self._driver.thread_id = threading.get_ident()
        self._pin = CorePin()
        self._switches = 0
        self._abandoned = False
        self._stalled: DurableStuckError | None = None
        self._misuse: UsageError | DurableStuckError | None = None
        self._live_tasks: Callable[[], Iterable[Task]] = tuple
        self._unwound = threading.Semaphore(0)
        self._interruptions = Interruptions(Task.run.__code__)
        self.current = self._driver
        self.is_inline = False
        """Whether the driver's thread carries a task, so that the run cannot stop yet."""

    def attach(
        self, next_task: Callable[[], Task | None], live_tasks: Callable[[], Iterable[Task]] = tuple
    ) -> None:
        """Set the loop: it runs until somebody is to have the turn, and returns who.

        It returns None when the run is to stop; then the turn goes back to the code that called `drive`.
        ``live_tasks`` returns those that have begun and not ended.
        """
        self._next_task, self._live_tasks = next_task, live_tasks

    def drive(self, *, inline: bool) -> None:
        """Give turns until the run stops. With ``inline`` the calling thread may carry a new task itself."""
        self._driver.thread_id = threading.get_ident()
        try:
            while (task := self._next_task()) is not None:
                if inline and not task.started:
                    self.current, self.is_inline = task, True
                    task.run()
                    self.current, self.is_inline = self._driver, False
                    self._interruptions.end()
                    if self._stalled is not None:
                        raise self._stalled
                else:
                    self._switch(self._driver, task)
        except BaseException:
            # Ctrl-C, say: whoever has the turn now must not go on beside the test.
            self._abandoned = True
            raise
        finally:
            self._pin.release()

    def park(self) -> None:
        """Give up the turn; return when the loop gives it back.

        Raises:
            SandboxKilled: the sandbox of the task has died meanwhile.
        """
        if self._abandoned:
            raise SandboxKilled
        me = self.current
        task = self._next_task() or self._driver
        if task is not me:
            self._switch(me, task)
        if me.sandbox.closed or self._abandoned:
            raise SandboxKilled

    @property
    def abandoned(self) -> bool:
        """Whether a run was broken off, so that there must not be another."""
        return self._abandoned

    @property
    def has_turn(self) -> bool:
        """Whether the calling thread carries the task that has the turn."""
        return threading.get_ident() == self.current.thread_id

    @property
    def is_given(self) -> bool:
        """Whether a task has the turn, and not the test."""
        return self.current is not self._driver

    @property
    def runs_task(self) -> bool:
        """Whether the calling thread runs code of a task, and not of the test."""
        return self.is_given and self.has_turn

    def demand_turn(self) -> None:
        """Check that the calling thread carries the task that has the turn.

        Raises:
            UsageError: it does not: the handler's code has started it by itself.
        """
        if not self.has_turn:
            self._misuse = UsageError(
                "A durable operation was called from a thread that the handler started by itself. "
                "Neither its order nor its replay can be relied on: use context.parallel."
            )
            raise self._misuse

    def take_misuse(self) -> UsageError | DurableStuckError | None:
        """Return what the handler's code has done that ends the run, since this was last asked: once."""
        misuse, self._misuse = self._misuse, None
        return misuse

    def end_endless(self) -> NoReturn:
        """End the task that has the turn, which goes on after its sandbox has died, and the run with it.

        Raises:
            SandboxKilled: as before, which the code of the task has caught until now.
        """
        task = self.current
        self._misuse = self._misuse or DurableStuckError(
            f"{task.name} goes on after its sandbox has died, and calls durable operations again and again. "
            "Its code catches what unwinds it, which derives from BaseException. Catch Exception instead.\n"
            f"  {task.name} is at {line_of(threading.get_ident())}"
        )
        if threading.get_ident() != self._driver.thread_id:
            # Nothing can end a thread from outside: this one never goes on.
            task.finished = True
            self._hand_over(self._next_task() or self._driver)
            while True:
                task.await_baton()
        if self._interruptions.are_in_vain:
            # Nothing else ends the test's own thread.
            print(f"pytest-durable ends this process: {self._misuse}", file=sys.__stderr__, flush=True)
            _end_process(1)
        self._interruptions.strike()

    def _switch(self, me: Task, task: Task) -> None:
        self._hand_over(task)
        if me.thread_id != self._driver.thread_id:
            me.await_baton()
            return
        look = min(self._stall_seconds, _LOOK_SECONDS)
        seen, waited = self._switches, 0.0
        stood: Standing | None = None
        while not me.await_baton(look):
            if seen != self._switches:
                seen, waited, stood = self._switches, 0.0, None
                continue
            waited += look
            stands = standing(self.current.thread_id)
            is_blocked = stands is not None and stands.is_lock and stands == stood and bool(self._parked())
            if is_blocked or waited >= self._stall_seconds:
                self._abandoned = True
                self._stalled = self._stall(waited, is_blocked=is_blocked)
                self._unwind()
                # Not through the handler's code, which might catch it.
                raise self._stalled if me is self._driver else SandboxKilled
            stood = stands

    def _parked(self) -> list[Task]:
        """Return the tasks that have begun and are not carried by the thread that has the turn."""
        return [task for task in self._live_tasks() if task is not self.current]

    def _stall(self, waited: float, *, is_blocked: bool) -> DurableStuckError:
        task = self.current
        where = line_of(task.thread_id)
        parked = parked_lines([(each.name, each.thread_id) for each in self._parked()])
        others = f"\n{parked}" if parked else ""
        if is_blocked:
            why = (
                f"{task.name} blocks on a lock, queue or event that only another branch would release, and "
                "all others are parked at durable operations. On Lambda it may wait as long, and a lock is "
                "not kept when an invocation ends: hold none across a durable operation."
            )
        else:
            why = (
                f"{task.name} has had the turn for {waited:g} seconds of real time without ending or "
                "reaching a durable operation. It may block on a lock, queue or event that only another "
                "branch would release; branches run one at a time here. If it just takes long, raise the ini "
                "key durable_stall_seconds."
            )
        return DurableStuckError(f"{why}\n  {task.name} is at {where}{others}")

    def _unwind(self) -> None:
        """Let the tasks of a run that is broken off end, those that are parked first: they may hold locks."""
        parked, stalled = self._parked(), self.current
        for task in (*parked, stalled):
            task.sandbox.close()
        for task in parked:
            if task.thread_id != self._driver.thread_id:
                self.current = task
                task.pass_baton()
                self._unwound.acquire(timeout=_UNWIND_SECONDS)
        self.current = stalled
        self._unwound.acquire(timeout=_UNWIND_SECONDS)

    def _hand_over(self, task: Task) -> None:
        self._switches += 1
        self.current = task
        # It is the driver's to be let go again. Carriers join it, each on its own thread.
        if threading.get_ident() == self._driver.thread_id:
            self._pin.take()
        if task.started:
            task.pass_baton()
            return
        carrier = _Carrier.idle.pop() if _Carrier.idle else _Carrier()
        carrier.carry(lambda: self._carry(carrier, task))

    def _carry(self, carrier: _Carrier, task: Task) -> None:
        carrier.core = self._pin.join(carrier.core)
        following = self._run_out(task)
        # A new task needs no other thread: this one has just become free.
        while following is not None and not following.started:
            self._switches += 1
            self.current = following
            following = self._run_out(following)
        # Idle before the turn passes on, while nobody else can take a carrier.
        _Carrier.idle.append(carrier)
        if following is None:
            self._unwound.release()
        else:
            self._hand_over(following)

    def _run_out(self, task: Task) -> Task | None:
        """Run a task to its end; return who comes next, None if the run was broken off."""
        task.run()
        return None if self._abandoned else self._next_task() or self._driver
