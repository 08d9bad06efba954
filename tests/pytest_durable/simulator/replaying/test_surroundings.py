"""Surroundings: snapshots of what a handler can read, and putting it back for a while."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from pytest_durable.simulator.replaying.plain import copied
from pytest_durable.simulator.replaying.surroundings import Surroundings, environment_kept

SETTINGS: dict[str, Any] = {"rate": [1]}
LIMIT = 3
LATER: object = None


def handler() -> None:
    """Belong to this module."""


def test_plain_data_is_copied_as_deep_as_it_goes_and_nothing_else() -> None:
    value = {"a": [1, (2, {3})]}
    copy: Any = copied(value)
    assert copy == value
    value["a"].append(4)
    assert copy == {"a": [1, (2, {3})]}
    missing = copied(object())
    assert copied([object()]) is missing
    assert copied({object(): 1}) is missing
    assert copied(list(range(1000))) is missing


def test_globals_are_as_they_were_while_they_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Surroundings.of(handler)
    held = SETTINGS
    monkeypatch.setitem(SETTINGS, "rate", [2])
    monkeypatch.setitem(globals(), "LIMIT", 4)
    monkeypatch.setitem(globals(), "ADDED", 5)
    # Not plain data any more: what a warm sandbox has.
    monkeypatch.setitem(globals(), "LATER", object())
    assert set(before.changed_names()) == {"SETTINGS", "LIMIT", "ADDED"}
    with before.names_restored():
        assert (SETTINGS, LIMIT) == ({"rate": [1]}, 3)
        assert "ADDED" not in globals()
    assert globals()["ADDED"] == 5
    assert SETTINGS is held
    with before.names_restored(["LIMIT"]):
        assert (LIMIT, SETTINGS) == (3, {"rate": [2]})
    assert LIMIT == 4


def test_variables_around_a_handler_are_as_they_were_while_they_are_restored() -> None:
    def made() -> tuple[Callable[[], Any], list[int]]:
        seen: list[int] = []
        return lambda: seen, seen

    reads, seen = made()
    before = Surroundings.of(reads)
    assert before.changed_cells() == []
    seen.append(1)
    assert before.changed_cells() == ["seen"]
    with before.cells_restored():
        assert reads() == []
    assert reads() is seen


def test_the_environment_is_as_it_was_while_it_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAY_A", "1")
    before = Surroundings.of(handler)
    monkeypatch.setenv("REPLAY_A", "2")
    monkeypatch.setenv("REPLAY_B", "3")
    assert set(before.changed_environment()) == {"REPLAY_A", "REPLAY_B"}
    items = list(os.environ.items())
    with before.environment_restored():
        assert os.environ["REPLAY_A"] == "1"
        assert "REPLAY_B" not in os.environ
    assert list(os.environ.items()) == items


def test_the_environment_keeps_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAY_A", "1")
    monkeypatch.setenv("REPLAY_B", "2")
    items = list(os.environ.items())
    with environment_kept():
        del os.environ["REPLAY_A"]
        os.environ["REPLAY_C"] = "3"
        os.environ["REPLAY_A"] = "4"
    assert list(os.environ.items()) == items
