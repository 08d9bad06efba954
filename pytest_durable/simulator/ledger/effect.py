"""Effect: one thing that was done to the world outside, and where in a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from pytest_durable.errors import UsageError
from pytest_durable.history.log import EventLog

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

Key: TypeAlias = str | int | float | tuple["Key", ...]
"""What tells one intended effect from another: text, a number, or a tuple of keys."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where in the run of a handler an effect was recorded.

    ``position`` is how many events the log had. ``run`` is the same object for all of one sandbox.
    ``operation_id`` is None outside any step.
    """

    log: EventLog
    position: int
    run: object
    operation_id: str | None


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect. What a test calls directly, outside any run, has no execution, invocation or time.

    ``execution`` is the name of the execution, ``invocation`` the number of its invocation, ``step`` the path
    of the step as `operation` of a result takes it, ``attempt`` the number of its attempt; the last two are
    None outside any step. ``function`` is the plain function that did it, if ``context.invoke`` called one;
    the invocation is then the one that did so. ``at`` is virtual time, aware.
    """

    name: str
    key: Key | None
    execution: str | None
    invocation: int | None
    step: str | None
    attempt: int | None
    at: datetime | None
    function: str | None = None
    source: Source | None = field(default=None, repr=False, compare=False)
    kept: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def data(self) -> dict[str, Any]:
        """What was recorded with it; a copy, since what has happened does not change."""
        return deepcopy(dict(self.kept))

    @property
    def label(self) -> str:
        """Its name, with the key in brackets."""
        return self.name if self.key is None else f"{self.name}[{key_text(self.key)}]"

    @property
    def place(self) -> str:
        """Where it was recorded, in words."""
        if self.invocation is None:
            return "outside any execution"
        if self.function is not None:
            return f"function {self.function!r}, called in invocation {self.invocation}"
        if self.attempt is None:
            return f"invocation {self.invocation}, outside any step"
        return f"invocation {self.invocation}, attempt {self.attempt} of step {self.step!r}"


def key_text(key: Key) -> str:
    """Return a key as it stands in brackets."""
    return key if isinstance(key, str) else repr(key)


def demand_effect_name(name: object) -> None:
    """Check the name of an effect.

    Raises:
        UsageError: it is no text, or is empty.
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"The name of an effect is a text that is not empty, got {name!r}.")


def demand_key(key: object) -> None:
    """Check a key; None is that there is none.

    Raises:
        UsageError: it is no text, finite number or tuple of these.
    """
    if key is not None and not _is_key(key):
        raise UsageError(
            f"The key of an effect is a text, a finite number or a tuple of these, got {key!r}. "
            "Take the text of anything else: key=str(...)."
        )


def _is_key(key: object) -> bool:
    if isinstance(key, tuple):
        return all(map(_is_key, key))
    if isinstance(key, bool):
        # It would be the same key as 1.
        return False
    return isinstance(key, str | int) or (isinstance(key, float) and math.isfinite(key))
