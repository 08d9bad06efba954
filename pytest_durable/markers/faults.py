"""The marker ``durable_faults``: what goes wrong in a test."""

from __future__ import annotations

import pytest

from pytest_durable.faults import Fault, reorder
from pytest_durable.markers.wording import did_you_mean, wrong

DURABLE_FAULTS = "durable_faults"


def faults_of(item: pytest.Item) -> tuple[Fault | reorder, ...]:
    """Return the faults and orders of a test: those of its module, then of its class, then its own.

    Raises:
        UsageError: an argument is no fault; it names the argument and the test.
    """
    found: list[Fault | reorder] = []
    # The closest comes first.
    for marker in reversed(list(item.iter_markers(DURABLE_FAULTS))):
        if marker.kwargs:
            names = ", ".join(marker.kwargs)
            raise wrong(DURABLE_FAULTS, item, f"takes faults only, by position; got {names}.")
        if not marker.args:
            raise wrong(DURABLE_FAULTS, item, "names no fault, such as faults.crash(after_step='ship').")
        for number, given in enumerate(marker.args, 1):
            if not isinstance(given, Fault | reorder):
                raise wrong(DURABLE_FAULTS, item, _not_a_fault(number, given))
            found.append(given)
    return tuple(found)


def _not_a_fault(number: int, given: object) -> str:
    if isinstance(given, type) and issubclass(given, Fault | reorder):
        name = given.kind() if issubclass(given, Fault) else f"faults.{given.__name__}"
        return f"argument {number} is the class {given.__name__}. Call it: {name}(...)."
    if isinstance(given, (list, tuple)):
        return f"argument {number} is a {type(given).__name__}. Faults are arguments of their own: use *."
    if isinstance(given, str):
        from pytest_durable import faults

        hint = did_you_mean(given, [kind.__name__ for kind in (*faults.KINDS, reorder)])
        return f"argument {number} is the text {given!r}, not a fault such as faults.crash(...).{hint}"
    return f"argument {number} is a fault such as faults.crash(after_step='ship'), got {given!r}."
