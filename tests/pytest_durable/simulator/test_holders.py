"""What modules hold is found when they are imported, and again where it may have changed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pytest_durable.simulator.holders import Holders

TREASURE = object()


def put(name: str, monkeypatch: pytest.MonkeyPatch, file: Path, **names: object) -> ModuleType:
    """Let there be a module."""
    module = ModuleType(name)
    module.__file__ = str(file)
    vars(module).update(names)
    monkeypatch.setitem(sys.modules, name, module)
    return module


@pytest.fixture
def holders() -> Holders:
    return Holders(lambda value: value is TREASURE, apart_from=(__name__,))


def found(holders: Holders) -> list[tuple[str, str]]:
    return [(place.module.__name__, place.name) for place in holders.search().places]


@pytest.mark.parametrize("folder", ["site-packages", "project"])
def test_a_module_that_was_imported_since_is_found(
    holders: Holders, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    assert found(holders) == []
    put("island", monkeypatch, Path(folder, "island.py"), chest=TREASURE, sand=1)
    assert found(holders) == [("island", "chest")]
    monkeypatch.delitem(sys.modules, "island")
    assert found(holders) == []


def test_nothing_is_searched_twice_for_nothing(holders: Holders, monkeypatch: pytest.MonkeyPatch) -> None:
    put("island", monkeypatch, Path("project/island.py"), chest=TREASURE)
    assert holders.search() is holders.search()


def test_a_module_of_a_package_that_was_being_imported_is_searched_again(
    holders: Holders, monkeypatch: pytest.MonkeyPatch
) -> None:
    island = put("island", monkeypatch, Path("site-packages/island.py"))
    assert found(holders) == []
    vars(island)["chest"] = TREASURE
    put("ship", monkeypatch, Path("site-packages/ship.py"))
    assert found(holders) == [("island", "chest")]


def test_what_a_test_had_replaced_in_a_module_of_its_project_is_found_when_it_is_back(
    holders: Holders, monkeypatch: pytest.MonkeyPatch
) -> None:
    island = put("island", monkeypatch, Path("project/island.py"), chest="a double")
    assert found(holders) == []
    vars(island)["chest"] = TREASURE
    put("ship", monkeypatch, Path("project/ship.py"))
    assert found(holders) == [("island", "chest")]


def test_what_is_new_is_told_by_the_search_it_is_asked_of(
    holders: Holders, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = holders.search()
    assert holders.new_since(before) == []
    island = put("island", monkeypatch, Path("site-packages/island.py"), sand=1)
    between = holders.search()
    assert (island, "sand", 1) in holders.new_since(before)
    assert holders.new_since(between) == []
