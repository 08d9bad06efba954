"""Chance: what the code of a run draws from `random` and from the system comes from streams of its own.

While a run goes on, the generator behind the functions of `random` is in a state that the seed decides, and
the system's random numbers (`os.urandom`, and so `uuid4`, `secrets`, `SystemRandom`, and generators without
a seed) come from a seeded stream. Both go on from invocation to invocation. When the run stops, all is as it
was: code of the test draws as if no run had been.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol

from pytest_durable.entropy import Entropy
from pytest_durable.simulator.holders import Holders

_real_urandom = os.urandom
_real_seed = random.seed
_real_seed_method = random.Random.seed

# As many bytes as a generator takes from the system when it is given no seed.
_SEED_BYTES = 2_496

_RandomState = tuple[Any, ...]


class Source(Protocol):
    """What stands for the system's random numbers."""

    @property
    def is_drawing(self) -> bool:
        """Whether whoever calls belongs to the run: other threads draw from the system."""
        ...

    def draw_bytes(self, size: int) -> bytes:
        """Return the next bytes."""
        ...


# Of the run that goes on, and of those in which it was begun.
_sources: list[Source] = []


def _source() -> Source | None:
    return _sources[-1] if _sources and _sources[-1].is_drawing else None


def _urandom(size: int, /) -> bytes:
    source = _source()
    return _real_urandom(size) if source is None or size < 0 else source.draw_bytes(size)


def _seed_or_draw(seed: Any) -> Any:
    """Return the seed; instead of None, which asks the system for one, what the run draws."""
    source = _source() if seed is None else None
    return seed if source is None else int.from_bytes(source.draw_bytes(_SEED_BYTES), "big")


def _seed(a: Any = None, version: int = 2) -> None:
    _real_seed(_seed_or_draw(a), version)


def _seed_method(self: random.Random, a: Any = None, version: int = 2) -> None:
    _real_seed_method(self, _seed_or_draw(a), version)


_STAND_INS: dict[int, Any] = {id(_real_urandom): _urandom, id(_real_seed): _seed}
_REALS: dict[int, Any] = {id(_urandom): _real_urandom, id(_seed): _real_seed}


_holders = Holders(lambda value: id(value) in _STAND_INS, apart_from=(__name__,))


@contextmanager
def drawn_from(source: Source) -> Iterator[None]:
    """Let ``source`` stand for the system's random numbers while the block runs.

    What `random` draws, and in which state it is left, is the block's business.
    """
    # What a test has replaced itself, such as by monkeypatch, stays as the test wants it.
    searched = _holders.search()
    changes = [place for place in searched.places if getattr(place.module, place.name, None) is place.value]
    generator: Any = random.Random
    replaces_method = generator.seed is _real_seed_method
    for module, name, real in changes:
        setattr(module, name, _STAND_INS[id(real)])
    if replaces_method:
        generator.seed = _seed_method
    _sources.append(source)
    try:
        yield
    finally:
        _sources.pop()
        if replaces_method and generator.seed is _seed_method:
            generator.seed = _real_seed_method
        for module, name, real in changes:
            if getattr(module, name, None) is _STAND_INS[id(real)]:
                setattr(module, name, real)
        if not _sources:
            # What a module holds that was imported meanwhile.
            for module, name, value in _holders.new_since(searched):
                if id(value) in _REALS:
                    setattr(module, name, _REALS[id(value)])


class Chance:
    """The streams that the code of one simulation draws from. ``has_turn`` tells its threads from others."""

    def __init__(self, entropy: Entropy, has_turn: Callable[[], bool]) -> None:
        self._entropy = entropy
        self._has_turn = has_turn
        self._state: _RandomState | None = None
        self._system: random.Random | None = None
        self._draws = 0
        self._seen: tuple[int, _RandomState | None] = (0, None)

    @property
    def is_drawing(self) -> bool:
        """Whether the calling thread is one of the simulation's, and it is its turn."""
        return self._has_turn()

    def draw_bytes(self, size: int) -> bytes:
        """Return the next bytes that stand for the system's random numbers."""
        if self._system is None:
            self._system = self._entropy.stream("system")
        self._draws += 1
        return self._system.randbytes(size)

    def has_drawn(self) -> bool:
        """Return whether anything was drawn since this was last asked; asked while in place."""
        before, self._seen = self._seen, (self._draws, random.getstate())
        return self._seen != (before[0], before[1] or _beginning(self._entropy.seed)[0])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let everything be drawn from these streams, from where they were left, while the block runs."""
        state = random.getstate()
        beginning, first = _beginning(self._entropy.seed)
        random.setstate(self._state or beginning)
        try:
            with drawn_from(self):
                yield
        finally:
            # Reading a state takes longer than the rest together: one draw tells whether there is need.
            if self._state is not None or random.getrandbits(64) != first:
                self._state = random.getstate()
            random.setstate(state)


@lru_cache(maxsize=64)
def _beginning(seed: int) -> tuple[_RandomState, int]:
    """Return the state in which `random` begins, and what it draws first."""
    stream = Entropy(seed).stream("random")
    return stream.getstate(), stream.getrandbits(64)
