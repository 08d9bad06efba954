"""Every workflow of the corpus as a test with the marker ``durable_explore``."""

from __future__ import annotations

import os
from typing import Any

import pytest
from bugs.case import Bug, Harmless
from bugs.corpus import BUGS, HARMLESS

# Sound handlers meet every crash and fault, but not as many orders: nothing ends their explorations early.
_FEWER = {"interleavings": int(number)} if (number := os.environ.get("CORPUS_INTERLEAVINGS")) else {}


def explored(handler: Any, case: Bug | Harmless, **overrides: Any) -> Any:
    """Return a case as a parameter, with its markers; those without arguments are bare."""
    explore = pytest.mark.durable_explore
    if arguments := {**case.explore, **overrides}:
        explore = explore(**arguments)
    marks = (pytest.mark.durable_execution(handler=handler, **case.execution), explore)
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", [explored(bug.buggy, bug) for bug in BUGS])
def test_buggy(case: Bug, durable_runner: Any, world: Any) -> None:
    case.check(durable_runner)


@pytest.mark.parametrize("case", [explored(bug.fixed, bug, **_FEWER) for bug in BUGS])
def test_fixed(case: Bug, durable_runner: Any, world: Any) -> None:
    case.check(durable_runner)


@pytest.mark.parametrize("case", [explored(case.handler, case, **_FEWER) for case in HARMLESS])
def test_harmless(case: Harmless, durable_runner: Any, world: Any) -> None:
    case.check(durable_runner)
