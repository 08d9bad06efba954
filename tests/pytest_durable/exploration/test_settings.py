"""Settings are checked before anything runs."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.faults import throttle


def test_the_bare_form_tries_every_crash_and_api_fault_and_fifty_orders() -> None:
    settings = ExplorationSettings()
    assert (settings.crashes, settings.interleavings, settings.api_faults) == ("all", 50, "each")
    assert settings.callbacks == ()
    assert settings.budget_seconds == math.inf


@pytest.mark.parametrize("budget", ["20s", 20, 20.0, timedelta(seconds=20)])
def test_a_budget_is_a_duration(budget: Any) -> None:
    assert ExplorationSettings(budget=budget).budget_seconds == 20


def test_lists_are_taken_as_well_as_tuples_and_hold_each_thing_once() -> None:
    settings = ExplorationSettings(
        callbacks=["late", "late", "duplicate"],  # type: ignore[arg-type]
        kinds=[throttle, throttle],  # type: ignore[arg-type]
        shard=[1, 3],  # type: ignore[arg-type]
    )
    assert settings.callbacks == ("late", "duplicate")
    assert settings.kinds == (throttle,)
    assert settings.shard == (1, 3)


@pytest.mark.parametrize(
    ("argument", "value", "told"),
    [
        ("crashes", "some", "crashes is one of 'none', 'all', 'pairs', got 'some'"),
        ("crashes", ["all"], "crashes is one of"),
        ("api_faults", True, "api_faults is one of 'none', 'each', got True"),
        ("interleavings", -1, "interleavings is a number of schedules or 'exhaustive', got -1"),
        ("interleavings", True, "interleavings is a number"),
        ("interleavings", 2.5, "interleavings is a number"),
        ("interleavings", "all", "interleavings is a number"),
        ("callbacks", "late", "callbacks is a list of 'duplicate', 'late', 'early', 'never', 'reordered'"),
        ("callbacks", 3, "callbacks is a list"),
        ("callbacks", ["later"], "Each of callbacks is one of .*'late'.*, got 'later'"),
        ("callbacks", [["late"]], "Each of callbacks is one of"),
        ("kinds", throttle, "kinds is a list of subclasses of Fault"),
        ("kinds", [throttle()], "kinds is a list of subclasses of Fault"),
        ("depth", 0, "depth is a positive integer, got 0"),
        ("orders", 0, "orders is a positive number of runs, got 0"),
        ("preemptions", -1, "preemptions is how often it may happen in a run, or None, got -1"),
        ("advances", "2", "advances is how often"),
        ("budget", "soon", "budget is a duration such as"),
        ("budget", 0, "budget is longer than zero, got 0"),
        ("schedules", 0, "schedules is a positive number of runs or None, got 0"),
        ("shard", (3, 3), r"shard is \(index, count\) with an index from 0 to count - 1.*got \(3, 3\)"),
        ("shard", (0, 0), "shard is"),
        ("shard", 3, "shard is"),
        ("shard", (0, 1, 2), "shard is"),
    ],
)
def test_a_wrong_argument_is_named(argument: str, value: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        ExplorationSettings(**{argument: value})
