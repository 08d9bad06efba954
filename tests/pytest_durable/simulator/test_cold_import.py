"""Importing a handler's module anew: what is new, what stays, and what cannot be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from durable_sdk import durable_execution
from pytest_durable.errors import UsageError
from pytest_durable.simulator.cold_import import import_anew

SOURCE = """
from dataclasses import dataclass
from durable_sdk import durable_execution

warm = []

@dataclass
class Order:
    number: int

@durable_execution
def handler(event, context):
    warm.append(Order(1))
    return len(warm)

def plain(event, context):
    return "renamed"

renamed = durable_execution(plain)

class Orders:
    @staticmethod
    @durable_execution
    def handle(event, context):
        return "in a class"
"""

Import = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    monkeypatch.syspath_prepend(tmp_path)
    names = set(sys.modules)

    def load(source: str) -> ModuleType:
        name = "module_imported_anew"
        (tmp_path / f"{name}.py").write_text(source)
        return __import__(name)

    yield load
    for name in set(sys.modules) - names:
        del sys.modules[name]


def test_module_state_begins_anew_and_the_module_before_stays(load: Import) -> None:
    module = load(SOURCE)
    module.warm.append(7)
    fresh: Any = import_anew(module.handler)
    assert fresh is not module.handler
    assert fresh.__wrapped__.__globals__["warm"] == []
    assert fresh.__wrapped__.__code__.co_filename == module.handler.__wrapped__.__code__.co_filename
    assert module.warm == [7]
    assert sys.modules["module_imported_anew"] is module


@pytest.mark.parametrize(("path", "answer"), [("renamed", "renamed"), ("Orders.handle", "in a class")])
def test_a_handler_is_found_by_the_name_that_holds_it(load: Import, path: str, answer: str) -> None:
    module: Any = load(SOURCE)
    for name in path.split("."):
        handler = module = getattr(module, name)
    fresh: Any = import_anew(handler)
    assert fresh is not handler
    assert fresh.__wrapped__(None, None) == answer


def test_a_local_handler_is_refused() -> None:
    @durable_execution
    def handler(event: Any, context: Any) -> None:
        """Do nothing."""

    with pytest.raises(UsageError, match="is local to a function, so no import makes it anew"):
        import_anew(handler)


def test_a_module_that_raises_the_second_time_is_reported_and_put_back(load: Import) -> None:
    source = "import sys\nif hasattr(sys, 'seen_once'): raise OSError('port in use')\nsys.seen_once = 1\n"
    module = load(source + SOURCE)
    try:
        with pytest.raises(UsageError, match="raised OSError: port in use"):
            import_anew(module.handler)
    finally:
        del sys.seen_once  # type: ignore[attr-defined]
    assert sys.modules["module_imported_anew"] is module


def test_a_handler_that_exists_only_the_first_time_is_reported(load: Import) -> None:
    module = load(
        "import sys\n" + SOURCE + "\nif hasattr(sys, 'seen_once'): del handler\nsys.seen_once = 1\n"
    )
    try:
        with pytest.raises(UsageError, match="has no durable handler 'handler'"):
            import_anew(module.handler)
    finally:
        del sys.seen_once  # type: ignore[attr-defined]


def test_a_module_without_a_file_is_refused(load: Import) -> None:
    module = load(SOURCE)
    module.__spec__ = None
    with pytest.raises(UsageError, match="was not imported from a file"):
        import_anew(module.handler)


def test_a_handler_of_no_module_is_refused(load: Import) -> None:
    module = load(SOURCE)
    del sys.modules["module_imported_anew"]
    with pytest.raises(UsageError, match="which is not imported"):
        import_anew(module.handler)
