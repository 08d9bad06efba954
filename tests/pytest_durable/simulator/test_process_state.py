"""What a run changes of its process: only while it runs, one run at a time, and nothing that the test set."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.errors import UsageError
from pytest_durable.simulator.turns import _Carrier

MODULE = """
from time import sleep, time
from durable_sdk import durable_execution


@durable_execution
def handler(event, context):
    before = time()
    context.step(lambda: sleep(100), name="nap")
    return [before, time()]
"""


def test_a_module_that_is_imported_anew_sees_virtual_time_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reimported_handler.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    values = []
    for _ in range(2):
        sys.modules.pop("reimported_handler", None)
        module = importlib.import_module("reimported_handler")
        values.append(corpus.make_runner(module.handler).run().value)
    del sys.modules["reimported_handler"]
    assert values[0] == values[1]
    assert values[0][1] - values[0][0] == 100


def test_a_module_that_a_handler_imports_anew_is_left_with_the_real_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reimported_clock.py").write_text("from time import time")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("reimported_clock")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        del sys.modules["reimported_clock"]
        importlib.import_module("reimported_clock")
        return "done"

    assert corpus.make_runner(handler).run().value == "done"
    assert sys.modules.pop("reimported_clock").time is time.time


@durable_execution
def leaving(event: Any, context: DurableContext) -> Any:
    """Leave the process."""
    return context.step(lambda: os._exit(3), name="leave")


def test_what_a_test_put_in_place_of_a_process_exit_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    assert corpus.make_runner(leaving).run().status == "SUCCEEDED"
    assert codes == [3]


def test_a_second_thread_cannot_run_a_simulation_meanwhile() -> None:
    refused: list[BaseException] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        def run_another() -> None:
            try:
                corpus.make_runner(corpus.waiting).run()
            except UsageError as error:
                refused.append(error)

        other = threading.Thread(target=run_another)
        other.start()
        other.join()
        return "done"

    real = time.time, os._exit
    assert corpus.make_runner(handler).run().value == "done"
    assert "Another thread runs a simulation" in str(refused[0])
    assert (time.time, os._exit) == real


def test_threads_of_a_wide_run_end_with_their_runner() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> int:
        return context.map(list(range(100)), lambda inner, item, *_: inner.step(lambda: item)).success_count

    with corpus.make_runner(handler) as runner:
        assert runner.run().value == 100
    assert len(_Carrier.idle) <= 16
