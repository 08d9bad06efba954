"""Every workflow with a bug as an ordinary test."""

from __future__ import annotations

from typing import Any

import pytest
from bugs.case import Bug
from bugs.corpus import BUGS


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            bug, id=bug.name, marks=pytest.mark.durable_execution(handler=bug.buggy, **bug.execution)
        )
        for bug in BUGS
    ],
)
def test_alone(case: Bug, durable_runner: Any, world: Any) -> None:
    case.check(durable_runner)
