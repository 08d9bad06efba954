"""EffectLedger: the fixture ``durable_effects``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from difflib import get_close_matches
from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import Any, ParamSpec, TypeVar

from durable_sdk import _runtime
from durable_sdk.operation.base import running_step
from pytest_durable.errors import UsageError
from pytest_durable.history.codec import to_datetime
from pytest_durable.points import shown
from pytest_durable.simulator.ledger.digest import digest_of
from pytest_durable.simulator.ledger.effect import (
    Effect,
    Key,
    Source,
    demand_effect_name,
    demand_key,
)
from pytest_durable.simulator.ledger.verdicts import (
    changed_key,
    happened_again,
    keyless,
    lines,
    made_anew,
    never_happened,
    other_data,
)
from pytest_durable.simulator.runtime import SimulatedRuntime

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

P = ParamSpec("P")
T = TypeVar("T")

Filter = Callable[[Effect], list[Effect]]


class EffectLedger:
    """What was done to the world outside. It survives crashes, as the world does.

    Effects are recorded by the bodies of steps, or by what stands in for a payment provider there. A ledger
    is for one test, with as many runners and executions as it has.
    """

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._keep: Filter | None = None

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} x{self.count(name)}" for name in self._names())
        return f"<effects: {counts or 'none'}>"

    def __len__(self) -> int:
        return len(self._effects)

    def __iter__(self) -> Iterator[Effect]:
        return iter(tuple(self._effects))

    def record(self, name: str, /, key: Key | None = None, **data: Any) -> None:
        """Take note of an effect that has just happened.

        ``key`` is the idempotency key under which the receiver got it. ``data`` is copied. The sandbox may
        crash here, or another branch go on, as in the middle of a body.

        Raises:
            UsageError: the name or the key is none, or the data cannot be copied.
        """
        self._record(name, key, data)

    def _record(self, name: str, key: Key | None, data: dict[str, Any]) -> None:
        demand_effect_name(name)
        demand_key(key)
        try:
            kept = deepcopy(data)
        except Exception as error:
            raise UsageError(
                f"The data of effect {name!r} cannot be copied ({type(error).__name__}: {error}). "
                "Record what tells it apart, such as ids and amounts."
            ) from error
        runtime = _runtime.current.get()
        if not isinstance(runtime, SimulatedRuntime):
            self._add(Effect(name, key, None, None, None, None, None, kept=kept))
            return
        if runtime.is_shadow:
            return
        # The dead can touch nothing.
        runtime.demand_alive()
        self._add(_located(runtime, name, key, kept))
        if runtime.has_turn:
            # Not in a thread that the body waits for, such as one of asyncio.to_thread.
            runtime.effect(name, (name, key))

    def _add(self, effect: Effect) -> None:
        self._effects.extend([effect] if self._keep is None else self._keep(effect))

    def wrap(
        self, name: str | None = None, *, key: Callable[..., Key | None] | None = None
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """Return a decorator for a double: each call of it that returns is an effect.

        ``name`` is by default that of the function. ``key`` is called with the arguments of the call. The
        arguments by their names, but ``self`` and ``cls``, are the data. Coroutine functions are awaited.

        Raises:
            UsageError: the name is empty.
        """
        if name is not None:
            demand_effect_name(name)

        def decorate(function: Callable[P, T]) -> Callable[P, T]:
            parameters = signature(function)
            effect_name = name or function.__name__

            def note(*args: P.args, **kwargs: P.kwargs) -> None:
                bound = parameters.bind(*args, **kwargs)
                bound.apply_defaults()
                data = {at: value for at, value in bound.arguments.items() if at not in ("self", "cls")}
                self._record(effect_name, None if key is None else key(*args, **kwargs), data)

            if iscoroutinefunction(function):

                @wraps(function)
                async def call_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                    result = await function(*args, **kwargs)
                    note(*args, **kwargs)
                    return result

                asynchronous: Any = call_async
                return asynchronous  # type: ignore[no-any-return]

            @wraps(function)
            def call(*args: P.args, **kwargs: P.kwargs) -> T:
                result = function(*args, **kwargs)
                note(*args, **kwargs)
                return result

            return call

        return decorate

    def all(self, name: str | None = None) -> list[Effect]:
        """Return the effects of a name, or all, in the order in which they happened."""
        return [effect for effect in self._effects if name in (None, effect.name)]

    def count(self, name: str, key: Key | None = None) -> int:
        """Return how many effects of a name there were; with ``key``, of that key."""
        demand_effect_name(name)
        demand_key(key)
        return sum(effect.name == name and key in (None, effect.key) for effect in self._effects)

    def exactly_once(self, name: str, key: Key | None = None) -> None:
        """Demand that the effect happened, and once for each key; without keys, once in all.

        With ``key`` only effects of that key are looked at. An effect whose key was made anew by a repeated
        attempt counts as a repetition.

        Raises:
            AssertionError: it did not; the message has every effect with its place, what lies between them,
                and what to do.
        """
        if not self._named(name, key):
            raise AssertionError(
                never_happened(name, key, self._names(), get_close_matches(name, self._names()))
            )
        self._demand_single(name, key, "exactly once")

    def at_most_once(self, name: str, key: Key | None = None) -> None:
        """Demand what `exactly_once` does, but for an effect that never happened, which is right.

        Raises:
            AssertionError: it happened again.
        """
        self._demand_single(name, key, "at most once")

    def idempotent(self, name: str) -> None:
        """Demand that repetitions of the effect are known as such to the receiver.

        Each effect has a key, all of one key have the same data, and a repeated attempt uses the key of the
        attempt before it. An effect that never happened is right.

        Raises:
            AssertionError: it is not so.
        """
        effects = self._named(name)
        without = [effect for effect in effects if effect.key is None]
        if without:
            raise AssertionError(keyless(name, without))
        self._demand_lasting_keys(effects)
        for group in _by_key(effects).values():
            different = next((effect for effect in group if effect.kept != group[0].kept), None)
            if different is not None:
                raise AssertionError(other_data(group[0], different))

    def _demand_single(self, name: str, key: Key | None, demand: str) -> None:
        effects = self._named(name, key)
        for group in _by_key(effects).values():
            if len(group) > 1:
                raise AssertionError(happened_again(group, demand))
        self._demand_lasting_keys(effects)

    @staticmethod
    def _demand_lasting_keys(effects: list[Effect]) -> None:
        changed = changed_key(effects)
        if changed is not None:
            raise AssertionError(made_anew(*changed))

    def _named(self, name: str, key: Key | None = None) -> list[Effect]:
        demand_effect_name(name)
        demand_key(key)
        return [effect for effect in self._effects if effect.name == name and key in (None, effect.key)]

    def _names(self) -> list[str]:
        return list(dict.fromkeys(effect.name for effect in self._effects))

    def digest(self) -> str:
        """Return a text that is equal for ledgers which nobody outside could tell apart.

        It has the names, keys and data of the effects, in their order for each pair of name and key.
        """
        return digest_of(self._effects)

    def lines(self) -> list[str]:
        """Return the effects as lines of a report, those of one name and key in one line."""
        return lines(list(_by_key(self._effects).values()))

    def clear(self) -> None:
        """Forget every effect."""
        self._effects.clear()

    def keep_as(self, keep: Filter | None) -> None:
        """Keep what ``keep`` makes of each effect instead of it: how the world is made to misbehave."""
        self._keep = keep


def _located(runtime: SimulatedRuntime, name: str, key: Key | None, data: dict[str, Any]) -> Effect:
    """Return an effect that has happened in a run."""
    at = to_datetime(runtime.now())
    origin = runtime.origin
    if origin is None:
        return Effect(name, key, None, None, None, None, at, kept=data)
    step = running_step.get()
    operation_id = None if step is None else step.identifier.operation_id
    return Effect(
        name,
        key,
        origin.execution,
        origin.invocation,
        None if step is None else shown(step.path),
        None if step is None else step.attempt,
        at,
        origin.function if origin.is_call else None,
        Source(origin.log, len(origin.log), runtime, operation_id),
        data,
    )


def _by_key(effects: list[Effect]) -> dict[tuple[str, Key | None], list[Effect]]:
    groups: dict[tuple[str, Key | None], list[Effect]] = {}
    for effect in effects:
        groups.setdefault((effect.name, effect.key), []).append(effect)
    return groups
