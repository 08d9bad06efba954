"""Holders: the modules that hold certain objects by name, found anew as modules are imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple


class Place(NamedTuple):
    """An attribute of a module."""

    module: ModuleType
    name: str
    value: Any


class Searched(NamedTuple):
    """What a search has found, and the modules that there were."""

    places: list[Place]
    modules: list[ModuleType]
    installed: dict[ModuleType, tuple[int, list[Place]]]
    """For each module that need not be searched again: how many names it had, and what was found."""

    def knows(self, module: ModuleType) -> bool:
        """Return whether it has been searched, once and for all."""
        known = self.installed.get(module)
        # With another number of names than now it has been at its import.
        return known is not None and known[0] == len(vars(module))


class Holders:
    """Finds the attributes of modules that are wanted.

    There may be thousands of modules, and most tests import some more: to search all takes a tenth of a
    second. Those of Python and of installed packages are searched once. Those of a project are searched
    whenever a module has been imported: its tests replace what they hold, and put it back.
    """

    def __init__(self, is_wanted: Callable[[Any], bool], *, apart_from: tuple[str, ...] = ()) -> None:
        """``apart_from`` are the names of modules that are left alone."""
        self._is_wanted = is_wanted
        self._apart_from = apart_from
        self._last = Searched([], [], {})

    def search(self) -> Searched:
        """Return what there is; the same object as before if no module has been imported since."""
        # By identity: a module that was imported anew has taken the place of another.
        modules = list(sys.modules.values())
        if modules != self._last.modules:
            places: list[Place] = []
            installed: dict[ModuleType, tuple[int, list[Place]]] = {}
            for module in dict.fromkeys(self._searched(modules)):
                count, found = len(vars(module)), self._search(module)
                places += found
                if _is_installed(module):
                    installed[module] = (count, found)
            self._last = Searched(places, modules, installed)
        return self._last

    def new_since(self, before: Searched) -> list[Place]:
        """Return the attributes, wanted or not, of modules that may have been imported since a search."""
        modules = list(sys.modules.values())
        if modules == before.modules:
            return []
        new = (module for module in self._searched(modules) if not before.knows(module))
        return [place for module in new for place in _places(module)]

    def _searched(self, modules: list[ModuleType]) -> Iterator[ModuleType]:
        # Some packages put objects of their own there.
        return (
            module
            for module in modules
            if type(module) is ModuleType and module.__name__ not in self._apart_from
        )

    def _search(self, module: ModuleType) -> list[Place]:
        if self._last.knows(module):
            return self._last.installed[module][1]
        is_wanted = self._is_wanted
        return [place for place in _places(module) if is_wanted(place.value)]


def _is_installed(module: ModuleType) -> bool:
    is_pythons = module.__name__.partition(".")[0] in sys.stdlib_module_names
    return is_pythons or "site-packages" in str(getattr(module, "__file__", None))


def _places(module: ModuleType) -> list[Place]:
    return [Place(module, name, value) for name, value in list(vars(module).items())]
