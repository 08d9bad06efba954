"""Hash seeds: what depends on the order of a set is found by other processes, and nothing else starts any."""

from __future__ import annotations

import cProfile
import subprocess
import sys
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.errors import NonDeterminismError
from pytest_durable.simulator.replaying import hash_order

CONSTANT = {"red", "green", "blue", "white", "black"}
INPUT = ["new", "sale", "summer", "wide", "blue"]


@durable_execution
def by_set(event: Any, context: DurableContext) -> None:
    for tag in set(event):
        context.step(lambda tag=tag: tag, "index")


@durable_execution
def by_sorted_set(event: Any, context: DurableContext) -> None:
    for tag in sorted(set(event)):
        context.step(lambda tag=tag: tag, "index")


@durable_execution
def by_hash(event: Any, context: DurableContext) -> None:
    context.step(lambda: 1, f"shard {hash(event[0]) % 1000}")


@durable_execution
def by_module(event: Any, context: DurableContext) -> list[str]:
    return list(CONSTANT)


@durable_execution
def without(event: Any, context: DurableContext) -> None:
    if event[0] in {"new", "old"}:
        context.step(lambda: set(event) and 1, "index")


@durable_execution
def fails_elsewhere(event: Any, context: DurableContext) -> None:
    assert READY, "a fixture has not run"
    for tag in sorted(set(event)):
        context.step(lambda: 1, tag)


READY: list[int] = []


def found(handler: Any) -> str:
    runner = corpus.make_runner(handler, traces_operations=True)
    try:
        runner.run(INPUT)
        runner.check_hash_order()
    except NonDeterminismError as error:
        return str(error)
    finally:
        runner.release()
    return ""


def test_a_profiler_of_somebody_elses_goes_on() -> None:
    profiler = cProfile.Profile()
    with profiler:
        assert found(by_sorted_set) == ""
        assert sys.getprofile() is profiler


@pytest.mark.parametrize(
    ("handler", "what"),
    [
        (by_set, "gives Step 'index' another tag"),
        (by_hash, "calls Step 'shard "),
        (by_module, "ends in another way"),
    ],
)
def test_what_depends_on_the_hash_seed_is_reported(handler: Any, what: str) -> None:
    text = found(handler)
    assert text.startswith(f"On replay {handler.__name__} {what}")
    assert "Cause: the order of a set, or hash(), which differs between processes." in text
    assert text.count("test_hash_order.py:") >= 1


@pytest.mark.parametrize("handler", [by_sorted_set, fails_elsewhere])
def test_what_does_not_depend_on_it_is_silent(handler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # In the other processes nobody has filled it.
    monkeypatch.setattr(f"{__name__}.READY", [1])
    assert found(handler) == ""


def test_no_process_starts_where_no_code_outside_steps_has_to_do_with_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("a process was started")

    @durable_execution
    def local(event: Any, context: DurableContext) -> None:
        context.step(lambda: 1, f"{set(event)}")

    monkeypatch.setattr(hash_order.subprocess, "Popen", refuse)  # type: ignore[attr-defined]
    assert subprocess.Popen is refuse
    assert found(without) == ""
    assert found(local) == ""
    with pytest.raises(AssertionError, match="a process was started"):
        found(by_set)
