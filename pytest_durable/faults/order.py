"""The order of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_durable.errors import UsageError

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, repr=False)
class reorder:  # noqa: N801
    """The order of events: at decision number N of the run, option number M instead of the first.

    ``picks`` maps N (from 0) to M. Made by an exploration, to be pasted. It stands beside the faults of
    ``@pytest.mark.durable_faults`` and is none: it is about the run as a whole and strikes at no point.
    """

    picks: Mapping[int, int] | tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        given: Any = self.picks
        pairs = given.items() if isinstance(given, Mapping) else given
        try:
            picks = tuple(sorted((at, pick) for at, pick in pairs))
            is_sound = all(type(at) is int and type(pick) is int and at >= 0 for at, pick in picks)
        except (TypeError, ValueError):
            is_sound, picks = False, ()
        if not is_sound:
            raise UsageError(f"picks of faults.reorder maps numbers to numbers, got {self.picks!r}.")
        object.__setattr__(self, "picks", picks)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The number of each decision with the option taken, sorted."""
        assert isinstance(self.picks, tuple)
        return self.picks

    def __repr__(self) -> str:
        return f"faults.reorder({dict(self.pairs)!r})"
