"""Powers: what a test uses that only the simulator has, as far as that shows before it runs.

Looked at are its markers, its fixtures, and the code of the test function: what it reads off the name
``durable_runner``. A runner that goes by another name, or is used in a helper, is not seen; such a test skips
when it comes to the call.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType
from typing import Any

import pytest

from pytest_durable.cloud.needs import EXECUTION_POWERS, RUNNER_POWERS, execution_need, simulator_need
from pytest_durable.markers import DURABLE_EXECUTION, DURABLE_EXPLORE, DURABLE_FAULTS, DurableMark

RUNNER = "durable_runner"
_FIXTURES = ("durable_effects", "durable_mock")

# Arguments of the marker that change how the simulator runs, in what a test can see.
_ARGUMENTS = {
    "start_time": "time is real in the cloud",
    "limits": "the limits of the service are its own",
    "execution_timeout": "a deployed function has its own",
    "invocation_timeout": "a deployed function has its own",
}


def need_of(item: pytest.Item, mark: DurableMark, is_property: bool) -> str | None:
    """Return why a test cannot run in the cloud; None if nothing shows."""
    if mark.mode == "local":
        return "the marker says mode='local'"
    for name in (DURABLE_FAULTS, DURABLE_EXPLORE):
        marker = item.get_closest_marker(name)
        if marker is not None and marker.kwargs.get("enabled", True):
            return f"@pytest.mark.{name} needs the simulator"
    for name in _FIXTURES:
        if name in getattr(item, "fixturenames", ()):
            return f"the fixture {name} needs the simulator"
    marker = item.get_closest_marker(DURABLE_EXECUTION)
    given = {} if marker is None else marker.kwargs
    for name, reason in _ARGUMENTS.items():
        if given.get(name):
            return f"{name}= of @pytest.mark.durable_execution needs the simulator: {reason}"
    if given.get("clock") == "virtual":
        return "clock='virtual' of @pytest.mark.durable_execution needs the simulator"
    if is_property:
        return "a test with @given runs too often to invoke a deployed function each time"
    return _need_of_code(item)


def _need_of_code(item: pytest.Item) -> str | None:
    code = getattr(getattr(item, "function", None), "__code__", None)
    if code is None:
        return None
    used = set(_read_off(code, RUNNER))
    for name in sorted(used & RUNNER_POWERS):
        return simulator_need(name)
    if "start" in used:
        for name in sorted(set(_attributes(code)) & EXECUTION_POWERS):
            return execution_need(name)
    return None


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _read_off(code: CodeType, name: str) -> Iterator[str]:
    """Yield the attributes that some code reads off a variable."""
    for part in _codes(code):
        before: Any = None
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and _is_variable(before, name):
                yield instruction.argval
            before = instruction


def _is_variable(instruction: Any, name: str) -> bool:
    if instruction is None or not instruction.opname.startswith("LOAD_"):
        return False
    # Newer versions load two variables at once.
    loaded = instruction.argval
    return bool(loaded == name or (isinstance(loaded, tuple) and loaded[-1] == name))


def _attributes(code: CodeType) -> Iterator[str]:
    for part in _codes(code):
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                yield instruction.argval
