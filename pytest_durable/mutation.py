"""Mutation: would a test notice? The world around a handler is made to misbehave, and the test runs again.

A mutant changes what the test observes of a run that was right, as a bug would. A test that still passes
would not notice that bug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

from pytest_durable.points import Path, shown
from pytest_durable.result.wording import counted
from pytest_durable.simulator.ledger.effect import Effect
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.runner import LocalRunner

# Of one kind in one test: more would tell nothing new.
_MUTANTS_OF_A_KIND = 12

Body = Callable[[int], Any]


class Mutant(Protocol):
    """A way in which the world misbehaves."""

    @property
    def told(self) -> str:
        """What goes wrong, in words."""
        ...

    @property
    def hint(self) -> str:
        """Which oracle would notice, as Python."""
        ...

    def around(self, path: Path, body: Body) -> Body:
        """Return what runs in place of the body of the step at a path."""
        ...

    def keep(self, effect: Effect) -> list[Effect]:
        """Return what the ledger keeps of an effect that happens."""
        ...


class _Plain:
    """What a mutant leaves as it is."""

    def around(self, path: Path, body: Body) -> Body:
        return body

    def keep(self, effect: Effect) -> list[Effect]:
        return [effect]


class Observer(_Plain):
    """Changes nothing, and takes note of what a run does: what the mutants are made of."""

    told = "nothing"
    hint = ""

    def __init__(self) -> None:
        self.results: dict[Path, Any] = {}
        """What the bodies of steps have returned, in the order in which they first did."""
        self.effects: list[Effect] = []

    def around(self, path: Path, body: Body) -> Body:
        """Note what the body returns."""

        def observed(attempt: int) -> Any:
            result = body(attempt)
            self.results.setdefault(path, result)
            return result

        return observed

    def keep(self, effect: Effect) -> list[Effect]:
        """Note the effect."""
        self.effects.append(effect)
        return [effect]


def _demand(call: str, name: str) -> str:
    return f"durable_effects.{call}({name!r})"


@dataclass(frozen=True, slots=True)
class StepRunsTwice(_Plain):
    """The body of a step runs twice, as after a crash before its result is recorded."""

    path: Path
    effects: tuple[str, ...]
    """The effects that the step has; empty if nobody records any."""

    @property
    def told(self) -> str:
        return f"step {shown(self.path)!r} runs twice"

    @property
    def hint(self) -> str:
        if self.effects:
            return _demand("exactly_once", self.effects[0])
        name = self.path[-1] or "effect"
        return f"record({name!r}, key=...) in its body, and {_demand('exactly_once', name)}"

    def around(self, path: Path, body: Body) -> Body:
        if path != self.path:
            return body

        def twice(attempt: int) -> Any:
            body(attempt)
            return body(attempt)

        return twice


@dataclass(frozen=True, slots=True)
class KeyDropped(_Plain):
    """The idempotency key of an effect gets lost, so that its receiver takes a repetition for a new one."""

    name: str

    @property
    def told(self) -> str:
        return f"effect {self.name!r} loses its idempotency key"

    @property
    def hint(self) -> str:
        return _demand("idempotent", self.name)

    def keep(self, effect: Effect) -> list[Effect]:
        return [replace(effect, key=None)] if effect.name == self.name else [effect]


@dataclass(frozen=True, slots=True)
class DuplicateCounts(_Plain):
    """The receiver of an effect does not know keys: what arrives twice with one key counts twice."""

    name: str

    @property
    def told(self) -> str:
        return f"effect {self.name!r} arrives twice with the same key, and counts twice"

    @property
    def hint(self) -> str:
        return _demand("exactly_once", self.name)

    def keep(self, effect: Effect) -> list[Effect]:
        return [effect, effect] if effect.name == self.name else [effect]


@dataclass(frozen=True, slots=True)
class EffectLost(_Plain):
    """An effect does not happen."""

    name: str

    @property
    def told(self) -> str:
        return f"effect {self.name!r} does not happen"

    @property
    def hint(self) -> str:
        return _demand("exactly_once", self.name)

    def keep(self, effect: Effect) -> list[Effect]:
        return [] if effect.name == self.name else [effect]


@dataclass(frozen=True, slots=True)
class ResultsSwapped(_Plain):
    """Two steps that follow one another return each other's results."""

    first: Path
    second: Path
    results: tuple[Any, Any]

    @property
    def told(self) -> str:
        return f"steps {shown(self.first)!r} and {shown(self.second)!r} swap their results"

    @property
    def hint(self) -> str:
        return f"assert result.operation({shown(self.first)!r}).value == ..., or result.value"

    def around(self, path: Path, body: Body) -> Body:
        if path not in (self.first, self.second):
            return body
        foreign = self.results[1] if path == self.first else self.results[0]

        def swapped(attempt: int) -> Any:
            body(attempt)
            return foreign

        return swapped


