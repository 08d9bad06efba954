"""Runs a handler, and replays what it has recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import corpus
import pytest

from durable_sdk import durable_execution
from pytest_durable.errors import NonDeterminismError

Found = Callable[..., str]


def found(func: Callable[..., Any], input: Any = None, mode: str = "all", **options: Any) -> str:
    """Return what the replay check says of a handler, nothing if it is silent."""
    runner = corpus.make_runner(durable_execution(func), traces_operations=True, **options)
    try:
        runner.run(input)
        runner.check_replay(mode)
    except NonDeterminismError as error:
        return str(error)
    finally:
        runner.release()
    return ""


def line_of(func: Callable[..., Any], text: str) -> str:
    """Return a line of a function as messages show it: file, number and text."""
    lines, first = inspect.getsourcelines(func)
    number = next(index for index, line in enumerate(lines) if text in line)
    file = (inspect.getsourcefile(func) or "").replace("\\", "/").rpartition("/")[2]
    return f"{file}:{first + number}    {lines[number].strip()}"


@pytest.fixture(name="found")
def found_fixture() -> Found:
    return found


@pytest.fixture(name="line_of")
def line_of_fixture() -> Callable[..., str]:
    return line_of
