"""Surroundings: what a handler can read besides its record, as it stands at a moment, and how to put it back.

These are the plain values among the globals of its module, the variables of the function around it, and the
environment. A sandbox that starts later may find them as they were, or as another invocation has left them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from inspect import unwrap
from types import CellType, FunctionType
from typing import Any, NamedTuple

from pytest_durable.simulator.replaying.objects import Objects
from pytest_durable.simulator.replaying.plain import ATOMS, CONTAINERS, MISSING, copied, same
from pytest_durable.simulator.replaying.variables import copy_of


class Surroundings(NamedTuple):
    """Copies of what there was, and where."""

    namespace: dict[str, Any]
    names: dict[str, object]
    known: frozenset[str]
    cells: dict[str, tuple[CellType, object]]
    environment: dict[Any, Any]
    defaults: dict[str, tuple[FunctionType, tuple[Any, ...], object]] = {}  # noqa: RUF012 - never changed
    """Of functions with lists, dicts or sets as defaults: the function, its defaults, and a copy of them."""
    held: Objects | None = None
    """What objects hold that the handler's code names."""

    @classmethod
    def of(cls, handler: Callable[..., Any]) -> Surroundings:
        """Take a snapshot of what the handler can read."""
        function = unwrap(handler)
        if not isinstance(function, FunctionType):
            return cls({}, {}, frozenset(), {}, _environment())
        namespace = function.__globals__
        return cls(
            namespace,
            _plain_names(namespace),
            frozenset(namespace),
            dict(_plain_cells(function)),
            _environment(),
            dict(_mutable_defaults(function)),
            Objects(function),
        )

    @property
    def objects(self) -> list[object]:
        """What the module, and the function around the handler, hold now: objects that belong to no run."""
        held = [_content_of(cell) for cell, _ in self.cells.values()]
        return [*self.namespace.values(), *held]

    def changed_names(self) -> list[str]:
        """Return the globals that have another value now, those that are new included.

        One that held plain data and now holds something else, a client say, is what a warm sandbox has;
        making it again would be work.
        """
        now = _plain_names(self.namespace)
        return [
            name
            for name, value in now.items()
            if (name in self.names and not same(self.names[name], value)) or name not in self.known
        ]

    def changed_cells(self) -> list[str]:
        """Return the variables of the function around the handler that have another value now."""
        return [name for name, (cell, then) in self.cells.items() if not same(_content(cell), then)]

    def changed_defaults(self) -> list[str]:
        """Return the functions of which the value of a default has changed."""
        return [
            name for name, (_, defaults, then) in self.defaults.items() if not same(copied(defaults), then)
        ]

    def changed_environment(self) -> list[str]:
        """Return the environment variables that have another value now."""
        now = _environment()
        keys = [key for key in {**self.environment, **now} if self.environment.get(key) != now.get(key)]
        return [os.fsdecode(key) for key in keys]

    @contextmanager
    def names_restored(self, only: Collection[str] | None = None) -> Iterator[None]:
        """Give the globals, or ``only`` some of them, the values that they had, while the block runs."""
        namespace = self.namespace
        kept = {
            name: namespace.get(name, MISSING)
            for name in self.changed_names()
            if only is None or name in only
        }
        for name in kept:
            _put(namespace, name, copied(self.names[name]) if name in self.names else MISSING)
        try:
            yield
        finally:
            for name, value in kept.items():
                _put(namespace, name, value)

    @contextmanager
    def cells_restored(self, only: Collection[str] | None = None) -> Iterator[None]:
        """Give the variables around the handler, or ``only`` some, the values that they had."""
        changed = [self.cells[name] for name in self.changed_cells() if only is None or name in only]
        kept = [(cell, cell.cell_contents) for cell, _ in changed]
        for cell, then in changed:
            cell.cell_contents = copied(then)
        try:
            yield
        finally:
            for cell, value in kept:
                cell.cell_contents = value

    @contextmanager
    def defaults_restored(self, name: str) -> Iterator[None]:
        """Give a function defaults that are as they were, while the block runs."""
        function, defaults, then = self.defaults[name]
        copies: Any = copied(then)
        function.__defaults__ = copies
        try:
            yield
        finally:
            function.__defaults__ = defaults

    @contextmanager
    def environment_restored(self) -> Iterator[None]:
        """Give the environment the values that it had, while the block runs."""
        with environment_kept():
            now = _environment()
            variables: Any = _variables()
            for key in now.keys() - self.environment.keys():
                del variables[key]
            for key, value in self.environment.items():
                if now.get(key) != value:
                    variables[key] = value
            yield


@contextmanager
def environment_kept() -> Iterator[None]:
    """Put the environment back when the block ends, its order included."""
    variables: Any = _variables()
    before = copy_of(variables)
    try:
        yield
    finally:
        if list(copy_of(variables).items()) != list(before.items()):
            for key in list(variables.keys()):
                if key not in before or list(variables) != list(before):
                    del variables[key]
            for key, value in before.items():
                if variables.get(key) != value:
                    variables[key] = value


def _variables() -> Any:
    # As bytes, where the system has them so: reading them costs a fraction.
    return os.environ if sys.platform == "win32" else os.environb


def _environment() -> dict[Any, Any]:
    return copy_of(_variables())


def _plain_names(namespace: dict[str, Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in list(namespace.items()):
        if isinstance(value, (*ATOMS, *CONTAINERS)) and not name.startswith(("__", "@")):
            copy = copied(value)
            if copy is not MISSING:
                found[name] = copy
    return found


def _plain_cells(function: FunctionType) -> Iterator[tuple[str, tuple[CellType, object]]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        copy = _content(cell)
        if copy is not MISSING:
            yield name, (cell, copy)


def _mutable_defaults(
    handler: FunctionType,
) -> Iterator[tuple[str, tuple[FunctionType, tuple[Any, ...], object]]]:
    for function in (handler, *list(handler.__globals__.values())):
        if not isinstance(function, FunctionType) or function.__module__ != handler.__module__:
            continue
        defaults = function.__defaults__
        if defaults and any(isinstance(value, list | dict | set) for value in defaults):
            copy = copied(defaults)
            if copy is not MISSING:
                yield function.__qualname__, (function, defaults, copy)


def _content_of(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _content(cell: CellType) -> object:
    content = _content_of(cell)
    return content if content is MISSING else copied(content)


def _put(namespace: dict[str, Any], name: str, value: object) -> None:
    if value is MISSING:
        namespace.pop(name, None)
    else:
        namespace[name] = value
