"""What handler code sees as the time: freezegun shows it the virtual clock, and ``time.sleep`` parks.

freezegun finds every module that holds a reference to the clock functions, which takes milliseconds, so it
is started once and what it changed is remembered. From then on showing virtual time is putting those
changes in place, and hiding it is taking them back: outside handler code nothing is changed at all.
"""

from __future__ import annotations

import copyreg
import datetime
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import freezegun
from freezegun import api as freezegun_api

from durable_sdk import _runtime
from pytest_durable.simulator.clock import Time
from pytest_durable.simulator.holders import Holders, Place, Searched
from pytest_durable.simulator.runtime import SimulatedRuntime

_EPOCH = datetime.datetime(1970, 1, 1)
_real_sleep = time.sleep
_real_perf_counter = time.perf_counter

# Modules that handler code has no business in: changing them would only cost time.
_OURS = ["durable_sdk", "pytest_durable", "_pytest", "pluggy", "execnet", "xdist"]

# freezegun changes these directly, beside what it finds by searching.
_CHANGED_MODULES: tuple[ModuleType, ...] = (time, datetime, uuid)


def real_seconds() -> float:
    """Return real seconds since any moment, for budgets and reports."""
    return _real_perf_counter()


def sleep_really(microseconds: int) -> None:
    """Let real time pass."""
    if microseconds > 0:
        _real_sleep(microseconds / 1_000_000)


def _sleep(seconds: float) -> None:
    """Sleep in the time of whoever calls: virtual in handler code, real anywhere else."""
    runtime = _runtime.current.get()
    if isinstance(runtime, SimulatedRuntime):
        runtime.sleep(seconds)
    else:
        _real_sleep(seconds)


class _VirtualNow(freezegun_api.FrozenDateTimeFactory):
    """Answers freezegun with virtual time in handler code, and with real time in threads beside it.

    With ``to_all`` everybody is shown virtual time.
    """

    def __init__(self, clock: Time, *, to_all: bool) -> None:
        super().__init__(_EPOCH)
        self._clock = clock
        self._to_all = to_all

    def __call__(self) -> datetime.datetime:
        if self._to_all or isinstance(_runtime.current.get(), SimulatedRuntime):
            microseconds = self._clock.now
        else:
            microseconds = freezegun_api.real_time_ns() // 1000
        return _EPOCH + datetime.timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True)
class _Change:
    """An attribute that freezegun, or we, replace while virtual time is shown."""

    holder: Any
    name: str
    real: Any
    fake: Any


class WallClock:
    """Shows and hides virtual time."""

    def __init__(self) -> None:
        self._freezes: list[_Change] = []
        self._pickles: dict[Any, Any] = {}
        self._sleeps: list[_Change] = []
        self._searched: Searched | None = None

    @contextmanager
    def shown(self, clock: Time, *, to_all: bool = False) -> Iterator[None]:
        """Show the time of ``clock`` while the block runs, to handler code or ``to_all`` code."""
        # What a test has replaced itself, such as by monkeypatch, stays as the test wants it.
        searched = _holders.search()
        changes = [
            change
            for change in self._changes(searched)
            if getattr(change.holder, change.name, None) is change.real
        ]
        freezegun_api.freeze_factories.append(_VirtualNow(clock, to_all=to_all))
        freezegun_api.ignore_lists.append(())
        freezegun_api.tick_flags.append(False)
        freezegun_api.tz_offsets.append(datetime.timedelta(0))
        for change in changes:
            setattr(change.holder, change.name, change.fake)
        copyreg.dispatch_table.update(self._pickles)
        try:
            yield
        finally:
            for change in changes:
                if getattr(change.holder, change.name, None) is change.fake:
                    setattr(change.holder, change.name, change.real)
            if new := _holders.new_since(searched):
                _clean(new, changes)
            freezegun_api.freeze_factories.pop()
            freezegun_api.ignore_lists.pop()
            freezegun_api.tick_flags.pop()
            freezegun_api.tz_offsets.pop()
            if not freezegun_api.freeze_factories:
                for real in self._pickles:
                    copyreg.dispatch_table.pop(real, None)

    def _changes(self, searched: Searched) -> list[_Change]:
        """Return what has to be put in place, found anew if modules have been imported since."""
        is_frozen = bool(freezegun_api.freeze_factories)
        if searched is not self._searched:
            self._sleeps = [
                _Change(place.module, place.name, _real_sleep, _sleep) for place in searched.places
            ]
            self._searched, self._freezes = searched, []
        # Under a freeze of the test's own, freezegun has changed the modules already.
        if is_frozen:
            return self._sleeps
        self._freezes = self._freezes or self._learn_freezes()
        return [*self._freezes, *self._sleeps]

    def _learn_freezes(self) -> list[_Change]:
        """Start freezegun, note what it changes, and stop it."""
        before = {module: dict(vars(module)) for module in _CHANGED_MODULES}
        # real_asyncio: a loop that waited on a frozen monotonic clock would never wake.
        # tick: threads beside this one go on in real time meanwhile.
        now = freezegun_api.real_datetime.now(datetime.UTC)
        freezer = freezegun.freeze_time(now, ignore=_OURS, tick=True, real_asyncio=True)
        freezer.start()
        try:
            self._pickles = {
                real: copyreg.dispatch_table[real]
                for real in (freezegun_api.real_datetime, freezegun_api.real_date)
            }
            found = [
                _Change(holder, name, real, getattr(holder, name))
                for holder, name, real in freezer.undo_changes
            ]
            direct = [
                _Change(module, name, real, vars(module)[name])
                for module, attributes in before.items()
                for name, real in attributes.items()
                if vars(module)[name] is not real
            ]
        finally:
            freezer.stop()
        return [*found, *direct]


def _clean(new: list[Place], changes: list[_Change]) -> None:
    """Give the real functions to modules that handler code imported while the fakes were in place."""
    # freezegun also sets some attributes to None, which is no sign of anything elsewhere.
    reals = {id(change.fake): change.real for change in changes if change.fake is not None}
    for module, name, value in new:
        if id(value) in reals:
            setattr(module, name, reals[id(value)])


# Of ``time.sleep``.
_holders = Holders(lambda value: value is _real_sleep, apart_from=(freezegun_api.__name__, __name__))

wall_clock = WallClock()
"""One for the process: the modules that it changes are the process's."""
