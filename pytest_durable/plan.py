"""Plan: everything about one run that is not ordinary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_durable.faults import Fault, reorder


@dataclass(frozen=True, slots=True)
class Plan:
    """The faults of a run, and the decisions about order that differ from the ordinary ones.

    ``picks`` has pairs of the number of a decision (from 0) and the option taken, sorted. A run is a function
    of the code, its input, its seed and this; an empty plan is the ordinary run.
    """

    faults: tuple[Fault, ...] = ()
    picks: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        """Return how many things are not ordinary."""
        return len(self.faults) + len(self.picks)

    def as_faults(self) -> tuple[Fault | reorder, ...]:
        """Return it as arguments of ``@pytest.mark.durable_faults``."""
        return (*self.faults, reorder(self.picks)) if self.picks else self.faults

    @classmethod
    def of(cls, given: Iterable[Fault | reorder]) -> Plan:
        """Return the plan that arguments of ``@pytest.mark.durable_faults`` stand for."""
        faults: list[Fault] = []
        picks: dict[int, int] = {}
        for item in given:
            if isinstance(item, reorder):
                picks.update(item.pairs)
            else:
                faults.append(item)
        return cls(tuple(faults), tuple(sorted(picks.items())))


ORDINARY = Plan()
"""The plan of the ordinary run."""
