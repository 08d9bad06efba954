"""Script: a name, and one outcome after another for the operations of that name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar

from pytest_durable.errors import UsageError
from pytest_durable.result.wording import counted

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

Outcome = TypeVar("Outcome")


class Script(Generic[Outcome]):
    """One outcome for each operation of the name; the last repeats.

    The name is the one that the user wrote, or the end of a path (``"orders/charge"``).
    """

    call: ClassVar[str]
    """The call that makes such a script."""

    noun: ClassVar[str]
    """What the script is about, in the singular."""

    needs_name: ClassVar[bool] = True
    """Whether it is about one name only, and not, without one, about all others."""

    def __init__(self, name: Any, times: int | None = None) -> None:
        if (name is not None or self.needs_name) and (not isinstance(name, str) or not name):
            raise UsageError(f"{self.call} takes the name of the {self.noun}, got {name!r}.")
        if times is not None and (type(times) is not int or times < 1):
            raise UsageError(f"times of {self.call}({name!r}) is a positive integer, got {times!r}.")
        self.name: str | None = name
        self.times = times
        self.uses = 0
        """How many operations have been given an outcome."""
        self._outcomes: list[Outcome] = []
        self._is_open = True

    def __repr__(self) -> str:
        return f"{self.call}({'' if self.name is None else repr(self.name)})"

    @property
    def then(self) -> Self:
        """What follows is about the next operation of the name.

        Raises:
            UsageError: nothing has been said about this one.
        """
        self._finish_outcome()
        if self._is_open:
            raise UsageError(f"{self!r}.then needs an outcome before it.")
        self._is_open = True
        return self

    def _finish_outcome(self) -> None:
        """Add an outcome that may have had more parts, now that no more can come."""

    def _add(self, outcome: Outcome) -> Self:
        if not self._is_open:
            raise UsageError(f"{self!r} has an outcome already. Write .then before the next one.")
        self._outcomes.append(outcome)
        self._is_open = False
        return self

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """All outcomes that have been named, in order."""
        self._finish_outcome()
        return tuple(self._outcomes)

    def peek(self, ahead: int = 0) -> Outcome | None:
        """Return the outcome for the next operation, or one further on; None if the script names none."""
        self._finish_outcome()
        if not self._outcomes:
            return None
        return self._outcomes[min(self.uses + ahead, len(self._outcomes) - 1)]

    def take(self) -> Outcome | None:
        """Return the outcome for one more operation, which counts as a use."""
        outcome = self.peek()
        self.uses += 1
        return outcome

    def rewound(self) -> Self:
        """Return a script that says the same and has not been used."""
        self._finish_outcome()
        fresh = type(self)(self.name, self.times)
        fresh._outcomes = list(self._outcomes)
        fresh._is_open = self._is_open
        return fresh

    def absorb(self, other: Script[Outcome]) -> None:
        """Count the uses of a rewound script as this one's."""
        self.uses = max(self.uses, other.uses)

    @property
    def was_used_as_said(self) -> bool:
        """Whether it was used at all, and as often as ``times`` says."""
        return self.uses > 0 if self.times is None else self.uses == self.times

    def complaint(self, existing: Sequence[str]) -> str | None:
        """Return what is wrong with how often it was used; ``existing`` are the names in the run."""
        if self.was_used_as_said:
            return None
        if self.times is not None:
            what = f"{self!r} was used {counted(self.uses, 'time')}, and it says times={self.times}."
        else:
            what = f"{self!r} was never used."
        if not existing:
            return f"{what} The run had no {self.noun}s."
        return f"{what} The {self.noun}s of the run: {', '.join(map(repr, existing))}."


S = TypeVar("S", bound=Script[Any])


def best_of(scripts: Sequence[S], fits: Callable[[str], bool]) -> S | None:
    """Return the script whose name fits: the most exact name wins, then the newest script."""
    best: S | None = None
    rank = -1
    for script in scripts:
        if script.name is not None and not fits(script.name):
            continue
        exactness = 0 if script.name is None else 1 + script.name.count("/")
        if exactness >= rank:
            best, rank = script, exactness
    return best
