"""Perturbation: what may be different for a sandbox that replays, and how to keep all but one thing.

The time is later, `random` and the system's random numbers begin elsewhere, the sandbox has another name, and
the state of the module is that of a process that has just started. Afterwards everything is as it was.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from durable_sdk import _runtime
from pytest_durable.simulator.chance import drawn_from
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.replaying.surroundings import Surroundings, environment_kept
from pytest_durable.simulator.runtime import SimulatedRuntime

_HOUR = 3_600_000_000

# Other hours, days, weekdays, months and years than that of the run, all later.
OFFSETS = (27 * _HOUR + 11_123_457, 8 * _HOUR + 1_000_003, 77 * _HOUR, 4_133 * _HOUR, 13 * _HOUR)

# Time that passes between two readings of the clock: seconds, minutes, and days as after a long wait.
TICKS = (7_000_000, 420_000_000, 31 * _HOUR)

# What Lambda tells a sandbox of itself, which is another one for each.
SANDBOX_VARIABLES = {
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]{}",
    "_X_AMZN_TRACE_ID": "Root=1-00000000-{};Sampled=0",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "replayed-{}",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9{}",
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of one replay. ``offset`` is how much later it is, None that the clock reads what it read then.

    The rest tells which seed chance has, and whether each of the surroundings is as it was when the run
    began. ``sandbox`` numbers the sandbox, None being that of the run. ``tick`` is how much time passes with
    each reading of the clock: nobody knows how fast the code between two readings is.
    """

    offset: int | None = OFFSETS[0]
    seed: int = 1
    entropy: int = 1
    sandbox: int | None = 1
    request: int = 9_001
    environment_then: bool = False
    names_then: bool = False
    cells_then: bool = False
    tick: int = 0


class ObservedClock(Clock):
    """A clock that counts how often it is read, and tells ``on_read``. Each reading takes a ``tick``."""

    __slots__ = ("_moment", "on_read", "reads", "tick")

    def __init__(self, moment: int) -> None:
        self._moment = moment
        self.reads = 0
        self.tick = 0
        self.on_read: Callable[[], None] | None = None

    @property
    def now(self) -> int:
        """The time."""
        self.reads += 1
        if self.on_read is not None:
            self.on_read()
        moment = self._moment
        self._moment += self.tick
        return moment

    @now.setter
    def now(self, moment: int) -> None:
        self._moment = moment


class Perturbation:
    """Chance and the environment, changed while `in_place`."""

    def __init__(self) -> None:
        self.entropy_reads = 0
        self.on_entropy: Callable[[], None] | None = None
        self._source = random.Random(0)
        self._entropy = 0
        self._firsts: dict[int, float] = {}
        self._unnamed: dict[str, str | None] = {}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Take over chance; give all of it back when the block ends."""
        state = random.getstate()
        self._unnamed = {name: os.environ.get(name) for name in SANDBOX_VARIABLES}
        with environment_kept(), drawn_from(self):
            try:
                yield
            finally:
                random.setstate(state)

    @contextmanager
    def under(self, conditions: Conditions, surroundings: Surroundings) -> Iterator[None]:
        """Let the conditions hold while the block runs, but for those of time."""
        random.seed(conditions.seed)
        self._entropy = conditions.entropy
        self.entropy_reads = 0
        self._name_sandbox(conditions.sandbox)
        if not (conditions.environment_then or conditions.names_then or conditions.cells_then):
            yield
            return
        with ExitStack() as stack:
            if conditions.environment_then:
                stack.enter_context(surroundings.environment_restored())
                self._name_sandbox(conditions.sandbox)
            if conditions.names_then:
                stack.enter_context(surroundings.names_restored())
            if conditions.cells_then:
                stack.enter_context(surroundings.cells_restored())
            yield

    def has_drawn(self, seed: int) -> bool:
        """Return whether `random` was used since it was seeded with ``seed``; uses it."""
        first = self._firsts.get(seed)
        if first is None:
            first = self._firsts[seed] = random.Random(seed).random()
        return random.random() != first

    def _name_sandbox(self, number: int | None) -> None:
        for name, text in SANDBOX_VARIABLES.items():
            value = self._unnamed[name] if number is None else text.format(f"{number:08x}")
            if value is None:
                os.environ.pop(name, None)
            elif os.environ.get(name) != value:
                os.environ[name] = value

    @property
    def is_drawing(self) -> bool:
        """Whether the caller is a handler that replays."""
        return isinstance(_runtime.current.get(), SimulatedRuntime)

    def draw_bytes(self, size: int) -> bytes:
        """Return what stands for the system's random numbers, and tell whoever watches."""
        if not self.entropy_reads:
            self._source.seed(self._entropy)
        self.entropy_reads += 1
        if self.on_entropy is not None:
            self.on_entropy()
        return self._source.randbytes(size)
