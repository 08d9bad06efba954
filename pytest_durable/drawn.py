"""DrawnPlan: what is not ordinary about a run, said without knowing the run.

`pytest_durable.strategies` draws them; the run that follows one finds out what it means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_durable import faults
from pytest_durable.errors import UsageError
from pytest_durable.faults import API_KINDS, CALLBACK_KINDS, Fault

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

Deviations: TypeAlias = tuple[tuple[int, int], ...]
"""Pairs: how many occasions pass by since the last deviation, and which of the choices is then taken."""

_USUAL_KINDS: tuple[type[Fault], ...] = (faults.crash, *API_KINDS)

_ALL_KINDS: tuple[type[Fault], ...] = (*_USUAL_KINDS, *CALLBACK_KINDS.values(), faults.cold_start)

_BY_NAME = {kind.__name__: kind for kind in _ALL_KINDS}

_USUAL = tuple(kind.__name__ for kind in _USUAL_KINDS)


@dataclass(frozen=True, slots=True)
class DrawnPlan:
    """Deviations from the ordinary run; an empty plan is the ordinary run.

    ``faults`` are about the points at which one of the ``kinds`` could strike, by their names: of ``(2, 0)``
    two such points pass by, and at the third the first fault that is possible there strikes. ``order`` is
    about the decisions about order in the same way: of ``(2, 0)`` two are as usual, and at the third the
    first option that is not the usual one is taken. A choice too large begins again from 0. What the run
    does not come to does nothing.

    Raises:
        UsageError: a deviation is no pair of numbers, or a kind is unknown.
    """

    faults: Deviations = ()
    order: Deviations = ()
    kinds: tuple[str, ...] = _USUAL

    def __post_init__(self) -> None:
        object.__setattr__(self, "faults", _pairs(self.faults, "faults"))
        object.__setattr__(self, "order", _pairs(self.order, "order"))
        given: Any = self.kinds
        object.__setattr__(self, "kinds", tuple(given))
        unknown = [kind for kind in self.kinds if kind not in _BY_NAME]
        if unknown:
            raise UsageError(f"kinds of DrawnPlan are some of {', '.join(_BY_NAME)}, got {unknown[0]!r}.")

    def __len__(self) -> int:
        """Return how many deviations there are."""
        return len(self.faults) + len(self.order)

    def __repr__(self) -> str:
        parts = [
            f"{name}={list(pairs)!r}"
            for name, pairs in (("faults", self.faults), ("order", self.order))
            if pairs
        ]
        if self.kinds != _USUAL and self.faults:
            parts.append(f"kinds={self.kinds!r}")
        return f"DrawnPlan({', '.join(parts)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show itself to Hypothesis, and IPython, as everywhere else."""
        printer.text(repr(self))

    @property
    def fault_kinds(self) -> tuple[type[Fault], ...]:
        """The kinds of faults that may strike."""
        return tuple(_BY_NAME[name] for name in self.kinds)


def _pairs(given: Any, what: str) -> Deviations:
    pairs: Iterable[Any] = given
    try:
        found = tuple((skip, choice) for skip, choice in pairs)
        is_sound = all(type(number) is int and number >= 0 for pair in found for number in pair)
    except (TypeError, ValueError):
        is_sound, found = False, ()
    if not is_sound:
        raise UsageError(f"{what} of DrawnPlan are pairs of numbers of at least 0, got {given!r}.")
    return found
