"""Fault: what all kinds of faults have in common."""

from __future__ import annotations

import dataclasses
import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from pytest_durable.errors import UsageError
from pytest_durable.points import Action, Path, Point, matches

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

Name: TypeAlias = str | Literal[True]
"""The name of a step or callback, the end of a path, or True for any."""

Times: TypeAlias = int | Literal["always"]


@dataclass(frozen=True, kw_only=True)
class Fault(ABC):
    """Base of all kinds. A kind is a frozen dataclass that says what it `meets` and what it `does`.

    ``nth`` is the first of the points it meets at which it strikes, counted over the whole test, 1 for the
    first. ``times`` is at how many in a row.
    """

    times: Times = 1
    nth: int = 1

    order_first: ClassVar[tuple[str, ...]] = ()
    """The fields that the repr shows without their names."""

    def __post_init__(self) -> None:
        if self.times != "always" and (type(self.times) is not int or self.times < 1):
            raise UsageError(f"times of {self.kind()} is a positive integer or 'always', got {self.times!r}.")
        if type(self.nth) is not int or self.nth < 1:
            raise UsageError(f"nth of {self.kind()} is a positive integer, got {self.nth!r}.")

    @classmethod
    def kind(cls) -> str:
        """Return its name, as tests write it."""
        return f"faults.{cls.__name__}"

    @abstractmethod
    def meets(self, point: Point) -> bool:
        """Return whether it is about this point."""

    @abstractmethod
    def does(self, point: Point) -> Action:
        """Return what happens when it strikes at a point that it meets."""

    @classmethod
    def explored_at(cls, point: Point) -> tuple[Fault, ...]:
        """Return the faults of this kind that an exploration tries at a point; ``nth`` is set afterwards.

        Only those that a sound handler survives.
        """
        return ()

    def strikes_at(self, count: int) -> bool:
        """Return whether it strikes at the point number ``count`` of those that it meets."""
        return count >= self.nth and (self.times == "always" or count < self.nth + self.times)

    def __repr__(self) -> str:
        given = {
            spec.name: getattr(self, spec.name)
            for spec in dataclasses.fields(self)
            if getattr(self, spec.name) != spec.default
        }
        # The first ones need no names, up to one that is left out.
        first = list(itertools.takewhile(lambda name: name in given, self.order_first))
        shown = [_written(given.pop(name)) for name in first]
        shown += [f"{name}={_written(value)}" for name, value in given.items()]
        return f"{self.kind()}({', '.join(shown)})"


def _written(value: object) -> str:
    if isinstance(value, type):
        return (
            value.__qualname__
            if value.__module__ == "builtins"
            else f"{value.__module__}.{value.__qualname__}"
        )
    return repr(value)


def names(name: Name, path: Path) -> bool:
    """Return whether ``name`` is that of the operation at ``path``, or the end of the path, or True."""
    return name is True or matches(name, path)


def demand_name(name: object, what: str) -> None:
    """Check a name.

    Raises:
        UsageError: it is none.
    """
    if name is not True and not (isinstance(name, str) and name):
        raise UsageError(f"{what} is a name, or True for any, got {name!r}.")


def name_for(point: Point) -> Name:
    """Return what names the operation at a point most exactly."""
    return True if None in point.path else "/".join(part or "" for part in point.path)
