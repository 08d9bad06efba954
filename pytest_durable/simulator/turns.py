"""Turns: exactly one task runs at a time; the others are parked.

A task that parks runs the loop itself until the loop gives somebody the turn. If that is the task itself it
simply goes on, so a sequential handler never switches threads. Otherwise the turn passes directly from
thread to thread, like a baton.

Tasks are carried by real threads, so thread-locals, identities and stacks are as in production. The first
task of an invocation is carried by the thread of the test itself where that is possible.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import ClassVar, Protocol

from pytest_durable.simulator.affinity import CorePin


class SandboxKilled(BaseException):
    """Unwinds a task whose sandbox has died. Everything that it still tries raises this again."""


class Sandbox(Protocol):
    """What a task lives in: one invocation."""

    @property
    def closed(self) -> bool:
        """Whether it has died or ended."""
        ...


class Task:
    """Something that runs when it has the turn."""

    __slots__ = ("_baton", "_body", "_context", "finished", "name", "sandbox", "started")

    def __init__(self, name: str, body: Callable[[], None], sandbox: Sandbox) -> None:
        self.name = name
        self.sandbox = sandbox
        self.started = False
        self.finished = False
        self._body = body
        self._context: Context = copy_context()
        self._baton = threading.Lock()
        self._baton.acquire()

    def run(self) -> None:
        """Run the body to its end; the sandbox dying is one way to end."""
        self.started = True
        try:
            self._context.run(self._body)
        except SandboxKilled:
            pass
        finally:
            self.finished = True

    def pass_baton(self) -> None:
        """Let the task, which waits for the baton or is about to, go on."""
        self._baton.release()

    def await_baton(self) -> None:
        """Block this thread until somebody passes the baton to the task that it carries."""
        self._baton.acquire()


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


def close_idle_carriers() -> None:
    """End the threads that carry nothing."""
    while _Carrier.idle:
        _Carrier.idle.pop().carry(None)


class _Home:
    closed = False


class Turns:
    """Gives turns to tasks, as the loop says."""

    def __init__(self) -> None:
        self._next_task: Callable[[], Task | None] = lambda: None
        self._driver = Task("driver", lambda: None, _Home())
        self._driver.started = True
        self.current = self._driver
        self._pin = CorePin()

    def attach(self, next_task: Callable[[], Task | None]) -> None:
        """Set the loop: it runs until somebody is to have the turn, and returns who.

        It returns None when the run is to stop; then the turn goes back to the code that called `drive`.
        """
        self._next_task = next_task

    def drive(self, *, inline: bool) -> None:
        """Give turns until the run stops.

        With ``inline`` a new task may be carried by the calling thread. The run must then not stop before
        that task has ended.
        """
        try:
            while (task := self._next_task()) is not None:
                if inline and not task.started:
                    self.current = task
                    task.run()
                    self.current = self._driver
                else:
                    self._switch(self._driver, task)
        finally:
            self._pin.release()

    def park(self) -> None:
        """Give up the turn; return when the loop gives it back.

        Raises:
            SandboxKilled: the sandbox of the task has died meanwhile.
        """
        me = self.current
        task = self._next_task() or self._driver
        if task is not me:
            self._switch(me, task)
        if me.sandbox.closed:
            raise SandboxKilled

    def _switch(self, me: Task, task: Task) -> None:
        self._hand_over(task)
        me.await_baton()

    def _hand_over(self, task: Task) -> None:
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
            self.current = following
            following.run()
            following = self._next_task() or self._driver
        # Idle before the turn passes on, while nobody else can take a carrier.
        _Carrier.idle.append(carrier)
        self._hand_over(following)
