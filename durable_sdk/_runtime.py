"""The runtime seam: all time, chance, tasks and blocking of the SDK.

Nothing else in the package starts a thread, blocks, reads a clock or draws a random number. On Lambda
the runtime is `ThreadRuntime`; a simulator injects its own with the invocation and so owns all four.
"""

from __future__ import annotations

import random as _random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, copy_context
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")

Body = Callable[[], None]


class OperationCall(NamedTuple):
    """An operation that a handler has called, before anything has come of it.

    ``context_id`` is what the ids of the operations around it are derived from (None at the root), and
    ``position`` its number there: 1 for the first operation of a context, 0 for the first branch of a batch.
    ``path`` has the names of the contexts around it, outermost first, and its own. ``status`` is what is
    recorded, None if nothing is. ``inputs`` is what the call was given, by the names of the parameters.
    """

    operation_id: str
    operation_type: str
    sub_type: str
    name: str | None
    parent_id: str | None
    context_id: str | None
    position: int
    path: tuple[str | None, ...]
    status: str | None
    has_ended: bool
    inputs: Mapping[str, object]


class Signal(Protocol):
    """Wakes the one task that waits for it. Once set it stays set."""

    def wait(self, until: int | None = None) -> bool:
        """Block until the signal is set or the clock reaches ``until`` (microseconds since the epoch).

        Returns whether it is set.
        """
        ...

    def set(self) -> None:
        """Set the signal."""
        ...


class Runtime(Protocol):
    """What one invocation runs on."""

    def now(self) -> int:
        """Return the time in microseconds since the epoch."""
        ...

    def random(self) -> float:
        """Return a random number of at least 0 and below 1."""
        ...

    def lock(self) -> AbstractContextManager[object]:
        """Return a lock. It is held for a few lines, never while anything blocks."""
        ...

    def signal(self) -> Signal:
        """Return a new signal."""
        ...

    def spawn(self, body: Body, name: str, delay_seconds: float = 0.0) -> None:
        """Run ``body`` as a task of its own, in a copy of the caller's context variables.

        A delayed task that has not begun when the runtime closes never does.
        """
        ...

    @property
    def replaces_steps(self) -> bool:
        """Whether `step_body` may return another body than it is given, so that it has to be asked."""
        ...

    def step_body(self, path: tuple[str | None, ...], body: Callable[[int], T]) -> Callable[[int], T]:
        """Return what an attempt of a step or a check of a condition runs: ``body``, or a stand-in for it.

        ``path`` has the names of the contexts around the operation, outermost first, and its own. Both
        take the number of the attempt.
        """
        ...

    @property
    def watches_operations(self) -> bool:
        """Whether `operation_called` and `body_ended` are to be told anything."""
        ...

    def operation_called(self, call: OperationCall) -> None:
        """Take note that a handler calls an operation, one that has been recorded or a new one."""
        ...

    def body_ended(self, operation_id: str | None, error: BaseException | None) -> None:
        """Take note that user code has returned, or raised ``error``: the body of a step or a context.

        ``operation_id`` is None for the handler itself. A suspension is an error, too.
        """
        ...

    def close(self) -> None:
        """Drop delayed tasks and wait until every other task has ended."""
        ...


class _ThreadSignal:
    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self, until: int | None = None) -> bool:
        if until is None:
            return self._event.wait()
        return self._event.wait(max(0.0, (until - time.time_ns() // 1000) / 1_000_000))

    def set(self) -> None:
        self._event.set()


class ThreadRuntime:
    """The runtime of production: threads and the machine's clock."""

    replaces_steps = False
    watches_operations = False

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def now(self) -> int:
        """Return the machine's time."""
        return time.time_ns() // 1000

    def random(self) -> float:
        """Draw from the process's generator."""
        return _random.random()

    def lock(self) -> AbstractContextManager[object]:
        """Return a threading lock."""
        return threading.Lock()

    def signal(self) -> Signal:
        """Return a signal over a threading event."""
        return _ThreadSignal()

    def spawn(self, body: Body, name: str, delay_seconds: float = 0.0) -> None:
        """Start a thread."""
        context = copy_context()

        def run() -> None:
            if delay_seconds and self._closing.wait(delay_seconds):
                return
            context.run(body)

        thread = threading.Thread(target=run, name=name, daemon=True)
        # In this order: closing may join from another thread, and a thread that has not started cannot be
        # joined. Nobody misses it, since whoever spawns is a task that closing still waits for.
        thread.start()
        self._threads.append(thread)

    def step_body(self, path: tuple[str | None, ...], body: Callable[[int], T]) -> Callable[[int], T]:
        """Return ``body``."""
        return body

    def operation_called(self, call: OperationCall) -> None:
        """Nobody watches."""

    def body_ended(self, operation_id: str | None, error: BaseException | None) -> None:
        """Nobody watches."""

    def close(self) -> None:
        """Join every thread, those that running threads still start included."""
        self._closing.set()
        while self._threads:
            self._threads.pop().join()


# The default serves user code outside any invocation, such as a unit test of a retry strategy.
_outside = ThreadRuntime()
current: ContextVar[Runtime] = ContextVar("durable_sdk_runtime", default=_outside)
"""The runtime of the invocation that the calling code belongs to."""


def random() -> float:
    """Draw from the current runtime: for code that a user calls and that is handed no runtime."""
    return current.get().random()
