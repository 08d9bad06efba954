"""Hooks of pytest that other plugins, and a ``conftest.py``, may implement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_durable.faults import Fault
    from pytest_durable.result.execution import DurableFunctionTestResult


@pytest.hookspec
def pytest_durable_faults() -> Sequence[type[Fault]]:  # type: ignore[empty-body]
    """Return more kinds of faults: subclasses of ``pytest_durable.faults.Fault`` that are frozen dataclasses.

    Tests give them to ``@pytest.mark.durable_faults``. An exploration tries those that the class method
    ``explored_at`` returns for a point, and tokens carry them: their fields are texts, numbers and errors.
    """


@pytest.hookspec
def pytest_durable_event(event: dict[str, Any], world: Any) -> None:
    """See an event of a history as soon as it is recorded.

    ``event`` has the form of boto3's ``get_durable_execution_history``. ``world`` is what an invariant is
    shown: the executions so far, the effects and virtual time. It is called for each run of an
    exploration; an exception fails the test.
    """


@pytest.hookspec
def pytest_durable_report(result: DurableFunctionTestResult) -> str | Sequence[str] | None:
    """Return lines for the report of a failed test, about one of its executions."""
