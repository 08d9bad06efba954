"""The kinds of faults that plugins add."""

from __future__ import annotations

from inspect import isabstract

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.faults import KINDS, Fault

_key: pytest.StashKey[tuple[type[Fault], ...]] = pytest.StashKey()


def added_kinds(config: pytest.Config) -> tuple[type[Fault], ...]:
    """Return what the hook ``pytest_durable_faults`` gives.

    Raises:
        UsageError: something that it gives is no kind of fault.
    """
    if _key not in config.stash:
        found: dict[type[Fault], None] = {}
        for given in config.hook.pytest_durable_faults():
            for kind in _checked(given):
                found[kind] = None
        config.stash[_key] = tuple(kind for kind in found if kind not in KINDS)
    return config.stash[_key]


def _checked(given: object) -> list[type[Fault]]:
    kinds: list[type[Fault]] = []
    for kind in given if isinstance(given, (list, tuple)) else (given,):
        if not (isinstance(kind, type) and issubclass(kind, Fault)):
            raise UsageError(
                "The hook pytest_durable_faults returns subclasses of pytest_durable.faults.Fault, "
                f"got {kind!r}."
            )
        if isabstract(kind):
            missing = " and ".join(sorted(kind.__abstractmethods__))
            raise UsageError(
                f"The hook pytest_durable_faults returns kinds that are whole; {kind!r} lacks {missing}."
            )
        kinds.append(kind)
    return kinds
