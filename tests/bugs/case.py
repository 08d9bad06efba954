"""Case: a workflow with one real bug, and the same as somebody writes it who knows better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Handler: TypeAlias = Callable[[Any, Any], Any]
Check: TypeAlias = Callable[[Any], None]
"""The body of a test: is given the fixture ``durable_runner``."""


@dataclass(frozen=True)
class Bug:
    """A workflow with a bug, its fixed twin, and what a test of either demands.

    ``says`` are texts of which each has to be in the report of the failure: it names the cause.
    ``explore`` are arguments of the marker ``durable_explore``, and ``execution`` further ones of
    ``durable_execution``. ``passes_alone``: without exploration, and without the replay check, the test
    passes with the bug in it.
    """

    name: str
    buggy: Handler
    fixed: Handler
    check: Check
    says: tuple[str, ...]
    explore: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    passes_alone: bool = True


@dataclass(frozen=True)
class Harmless:
    """A workflow that only looks suspicious."""

    name: str
    handler: Handler
    check: Check
    explore: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
