"""Plain data: what is copied to be seen again as it was."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque

ATOMS = (str, int, float, bool, bytes, type(None), complex)
CONTAINERS = (list, dict, set, tuple, deque)
MISSING = object()

# A snapshot is taken for every execution: tables of constants are left alone.
_LARGEST = 100
_DEEPEST = 4


def copied(value: object, depth: int = _DEEPEST) -> object:
    """Return a copy of plain data that nobody else can change, `MISSING` if it is none or too large."""
    if isinstance(value, ATOMS):
        return value
    if depth == 0 or not isinstance(value, CONTAINERS) or len(value) > _LARGEST:
        return MISSING
    if isinstance(value, dict):
        copy = {key: copied(each, depth - 1) for key, each in value.items() if isinstance(key, ATOMS)}
        if len(copy) < len(value) or MISSING in copy.values():
            return MISSING
        if type(value) is defaultdict:
            return defaultdict(value.default_factory, copy)
        if type(value) in (Counter, OrderedDict):
            return type(value)(copy)
        return copy if type(value) is dict else MISSING
    if type(value) not in (list, set, tuple, deque):
        return MISSING
    parts = [copied(each, depth - 1) for each in value]
    if any(part is MISSING for part in parts):
        return MISSING
    return deque(parts, value.maxlen) if isinstance(value, deque) else type(value)(parts)


def same(one: object, other: object) -> bool:
    """Return whether two copies are of one type and equal."""
    return type(one) is type(other) and one == other
