"""Points: the places of a run at which something can go wrong, and what can happen there.

A run asks at each of them. A fault (`pytest_durable.faults`) recognises the points that it is about and
says what happens; an exploration collects the points of one run to make the faults of the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from pytest_durable.history.events import ErrorJson

Path: TypeAlias = tuple[str | None, ...]
"""The names of the contexts around an operation, outermost first, and its own."""


def matches(pattern: str, path: Path) -> bool:
    """Return whether ``pattern`` is the name of the operation at ``path``, or the end of the path."""
    if path[-1] == pattern:
        return True
    parts = tuple(pattern.split("/"))
    return len(parts) > 1 and path[-len(parts) :] == parts


def shown(path: Path) -> str:
    """Write a path."""
    return "/".join(name or "(unnamed)" for name in path)


class Position(StrEnum):
    """Where in a run a point lies."""

    BEFORE_STEP = "before_step"
    """The body of a step, or a check of a condition, is about to run."""

    DURING_STEP = "during_step"
    """A body has just had an effect on the outside world."""

    AFTER_STEP = "after_step"
    """A body has returned or raised, and nothing of that has been recorded."""

    REQUEST = "request"
    """A request of the SDK has reached the service, which has not looked at it."""

    RETURN = "return"
    """The handler has returned, and the service does not know."""

    REPLAY = "replay"
    """An invocation has answered its first operation from the record."""

    INVOCATION = "invocation"
    """The handler is about to be invoked."""

    CALLBACK = "callback"
    """A callback has been made, and a script says how it is going to be answered."""


class Point(NamedTuple):
    """One point that a run has reached.

    ``path`` is that of the step or callback; at a request it is the name of the API (``checkpoint`` or
    ``get_state``), at the others it is that of the function. ``effect`` is the name of the effect during
    a step, and of a request what it tells the service. ``execution`` and ``invocation`` (1 for the first)
    tell whose point it is.
    """

    position: Position
    path: Path
    execution: str
    invocation: int
    effect: str | None = None
    attempt: int | None = None

    def __str__(self) -> str:
        return f"{self.position.replace('_', ' ')} {shown(self.path)!r} of invocation {self.invocation}"


@dataclass(frozen=True, slots=True)
class Die:
    """The sandbox dies, with all of its tasks. At a request: after it was applied, if ``persisted``.

    ``error`` is what Lambda reports of it, by default that the runtime has exited.
    """

    persisted: bool = False
    error: ErrorJson | None = None


@dataclass(frozen=True, slots=True)
class Raise:
    """The body of the step raises ``error`` instead of running."""

    error: BaseException | type[BaseException]


@dataclass(frozen=True, slots=True)
class Delay:
    """So much virtual time passes before it goes on: microseconds."""

    microseconds: int


@dataclass(frozen=True, slots=True)
class TakeTooLong:
    """The body goes on until the function's time limit strikes."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request gets an error. ``status`` is that of HTTP; None is that no answer came at all.

    ``persisted``: the service has done what the request asks for.
    """

    code: str
    message: str
    status: int | None
    persisted: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The request is applied, and its answer has no token: the invocation can record nothing more."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The request, invocation or answer arrives twice."""


@dataclass(frozen=True, slots=True)
class Split:
    """The answer has so many operations at most, and a marker for the rest."""

    items: int


@dataclass(frozen=True, slots=True)
class StartCold:
    """The module of the handler is imported anew before the invocation."""


class Behaviour(StrEnum):
    """What becomes of the scripted answer to a callback."""

    DUPLICATE = "duplicate"
    LATE = "late"
    EARLY = "early"
    NEVER = "never"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Misbehave:
    """The scripted answer comes otherwise than it says."""

    behaviour: Behaviour


Action: TypeAlias = (
    Die | Raise | Delay | TakeTooLong | Refuse | Withdraw | Repeat | Split | StartCold | Misbehave
)
"""What a fault does at a point."""