@dataclass(slots=True)
class EffectsSwapped(_Plain):
    """Two effects that follow one another happen in the other order."""

    first: str
    second: str
    _held: list[Effect] = field(default_factory=list)

    @property
    def told(self) -> str:
        return f"effects {self.first!r} and {self.second!r} happen in the other order"

    @property
    def hint(self) -> str:
        names = [self.first, self.second]
        return f"assert [effect.name for effect in durable_effects] == {names!r}"

    def keep(self, effect: Effect) -> list[Effect]:
        if effect.name == self.first:
            self._held.append(effect)
            return []
        if effect.name != self.second:
            return [effect]
        held, self._held = self._held, []
        return [effect, *held]


def mutants_of(observer: Observer, *, has_ledger: bool) -> Iterator[Mutant]:
    """Yield the mutants of a test whose ordinary run was observed.

    Left out are those that no test could notice: a step without effects may run twice.
    """
    by_step: dict[str | None, dict[str, None]] = {}
    for effect in observer.effects:
        by_step.setdefault(effect.step, {})[effect.name] = None
    paths = list(observer.results)
    effectful = [path for path in paths if shown(path) in by_step] if has_ledger else paths
    for path in effectful[:_MUTANTS_OF_A_KIND]:
        yield StepRunsTwice(path, tuple(by_step.get(shown(path), {})))
    names = list(dict.fromkeys(effect.name for effect in observer.effects))[:_MUTANTS_OF_A_KIND]
    keyed = {effect.name for effect in observer.effects if effect.key is not None}
    for name in names:
        if name in keyed:
            yield KeyDropped(name)
            yield DuplicateCounts(name)
    for name in names:
        yield EffectLost(name)
    for first, second in list(pairwise(names))[:_MUTANTS_OF_A_KIND]:
        yield EffectsSwapped(first, second)
    for before, after in list(pairwise(paths))[:_MUTANTS_OF_A_KIND]:
        results = (observer.results[before], observer.results[after])
        if _differ(*results):
            yield ResultsSwapped(before, after, results)


def _differ(one: Any, other: Any) -> bool:
    try:
        return bool(one != other)
    except Exception:
        return True


def apply(mutant: Mutant, runner: LocalRunner | None, ledger: EffectLedger | None) -> None:
    """Let the world of a test misbehave from now on."""
    if runner is not None:
        runner.surround_steps(mutant.around)
    if ledger is not None:
        ledger.keep_as(mutant.keep)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test has come to: how many mutants there were, and those that it would not notice."""

    mutants: int
    unnoticed: Sequence[tuple[str, str]]
    """What went wrong, and which oracle would have noticed."""

    def lines(self, nodeid: str) -> list[str]:
        """Return the verdict as lines of a report."""
        noticed = self.mutants - len(self.unnoticed)
        head = f"{nodeid}: notices {noticed} of {counted(self.mutants, 'mutant')}"
        return [head, *(f"  would not notice that {told}; try {hint}" for told, hint in self.unnoticed)]
