"""Picks: the ordinary order, but for some decisions that are given by their number."""

from __future__ import annotations

from collections.abc import Iterable


class Picks:
    """Takes option ``option`` at the decision of each ``number`` (from 0), and the ordinary one elsewhere.

    An option that a decision does not have is not taken: it was recorded in another run than this is.
    """

    def __init__(self, picks: Iterable[tuple[int, int]] = ()) -> None:
        self.picks = tuple(sorted(picks))
        self._options = dict(self.picks)
        self._asked = 0
        self.misfits: list[tuple[int, int]] = []
        """The picks whose decision had fewer options, in the order in which they came up."""
        # Without picks the run needs to work out no options: it comes to the same.
        self.is_ordinary = not self.picks

    def pick(self, kind: str, options: int) -> int:
        """Return what is given for this decision, else 0."""
        number = self._asked
        self._asked += 1
        option = self._options.get(number, 0)
        if option < options:
            return option
        self.misfits.append((number, option))
        return 0

    @property
    def unused(self) -> list[tuple[int, int]]:
        """The picks that have not come up so far: the run has made fewer decisions."""
        return [pair for pair in self.picks if pair[0] >= self._asked]

    @property
    def fits(self) -> bool:
        """Whether every pick has been taken."""
        return not self.misfits and not self.unused
