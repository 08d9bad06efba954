"""Inputs: what an operation is given, taken apart into values that can be compared.

A function is told by where it is defined, by the arguments that are bound to it, by its defaults, and by the
variables of the handler that it uses.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from inspect import unwrap
from itertools import pairwise
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple

from durable_sdk._callables import BoundCall, BoundSubmitter
from durable_sdk.config import ParallelBranch
from pytest_durable.simulator.replaying.values import is_mutable, is_plain, value_text

# What changes a container without telling anything of it.
MUTATORS = frozenset(
    [
        "append",
        "add",
        "update",
        "extend",
        "insert",
        "setdefault",
        "remove",
        "discard",
        "clear",
        "sort",
        "reverse",
        "appendleft",
    ]
)

# What changes a container, and may tell something of it.
_CHANGERS = MUTATORS | {"pop", "popitem", "popleft"}


class Input(NamedTuple):
    """One value: what it is called, its text when the operation was called, and what holds it."""

    label: str
    text: str
    value: object
    cell: CellType | None = None
    holder: object = None
    """What it is a part of, if the operation was given more than it reads."""

    @property
    def variable(self) -> str:
        """The name of the argument or variable, without the part of it that this is."""
        return self.label if self.holder is None else re.split(r"[.\[]", self.label, maxsplit=1)[0]

    def differs_from(self, then: Input) -> bool:
        """Return whether the operation was given something else ``then``.

        What is the same object in both runs belongs to neither of them: a list of the test, say.
        """
        if self.text == then.text:
            return False
        if self.cell is not None and self.cell is then.cell:
            return False
        if self.holder is not None and self.holder is then.holder:
            return False
        return not (self.value is then.value and is_mutable(self.value))


def inputs_of(given: Mapping[str, object], then: Mapping[str, object] | None) -> tuple[Input, ...]:
    """Return the inputs of an operation, taken apart, but for its configuration, which nobody can change.

    Functions that were also given ``then``, in another run, belong to neither and are left out.
    """
    found: list[Input] = []
    for label, value in given.items():
        if label == "config":
            continue
        if label == "functions" and isinstance(value, Sequence):
            found.append(Input("number of branches", str(len(value)), None))
            for index, function in enumerate(value):
                found += _function(function, f"functions[{index}]")
        elif callable(value):
            if then is None or then.get(label) is not value:
                found += _function(value, label)
        elif is_plain(value):
            found.append(Input(label, value_text(value), value))
    return tuple(found)


def settings_of(given: Mapping[str, object]) -> tuple[Input, ...]:
    """Return what a configuration holds that is plain."""
    config = given.get("config")
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        return ()
    values = [(field.name, getattr(config, field.name)) for field in dataclasses.fields(config)]
    return tuple(
        Input(f"config.{name}", value_text(value), value)
        for name, value in values
        if value is not None and is_plain(value)
    )


def _function(given: object, label: str) -> Iterator[Input]:
    match given:
        case ParallelBranch():
            yield from _function(given.func, label)
        case BoundCall() | BoundSubmitter():
            yield from _bound_call(given, label)
        case functools.partial():
            yield from _function(given.func, label)
            yield from _arguments(given.func, given.args, given.keywords, 0)
        case FunctionType():
            yield from _own(given, label)


def _bound_call(call: BoundCall[Any, Any] | BoundSubmitter[Any], label: str) -> Iterator[Input]:
    inner = call._call
    cells = _cells(inner) if isinstance(inner, FunctionType) else {}
    try:
        function, arguments = cells["func"].cell_contents, cells["args"].cell_contents
        keywords = cells["kwargs"].cell_contents
    except (KeyError, ValueError):
        return
    yield from _function(function, label)
    yield from _arguments(function, arguments, keywords, 2 if isinstance(call, BoundSubmitter) else 1)


def _arguments(
    function: object, arguments: Sequence[object], keywords: Mapping[str, object], first: int
) -> Iterator[Input]:
    code = getattr(unwrap(function) if callable(function) else function, "__code__", None)
    names = code.co_varnames[first : code.co_argcount] if isinstance(code, CodeType) else ()
    for index, value in enumerate(arguments):
        if is_plain(value):
            yield Input(
                names[index] if index < len(names) else f"argument {index + 1}", value_text(value), value
            )
    for name, value in keywords.items():
        if is_plain(value):
            yield Input(name, value_text(value), value)


def _own(function: FunctionType, label: str) -> Iterator[Input]:
    """Where the function is defined, its defaults, and the variables of others that it uses."""
    code = function.__code__
    if (function.__module__ or "").partition(".")[0] == "durable_sdk":
        # The SDK's own, around a function that the operation above it was given.
        return
    yield Input(label, _whereabouts(code), function)
    if not (function.__closure__ or function.__defaults__ or function.__kwdefaults__):
        return
    defaults = function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    for name, value in [*zip(names, defaults, strict=True), *(function.__kwdefaults__ or {}).items()]:
        if is_plain(value):
            yield Input(name, value_text(value), value)
    for name, cell in _cells(function).items():
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        parts = parts_read(code, name)
        if parts is not None and name not in only_written(code):
            read = [(part, part.of(value)) for part in parts]
            if all(is_plain(found) for _, found in read):
                for part, found in read:
                    yield Input(f"{name}{part}", value_text(found), found, cell, value)
                continue
        if is_plain(value) and name not in only_written(code):
            yield Input(name, value_text(value), value, cell)


class Part(NamedTuple):
    """An attribute or a key by which a function reads a value."""

    key: object
    is_attribute: bool

    def __str__(self) -> str:
        return f".{self.key}" if self.is_attribute else f"[{self.key!r}]"

    def of(self, value: object) -> object:
        """Return what a value has there, or the value itself where only its own code could tell."""
        try:
            if not self.is_attribute:
                return value[self.key] if type(value) is dict else value
            return inspect.getattr_static(value, str(self.key))
        except (AttributeError, KeyError):
            return None


@lru_cache(maxsize=1 << 12)
def parts_read(code: CodeType, name: str) -> tuple[Part, ...] | None:
    """Return the parts by which a function reads a variable of others; None if it takes it as a whole."""
    found: dict[Part, None] = {}
    instructions = [each for each in dis.get_instructions(code) if each.opname != "CACHE"]
    for index, instruction in enumerate(instructions):
        if instruction.opname != "LOAD_DEREF" or instruction.argval != name:
            continue
        following, last = (*instructions[index + 1 : index + 3], None, None)[:2]
        if following is None:
            return None
        if following.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            found[Part(following.argval, True)] = None
        elif following.opname == "LOAD_CONST" and last is not None and _subscribes(last):
            found[Part(following.argval, False)] = None
        else:
            return None
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and name in constant.co_freevars:
            inner = parts_read(constant, name)
            if inner is None:
                return None
            found.update(dict.fromkeys(inner))
    return tuple(found) or None


def _subscribes(instruction: dis.Instruction) -> bool:
    return instruction.opname == "BINARY_SUBSCR" or (
        instruction.opname == "BINARY_OP" and instruction.argrepr == "[]"
    )


@lru_cache(maxsize=1 << 12)
def _whereabouts(code: CodeType) -> str:
    return f"{code.co_qualname} (line {code.co_firstlineno})"


def _cells(function: FunctionType) -> dict[str, CellType]:
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


@lru_cache(maxsize=1 << 12)
def only_written(code: CodeType) -> frozenset[str]:
    """Return the variables of others that a function only adds to: what they hold tells nothing to it."""
    written = {name for name, _ in writes(code) if name in code.co_freevars}
    if not written:
        return frozenset()
    instructions = list(dis.get_instructions(code))
    for instruction, following in pairwise(instructions):
        if instruction.opname == "LOAD_DEREF" and not (
            following.opname in ("LOAD_ATTR", "LOAD_METHOD") and following.argval in MUTATORS
        ):
            written.discard(instruction.argval)
    return frozenset(written)


@lru_cache(maxsize=1 << 12)
def writes(code: CodeType) -> tuple[tuple[str, int], ...]:
    """Return the variables of others that a function changes, each with the line where it does."""
    lines: dict[int, list[dis.Instruction]] = {}
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = line_of(instruction) or line
        lines.setdefault(line, []).append(instruction)
    found: dict[str, int] = {}
    for line, instructions in lines.items():
        changes = any(
            each.opname in ("STORE_SUBSCR", "DELETE_SUBSCR", "STORE_ATTR")
            or (each.opname in ("LOAD_ATTR", "LOAD_METHOD") and each.argval in _CHANGERS)
            for each in instructions
        )
        for each in instructions:
            if each.opname in ("STORE_DEREF", "STORE_GLOBAL"):
                if each.argval not in code.co_cellvars:
                    found.setdefault(each.argval, line)
            elif changes and each.opname in ("LOAD_DEREF", "LOAD_GLOBAL"):
                found.setdefault(each.argval, line)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            for name, line in writes(constant):
                if name not in code.co_cellvars:
                    found.setdefault(name, line)
    return tuple(found.items())


def line_of(instruction: dis.Instruction) -> int | None:
    """Return the line of an instruction, None if it has none."""
    positions = instruction.positions
    return None if positions is None else positions.lineno


def functions_in(given: Mapping[str, object]) -> Iterator[FunctionType]:
    """Return the functions that an operation is given, those behind a decorator or a partial too."""
    pending: list[object] = [*given.values()]
    while pending:
        value = pending.pop(0)
        match value:
            case ParallelBranch():
                pending.append(value.func)
            case BoundCall() | BoundSubmitter():
                inner: Callable[..., Any] = value._call
                if isinstance(inner, FunctionType) and "func" in _cells(inner):
                    pending.append(_cells(inner)["func"].cell_contents)
            case functools.partial():
                pending.append(value.func)
            case FunctionType():
                yield value
            case list() | tuple():
                pending += value
