"""Objects: what the objects hold that a handler's code names, and how to put it back.

A repository that stands for a database, an object with the settings, a class that counts: they outlive the
invocation like plain values of the module do. Only those are looked at which are named by the handler, or by
a function of its module that it calls; of each, attributes that are plain data or another object like it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from pytest_durable.simulator.replaying.plain import MISSING, copied, same

_OURS = ("durable_sdk", "pytest_durable", "pytest", "_pytest")

# A snapshot is taken for every execution.
_LARGEST = 50
_DEEPEST = 2
_FUNCTIONS_MAX = 30


class _Attribute(NamedTuple):
    owner: Any
    name: str
    then: object
    is_plain: bool


class Objects:
    """The attributes of objects as they are when it is made, by names like ``db.rows``."""

    def __init__(self, function: FunctionType) -> None:
        self._owners: dict[str, Any] = {}
        self._attributes: dict[str, _Attribute] = {}
        for name, value in named_by(function).items():
            self._take(name, value, _DEEPEST)

    def _take(self, path: str, owner: object, depth: int) -> None:
        held = _held(owner)
        if held is None or any(owner is each for each in self._owners.values()):
            return
        self._owners[path] = owner
        for name, value in held.items():
            copy = copied(value)
            self._attributes[f"{path}.{name}"] = _Attribute(
                owner, name, value if copy is MISSING else copy, copy is not MISSING
            )
            if copy is MISSING and depth > 1:
                self._take(f"{path}.{name}", value, depth - 1)

    def kind_of(self, path: str) -> str:
        """Return what the object is at the beginning of a path: the name of its class, or 'class'."""
        owner = self._owners[path.partition(".")[0]]
        return "class" if isinstance(owner, type) else type(owner).__name__

    def changed(self) -> list[str]:
        """Return the attributes that hold something else now, those that are new included."""
        found = []
        for path, owner in self._owners.items():
            now = _held(owner) or {}
            for name in {**now, **{each.name: None for each in self._of(owner)}}:
                then = self._attributes.get(f"{path}.{name}")
                value = now.get(name, MISSING)
                if then is None or not (
                    same(copied(value), then.then) if then.is_plain else value is then.then
                ):
                    found.append(f"{path}.{name}")
        return found

    def _of(self, owner: object) -> Iterator[_Attribute]:
        return (each for each in self._attributes.values() if each.owner is owner)

    @contextmanager
    def restored(self, path: str) -> Iterator[None]:
        """Let an attribute hold what it held, while the block runs."""
        then = self._attributes.get(path)
        parent, _, name = path.rpartition(".")
        owner = self._owners[parent]
        kept = (_held(owner) or {}).get(name, MISSING)
        value = MISSING if then is None else copied(then.then) if then.is_plain else then.then
        _put(owner, name, value)
        try:
            yield
        finally:
            _put(owner, name, kept)


def named_by(function: FunctionType) -> dict[str, object]:
    """Return the globals, and variables around it, that a function names, or that those name which it calls.

    Of functions only those of its module are followed.
    """
    found: dict[str, object] = {}
    pending, seen = [function], {function.__code__}
    while pending and len(seen) < _FUNCTIONS_MAX:
        each = pending.pop()
        values = {name: each.__globals__.get(name, MISSING) for name in _names_in(each.__code__)}
        for name, cell in zip(each.__code__.co_freevars, each.__closure__ or (), strict=True):
            try:
                values[name] = cell.cell_contents
            except ValueError:
                continue
        for name, value in values.items():
            if isinstance(value, FunctionType) and value.__module__ == function.__module__:
                if value.__code__ not in seen:
                    seen.add(value.__code__)
                    pending.append(value)
            elif value is not MISSING:
                found.setdefault(name, value)
    return found


@lru_cache(maxsize=1 << 12)
def _names_in(code: CodeType) -> tuple[str, ...]:
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(dict.fromkeys(_names_in(constant)))
    return tuple(names)


def _held(owner: object) -> dict[str, object] | None:
    """Return the attributes of an object, or class, that is the user's; None if it is none."""
    kind = owner if isinstance(owner, type) else type(owner)
    is_users = _is_users(kind) and not isinstance(owner, ModuleType | FunctionType)
    if kind is not SimpleNamespace and not is_users:
        return None
    try:
        held = vars(owner)
    except TypeError:
        return None
    found = {
        name: value
        for name, value in held.items()
        if not name.startswith("__")
        and not (isinstance(owner, type) and (callable(value) or hasattr(value, "__get__")))
    }
    return found if len(found) <= _LARGEST else None


@lru_cache(maxsize=1 << 10)
def _is_users(kind: type) -> bool:
    root = (kind.__module__ or "").partition(".")[0]
    return root not in _OURS and (root == "__main__" or root not in sys.stdlib_module_names)


def _put(owner: Any, name: str, value: object) -> None:
    if isinstance(owner, type):
        if value is not MISSING:
            setattr(owner, name, value)
        elif name in vars(owner):
            delattr(owner, name)
    elif value is MISSING:
        vars(owner).pop(name, None)
    else:
        # Not by assignment, which the class may refuse or take for more.
        vars(owner)[name] = value
