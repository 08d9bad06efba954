"""Injector: asks the faults of a test at every point that its runs reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_durable.errors import UsageError
from pytest_durable.faults import Fault, reorder
from pytest_durable.points import Action, Delay, Point

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Injector:
    """The faults of one test, over all executions of it.

    With ``collects`` it takes note of the points, for an exploration to read.
    """

    def __init__(self, faults: Iterable[Fault] = (), *, collects: bool = False) -> None:
        self._faults: list[Fault] = []
        self._counts: list[int] = []
        self._struck: list[bool] = []
        self.collects = collects
        self.found: list[Point] = []
        """The points reached so far, in order; empty unless it collects them."""
        self.strikes: list[tuple[Fault, Point]] = []
        """Every strike so far, in order: the fault and where it was."""
        self.add(*faults)

    def add(self, *faults: Fault) -> None:
        """Add faults; they count the points that come from now on.

        Raises:
            UsageError: one is no fault.
        """
        for given in faults:
            fault: object = given
            if isinstance(fault, reorder):
                raise UsageError(
                    f"{fault!r} is about a run as a whole: it goes into @pytest.mark.durable_faults(...)."
                )
            if not isinstance(fault, Fault):
                kind = (
                    f" It is a class: call it, as {fault.__name__}(...)." if isinstance(fault, type) else ""
                )
                raise UsageError(
                    f"Faults are values such as faults.crash(after_step='ship'), got {fault!r}.{kind}"
                )
        self._faults.extend(faults)
        self._counts.extend(0 for _ in faults)
        self._struck.extend(False for _ in faults)

    @property
    def is_idle(self) -> bool:
        """Whether nobody wants to know of points."""
        return not (self.collects or self._faults)

    @property
    def faults(self) -> Sequence[Fault]:
        """All faults, in the order in which they were added."""
        return self._faults

    @property
    def struck(self) -> list[Fault]:
        """The faults that have struck."""
        return [fault for fault, has_struck in zip(self._faults, self._struck, strict=True) if has_struck]

    def absorb(self, other: Injector) -> None:
        """Take note of what has struck in another run with the same faults."""
        self._struck = [mine or theirs for mine, theirs in zip(self._struck, other._struck, strict=True)]

    def at(self, point: Point) -> Action | None:
        """Return what happens at a point, None for nothing. The first fault that strikes decides."""
        if self.collects:
            self.found.append(point)
        action: Action | None = None
        for index, fault in enumerate(self._faults):
            if not fault.meets(point):
                continue
            self._counts[index] += 1
            # What merely takes time gives way to what happens then.
            if (action is None or isinstance(action, Delay)) and fault.strikes_at(self._counts[index]):
                self._struck[index] = True
                self.strikes.append((fault, point))
                action = fault.does(point)
        return action

    @property
    def unused(self) -> list[tuple[Fault, int]]:
        """The faults that have not struck, and how many points each of them has met."""
        return [
            (fault, count)
            for fault, count, has_struck in zip(self._faults, self._counts, self._struck, strict=True)
            if not has_struck
        ]
