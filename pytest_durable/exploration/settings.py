"""ExplorationSettings: what an exploration tries, and how long."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import UsageError
from pytest_durable.faults import Fault
from pytest_durable.points import Behaviour

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

Crashes: TypeAlias = Literal["none", "all", "pairs"]
Interleavings: TypeAlias = int | Literal["exhaustive"]
ApiFaults: TypeAlias = Literal["none", "each"]

DEFAULT_INTERLEAVINGS = 50

# A bug that needs more ordering constraints than this is rare, and each costs a factor of the run's length.
DEFAULT_DEPTH = 3

DEFAULT_ORDERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorationSettings:
    """What to try. Without arguments: every crash, every API fault, 50 interleavings, and the default limit.

    ``crashes``: ``none``, ``all`` or ``pairs`` (all, and a second one after each). ``interleavings``: how
    many schedules, or ``exhaustive``. ``api_faults``: ``none`` or ``each``. ``callbacks``: behaviours of
    scripted answers, such as ``duplicate``. ``kinds``: more kinds of faults to try where they say.
    ``depth``: how many ordering constraints a bug may have for PCT to look for it. An exhaustive search makes
    ``orders`` runs at most; ``preemptions`` and ``advances`` bound how often in one run a task is preempted
    and time moves on before what could happen at once, None for no bound.

    ``budget`` (a duration in real time) and ``schedules`` (a count of runs) end it, and stand in the place of
    the default limit; see `pytest_durable.exploration.limits`.
    ``shard=(k, n)`` leaves to others all but every n-th plan, from the k-th on (from 0).

    Raises:
        UsageError: an argument is wrong.
    """

    crashes: Crashes = "all"
    interleavings: Interleavings = DEFAULT_INTERLEAVINGS
    api_faults: ApiFaults = "each"
    callbacks: tuple[str, ...] = ()
    kinds: tuple[type[Fault], ...] = ()
    depth: int = DEFAULT_DEPTH
    orders: int = DEFAULT_ORDERS
    preemptions: int | None = None
    advances: int | None = 0
    budget: DurationLike | None = None
    schedules: int | None = None
    shard: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _demand_one_of("crashes", self.crashes, ("none", "all", "pairs"))
        _demand_one_of("api_faults", self.api_faults, ("none", "each"))
        if self.interleavings != "exhaustive" and not _is_count(self.interleavings, 0):
            raise UsageError(
                f"interleavings is a number of schedules or 'exhaustive', got {self.interleavings!r}."
            )
        object.__setattr__(self, "callbacks", _behaviours(self.callbacks))
        object.__setattr__(self, "kinds", _kinds(self.kinds))
        if not _is_count(self.depth, 1):
            raise UsageError(f"depth is a positive integer, got {self.depth!r}.")
        if not _is_count(self.orders, 1):
            raise UsageError(f"orders is a positive number of runs, got {self.orders!r}.")
        for name, bound in (("preemptions", self.preemptions), ("advances", self.advances)):
            if bound is not None and not _is_count(bound, 0):
                raise UsageError(f"{name} is how often it may happen in a run, or None, got {bound!r}.")
        if self.budget is not None and to_microseconds(self.budget, "budget") == 0:
            raise UsageError(f"budget is longer than zero, got {self.budget!r}.")
        if self.schedules is not None and not _is_count(self.schedules, 1):
            raise UsageError(f"schedules is a positive number of runs or None, got {self.schedules!r}.")
        if self.shard is not None:
            object.__setattr__(self, "shard", _shard(self.shard))

    @property
    def budget_seconds(self) -> float:
        """How much real time it may take, in seconds; infinity without a budget."""
        return math.inf if self.budget is None else to_microseconds(self.budget) / 1_000_000

    def is_mine(self, index: int) -> bool:
        """Return whether the plan of that index, from 0, belongs to this shard."""
        return self.shard is None or index % self.shard[1] == self.shard[0]


def _is_count(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _demand_one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} is one of {', '.join(map(repr, known))}, got {value!r}.")


def _behaviours(given: Any) -> tuple[str, ...]:
    known = [behaviour.value for behaviour in Behaviour]
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UsageError(f"callbacks is a list of {', '.join(map(repr, known))}, got {given!r}.")
    behaviours = tuple(given)
    for behaviour in behaviours:
        _demand_one_of("Each of callbacks", behaviour, tuple(known))
    return tuple(dict.fromkeys(str(behaviour) for behaviour in behaviours))


def _kinds(given: Any) -> tuple[type[Fault], ...]:
    if isinstance(given, (str, type)) or not isinstance(given, Iterable):
        raise UsageError(f"kinds is a list of subclasses of Fault, got {given!r}.")
    kinds = tuple(given)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Fault)):
            raise UsageError(f"kinds is a list of subclasses of Fault, got {kind!r} in it.")
    return tuple(dict.fromkeys(kinds))


def _shard(given: Any) -> tuple[int, int]:
    shard = tuple(given) if isinstance(given, (tuple, list)) else ()
    if len(shard) != 2 or not all(map(_is_count, shard, (0, 1))) or shard[0] >= shard[1]:
        raise UsageError(
            f"shard is (index, count) with an index from 0 to count - 1, such as (0, 4), got {given!r}."
        )
    return shard
