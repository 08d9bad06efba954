"""Markers: their arguments, checked before anything runs. One file for each marker."""

from __future__ import annotations

from pytest_durable.markers.execution import DURABLE_EXECUTION, DurableMark, durable_mark, missing_mark
from pytest_durable.markers.explore import DURABLE_EXPLORE, exploration_arguments
from pytest_durable.markers.faults import DURABLE_FAULTS, faults_of

__all__ = [
    "DURABLE_EXECUTION",
    "DURABLE_EXPLORE",
    "DURABLE_FAULTS",
    "DurableMark",
    "durable_mark",
    "exploration_arguments",
    "faults_of",
    "missing_mark",
]
