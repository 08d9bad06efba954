"""Turns: exactly one task runs at a time; the others are parked.

A task that parks runs the loop itself until the loop gives somebody the turn. If that is the task itself it
simply goes on, so a sequential handler never switches threads. Otherwise the turn passes directly from
thread to thread, like a baton.

Tasks are carried by real threads, so thread-locals, identities and stacks are as in production. The first
task of an invocation is carried by the thread of the test itself where that is possible.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import ClassVar, Protocol

from pytest_durable.errors import DurableStuckError, UsageError
from pytest_durable.simulator.affinity import CorePin


class SandboxKilled(BaseException):
    """Unwinds a task whose sandbox has died. Everything that it still tries raises this again."""


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
        self._misuse: UsageError | None = None
        self.current = self._driver
        self.is_inline = False
        """Whether the driver's thread carries a task, so that the run cannot stop yet."""

    def attach(self, next_task: Callable[[], Task | None]) -> None:
        """Set the loop: it runs until somebody is to have the turn, and returns who.

        It returns None when the run is to stop; then the turn goes back to the code that called `drive`.
        """
        self._next_task = next_task

    def drive(self, *, inline: bool) -> None:
        """Give turns until the run stops. With ``inline`` the calling thread may carry a new task itself."""
        self._driver.thread_id = threading.get_ident()
        try:
            while (task := self._next_task()) is not None:
                if inline and not task.started:
                    self.current, self.is_inline = task, True
                    task.run()
                    self.current, self.is_inline = self._driver, False
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
    def runs_task(self) -> bool:
        """Whether the calling thread runs code of a task, and not of the test."""
        return self.current is not self._driver and self.has_turn

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

    def take_misuse(self) -> UsageError | None:
        """Return what `demand_turn` has raised since it was last asked: it ends the run, once."""
        misuse, self._misuse = self._misuse, None
        return misuse

    def _switch(self, me: Task, task: Task) -> None:
        self._hand_over(task)
        if me.thread_id != self._driver.thread_id:
            me.await_baton()
            return
        seen = self._switches
        while not me.await_baton(self._stall_seconds):
            if seen == self._switches:
                self._abandoned = True
                self._stalled = self._stall()
                # Not through the handler's code, which might catch it.
                raise self._stalled if me is self._driver else SandboxKilled
            seen = self._switches

    def _stall(self) -> DurableStuckError:
        task = self.current
        frame = sys._current_frames().get(task.thread_id or 0)
        where = "".join(traceback.format_stack(frame)) if frame else "(its thread has ended)"
        return DurableStuckError(
            f"{task.name} has had the turn for {self._stall_seconds:g} seconds of real time without "
            "ending or reaching a durable operation. It may block on a lock, queue or event that only "
            "another branch would release; branches run one at a time here. If it just takes long, "
            f"raise the ini key durable_stall_seconds.\nIt is at:\n{where}"
        )

    def _hand_over(self, task: Task) -> None:
        self._switches += 1
        self.current = task
        if task.started:
            task.pass_baton()
            return
        self._pin.take()
        carrier = _Carrier.idle.pop() if _Carrier.idle else _Carrier()
        carrier.carry(lambda: self._carry(carrier, task))

    def _carry(self, carrier: _Carrier, task: Task) -> None:
        carrier.core = self._pin.join(carrier.core)
        task.run()
        following = self._next_task() or self._driver
        # A new task needs no other thread: this one has just become free.
        while not following.started:
            self._switches += 1
            self.current = following
            following.run()
            following = self._next_task() or self._driver
        # Idle before the turn passes on, while nobody else can take a carrier.
        _Carrier.idle.append(carrier)
        self._hand_over(following)
