"""A durable machine in miniature, for tests of what explores runs: steps, crashes, requests, branches.

It asks the plan's faults at the same points as the simulator, and the schedule at each decision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pytest_durable.exploration.trial import Decision, Failure, Schedule, Trial
from pytest_durable.plan import Plan
from pytest_durable.points import Action, Die, Point, Position, Raise, Refuse
from pytest_durable.schedules import Picks
from pytest_durable.simulator.injector import Injector

Branch: TypeAlias = Callable[["Machine"], Iterator[None]]

_MOST_INVOCATIONS = 10


class Died(BaseException):
    """The sandbox is dead."""


@dataclass
class Machine:
    """The world of one run. ``records`` and ``effects`` survive a crash, all else does not."""

    injector: Injector
    schedule: Schedule
    records: dict[str, Any] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    invocations: int = 0
    has_replayed: bool = False
    name: str | None = None

    def run(self, handler: Callable[[Machine], Any]) -> Any:
        """Invoke a handler from the top until it returns."""
        while True:
            self.invocations += 1
            assert self.invocations < _MOST_INVOCATIONS, "the execution failed: too many invocations"
            self.has_replayed = False
            try:
                self._at(Position.INVOCATION, "machine")
                value = handler(self)
                self._at(Position.RETURN, "machine")
                return value
            except Died:
                continue

    def step(self, name: str, body: Callable[[], Any] = lambda: None) -> Any:
        """Run a body once, as far as the record tells."""
        if name in self.records:
            if not self.has_replayed:
                self.has_replayed = True
                self._at(Position.REPLAY, "machine")
            return self.records[name]
        before, self.name = self.name, name
        self._at(Position.BEFORE_STEP, name)
        value = body()
        self._at(Position.AFTER_STEP, name)
        self._request(name, value)
        self.name = before
        return value

    def effect(self, name: str) -> None:
        """Change the outside world."""
        self.effects.append(name)
        if self.name is not None:
            self._at(Position.DURING_STEP, self.name, name)

    def effectful(self, name: str) -> Any:
        """Run a step whose body has one effect, of the same name."""
        return self.step(name, lambda: self.effect(name))

    def parallel(self, *branches: Branch) -> None:
        """Run branches, each a generator that yields where another may go on."""
        live = [branch(self) for branch in branches]
        while live:
            index = self._choose(len(live))
            if next(live[index], Died) is Died:
                del live[index]

    def _choose(self, options: int) -> int:
        if options < 2:
            return 0
        picked = self.schedule.pick("next", options)
        self.decisions.append(Decision("next", options, picked))
        return picked

    def _request(self, name: str, value: Any) -> None:
        match self._at(Position.REQUEST, "checkpoint"):
            case Die(persisted=persisted) | Refuse(persisted=persisted):
                if persisted:
                    self.records[name] = value
                raise Died
            case _:
                self.records[name] = value

    def _at(self, position: Position, name: str, effect: str | None = None) -> Action | None:
        action = self.injector.at(Point(position, (name,), "machine", self.invocations, effect))
        if isinstance(action, Die) and position is not Position.REQUEST:
            raise Died
        if isinstance(action, Raise):
            raise action.error
        return action


@dataclass
class Trials:
    """Runs a test, a function of a machine, under plans; ``plans`` are those that it has run, in order."""

    test: Callable[[Machine], object]
    plans: list[Plan] = field(default_factory=list)

    def __call__(self, plan: Plan, schedule: Schedule | None = None) -> Trial:
        machine = Machine(Injector(plan.faults, collects=True), schedule or Picks(plan.picks))
        failure = None
        try:
            self.test(machine)
        except AssertionError as error:
            text = str(error).splitlines()[0]
            failure = Failure(text, text, text)
        picks = tuple((at, one.picked) for at, one in enumerate(machine.decisions) if one.picked)
        state = hashlib.sha256(repr((machine.effects, list(machine.records.items()))).encode()).hexdigest()
        happened = Plan(plan.faults, picks)
        self.plans.append(happened if schedule is not None else plan)
        return Trial(
            happened, machine.injector.found, machine.injector.struck, machine.decisions, state, failure
        )


def demand(condition: bool, message: str) -> None:
    """Fail the test with a message, as an assertion does."""
    if not condition:
        raise AssertionError(message)
