"""State: which code of a handler writes a variable in the body of a step, and which reads it outside."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from inspect import unwrap
from types import CodeType, FunctionType
from typing import NamedTuple

from pytest_durable.simulator.replaying.inputs import MUTATORS, functions_in, line_of, writes
from pytest_durable.simulator.replaying.objects import named_by
from pytest_durable.simulator.replaying.shadow import Replay
from pytest_durable.simulator.replaying.site import Site
from pytest_durable.simulator.replaying.trace import Trace, TracedCall

_STEP_FUNCTIONS = ("func", "check", "submitter")

# Functions that the body of a step calls are looked into so deep.
_DEEPEST = 3


class Written(NamedTuple):
    """Where a variable is written, and in which step; or in which branch, or child context."""

    step: str
    site: Site
    is_branch: bool = False


class CodeReader:
    """Reads the functions that an execution has run. ``replay`` tells which of them are made by each run."""

    def __init__(self, trace: Trace, replay: Replay) -> None:
        handler = unwrap(trace.execution.handler)
        self._calls = trace.calls
        self._handler = handler if isinstance(handler, FunctionType) else None
        self._step_codes: set[CodeType] = set()
        self._steps: list[tuple[TracedCall, FunctionType, bool]] = []
        self._branches: list[tuple[TracedCall, FunctionType, bool]] = []
        self._bodies: list[CodeType] = [] if self._handler is None else [self._handler.__code__]
        for operation_id, call in trace.calls.items():
            again = replay.calls.get(operation_id)
            same = [] if again is None else list(functions_in(again.call.inputs))
            for label, value in call.call.inputs.items():
                for function in functions_in({label: value}):
                    found = (call, function, any(function is each for each in same))
                    if call.call.operation_type == "STEP" or label == "submitter":
                        self._steps.append(found)
                        self._step_codes.add(function.__code__)
                    else:
                        self._branches.append(found)
                        self._bodies.append(function.__code__)

    def named(self) -> dict[str, object]:
        """Return what the code names that it shares with other runs: globals, and variables around it."""
        return {} if self._handler is None else named_by(self._handler)

    def on_another_context(self) -> tuple[TracedCall, TracedCall] | None:
        """Return a call in the body of a context, or branch, that is not made on the context of the body.

        Also returns the call of that context.
        """
        own: dict[str | None, set[str]] = {None: set()}
        if self._handler is not None:
            own[None].add(self._handler.__code__.co_qualname)
        for operation_id, call in self._calls.items():
            if call.call.operation_type == "CONTEXT":
                own[operation_id] = {each.__code__.co_qualname for each in functions_in(call.call.inputs)}
        for operation_id, call in self._calls.items():
            where = call.sites[0].function if call.sites else ""
            for body_id, functions in own.items():
                if (
                    body_id is not None
                    and body_id not in (operation_id, call.call.context_id)
                    and where in functions
                    and where not in own.get(call.call.context_id, ())
                ):
                    return call, self._calls[body_id]
        return None

    def written_in_step(self, name: str) -> Written | None:
        """Return where the body of a step writes the variable."""
        for call, function, _ in self._steps:
            for each in _reachable(function):
                for written, line in writes(each.__code__):
                    if written == name:
                        return Written(call.label, _site(each.__code__, line))
        return None

    def local_writes(self) -> Iterator[tuple[str, Written]]:
        """Return the variables of the handler's own that the bodies of steps write, then those of branches.

        A branch or child context that has ended does not run again either.
        """
        for call, function, is_shared in (*self._steps, *self._branches):
            if is_shared:
                continue
            for each in _reachable(function):
                outside = () if self._handler is None else self._handler.__closure__ or ()
                cells = dict(zip(each.__code__.co_freevars, each.__closure__ or (), strict=True))
                for name, line in writes(each.__code__):
                    if name in cells and not any(cells[name] is cell for cell in outside):
                        is_branch = call.call.operation_type != "STEP"
                        yield name, Written(call.label, _site(each.__code__, line), is_branch)

    def local_read(self, name: str, written: Written, *, in_steps: bool = False) -> Site | None:
        """Return the first line at which the function that has the variable, or one inside it, reads it.

        With ``in_steps`` bodies of other steps count, too: they may run in another invocation.
        """
        for code in self._codes(with_module=True):
            owner = f"{code.co_qualname}.<locals>."
            if name in code.co_cellvars and written.site.function.startswith(owner):
                writer = written.site.function
                inside = [
                    code,
                    *(
                        each
                        for each in _codes_in(code)
                        if each not in self._step_codes or (in_steps and each.co_qualname != writer)
                    ),
                ]
                lines = [(each, _load(each, name)) for each in inside]
                found = next(((each, line) for each, line in lines if line is not None), None)
                if found is not None:
                    return _site(*found)
        return None

    def read_at(self, name: str) -> Site | None:
        """Return the first line outside steps that reads a global, or a variable of the function around."""
        for code in self._codes(with_module=True):
            line = _load(code, name)
            if line is not None:
                return _site(code, line)
        return None

    def _codes(self, *, with_module: bool) -> Iterator[CodeType]:
        """The code that runs outside steps, or may: bodies, what is in them, and functions of the module."""
        pending = list(self._bodies)
        if self._handler is not None and with_module:
            pending += [
                value.__code__
                for value in self._handler.__globals__.values()
                if isinstance(value, FunctionType) and value.__module__ == self._handler.__module__
            ]
        seen: set[CodeType] = set(self._step_codes)
        while pending:
            code = pending.pop(0)
            if code not in seen:
                seen.add(code)
                yield code
                pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _reachable(function: FunctionType) -> list[FunctionType]:
    """Return the function and those of the user's that it names, and they name."""
    found = [function]
    for _ in range(_DEEPEST):
        named = [each for one in found for each in _named(one) if not any(each is other for other in found)]
        if not named:
            break
        found += named
    return found


def _named(function: FunctionType) -> Iterator[FunctionType]:
    code = function.__code__
    held: list[object] = [function.__globals__.get(name) for name in code.co_names]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:
            continue
    for value in held:
        value = unwrap(value) if callable(value) and hasattr(value, "__wrapped__") else value
        if isinstance(value, FunctionType) and value.__module__ == function.__module__:
            yield value


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_in(constant)


def _load(code: CodeType, name: str) -> int | None:
    """Return the first line of the code itself that reads the variable, other than to add to it."""
    instructions = list(dis.get_instructions(code))
    line = code.co_firstlineno
    for index, instruction in enumerate(instructions):
        line = line_of(instruction) or line
        if instruction.argval != name or instruction.opname not in (
            "LOAD_DEREF",
            "LOAD_GLOBAL",
            "LOAD_NAME",
        ):
            continue
        following = instructions[index + 1 : index + 2]
        if not any(each.argval in MUTATORS for each in following if isinstance(each.argval, str)):
            return line
    return None


def _site(code: CodeType, line: int) -> Site:
    return Site(code.co_filename, line, code.co_qualname)
