"""Unfolding: finds out what a drawn plan means while the run that follows it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_durable.drawn import Deviations, DrawnPlan
from pytest_durable.faults import Fault, crash
from pytest_durable.plan import Plan
from pytest_durable.points import Action, Point
from pytest_durable.simulator.injector import Injector


class UnfoldingInjector(Injector):
    """The faults that a test names, and those of a drawn plan as its points are reached."""

    def __init__(self, named: Injector, plan: DrawnPlan) -> None:
        super().__init__(named.faults, collects=named.collects)
        self._kinds = plan.fault_kinds
        self._deviations = iter(plan.faults)
        self._next = next(self._deviations, None)
        self._passed = 0
        self._reached: list[Point] = []
        self.unfolded: list[Fault] = []
        """The faults that the plan has come to, as they are written down."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody wants to know of points."""
        return self._next is None and super().is_idle

    def at(self, point: Point) -> Action | None:
        """Return what happens at a point, None for nothing; faults that the test names go first."""
        action = super().at(point)
        if self._next is None:
            return action
        self._reached.append(point)
        candidates = [fault for kind in self._kinds for fault in kind.explored_at(point)]
        # Some name a broader place than the point, such as a name where a path cannot be written.
        candidates = [fault for fault in candidates if fault.meets(point)]
        if action is not None or not candidates:
            return action
        skip, choice = self._next
        if self._passed < skip:
            self._passed += 1
            return None
        self._next, self._passed = next(self._deviations, None), 0
        fault = candidates[choice % len(candidates)]
        self.unfolded.append(self._aimed(fault))
        self.strikes.append((self.unfolded[-1], point))
        return fault.does(point)

    def _aimed(self, fault: Fault) -> Fault:
        """Return the fault that strikes at this point of the run and at no other."""
        count = sum(fault.meets(point) for point in self._reached)
        if isinstance(fault, crash) and fault.at_checkpoint is not None:
            return replace(fault, at_checkpoint=count)
        return replace(fault, nth=count)


class UnfoldingOrder:
    """Decides about order as a drawn plan says."""

    def __init__(self, order: Deviations) -> None:
        self.is_ordinary = not order
        self._deviations = iter(order)
        self._next = next(self._deviations, None)
        self._passed = 0
        self._decisions = 0
        self.unfolded: list[tuple[int, int]] = []
        """The number of each decision that was not the usual one, and the option taken."""

    def pick(self, kind: str, options: int) -> int:
        """Return the index of an option, 0 unless the plan deviates here."""
        number = self._decisions
        self._decisions += 1
        if self._next is None:
            return 0
        skip, choice = self._next
        if self._passed < skip:
            self._passed += 1
            return 0
        self._next, self._passed = next(self._deviations, None), 0
        picked = 1 + choice % (options - 1)
        self.unfolded.append((number, picked))
        return picked


def deviations_of(picks: Iterable[tuple[int, int]]) -> Deviations:
    """Return the deviations that take these options at the decisions of these numbers, which are sorted."""
    found = []
    passed = 0
    for number, option in picks:
        if option:
            found.append((number - passed, option - 1))
            passed = number + 1
    return tuple(found)


def unfolded(injector: UnfoldingInjector, order: UnfoldingOrder) -> Plan:
    """Return what a drawn plan has come to mean so far: a plan that says it of this very run."""
    return Plan(tuple(injector.unfolded), tuple(order.unfolded))
