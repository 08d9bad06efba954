"""Bindings: what a handler's code could see by name when its execution ended, to be seen again by a replay.

A test may have put doubles in place for the run alone, by ``mock.patch`` or ``patch.dict``. When replays are
checked its body is over, and so are they: without them a replay would see other functions than the run did,
or call the real ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import unwrap
from types import ModuleType
from typing import Any

from pytest_durable.simulator.invocation import Handler
from pytest_durable.simulator.replaying.variables import copy_of

_OURS = ("durable_sdk", "pytest_durable", "pytest", "_pytest")


class Bindings:
    """The names of the handler's module, those of the modules that it names, and the environment."""

    def __init__(self, handler: Handler) -> None:
        function: Any = unwrap(handler)
        names: dict[str, Any] = getattr(function, "__globals__", {})
        modules = [vars(value) for value in names.values() if _may_hold_doubles(value)]
        self._kept = [(space, dict(space)) for space in (names, *modules)]
        self._environment = copy_of(os.environ)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let them hold while the block runs."""
        changed: list[tuple[dict[str, Any], str, Any]] = []
        environment = copy_of(os.environ)
        for space, kept in self._kept:
            for name, value in kept.items():
                if name in space and space[name] is not value:
                    changed.append((space, name, space[name]))
                    space[name] = value
        if environment != self._environment:
            _set_environment(self._environment)
        try:
            yield
        finally:
            for space, name, value in changed:
                space[name] = value
            if copy_of(os.environ) != environment:
                _set_environment(environment)


def _may_hold_doubles(value: object) -> bool:
    if type(value) is not ModuleType:
        return False
    root = value.__name__.partition(".")[0]
    return root not in sys.stdlib_module_names and root not in _OURS


def _set_environment(variables: dict[Any, Any]) -> None:
    os.environ.clear()
    os.environ.update({os.fsdecode(name): os.fsdecode(value) for name, value in variables.items()})
