"""Causes in objects, files, contexts and the process are named; what only looks so is not flagged."""

from __future__ import annotations

import itertools
import logging
import os
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from durable_sdk import DurableContext

Found = Callable[..., str]
Line = Callable[..., str]


def one() -> int:
    return 1


# Whether the handler replays.


def by_replaying(event: Any, context: DurableContext) -> None:
    if not context.is_replaying():
        context.step(one, "first time")
    context.wait(seconds=1, name="pause")
    context.step(one, "last")


def logs_once(event: Any, context: DurableContext) -> None:
    context.step(one, "first time")
    if not context.is_replaying():
        logging.getLogger("shop").info("this is new")
    context.wait(seconds=1, name="pause")
    context.step(one, "last")


def test_is_replaying_is_named_where_it_decides(found: Found, line_of: Line) -> None:
    text = found(by_replaying)
    assert "no longer calls Step 'first time', which is recorded" in text
    assert "Cause: context.is_replaying(), which answers otherwise on replay." in text
    assert line_of(by_replaying, "is_replaying") in text
    assert found(logs_once) == ""


# The context of somebody else.


def uses_outer_context(event: Any, context: DurableContext) -> None:
    def branch(index: int) -> Callable[[DurableContext], int]:
        return lambda inner: context.step(one, f"work {index}")

    context.parallel([branch(0), branch(1)], "branches")
    context.wait(seconds=1)
    context.step(one, "last")


def uses_own_context(event: Any, context: DurableContext) -> None:
    def branch(index: int) -> Callable[[DurableContext], int]:
        return lambda inner: inner.step(one, f"work {index}")

    context.parallel([branch(0), branch(1)], "branches")
    context.wait(seconds=1)
    context.step(one, "last")


def test_an_operation_on_the_context_around_is_named(found: Found, line_of: Line) -> None:
    text = found(uses_outer_context)
    assert "called in the body of Parallel 'branches' on another context than the body is given" in text
    assert line_of(uses_outer_context, "lambda inner") in text
    assert "Call operations on the context that the function gets" in text
    assert found(uses_own_context) == ""


# Files that are only looked at.


@pytest.mark.parametrize("look", [os.path.exists, Path.exists, os.path.isfile, Path.is_file])
def test_a_look_at_a_file_is_named(
    look: Callable[[Path], bool], found: Found, line_of: Line, tmp_path: Path
) -> None:
    file = tmp_path / "lock"

    def by_file(event: Any, context: DurableContext) -> None:
        if not look(file):
            context.step(file.touch, "lock")
        context.wait(seconds=1)
        context.step(one, "last")

    def by_recorded_file(event: Any, context: DurableContext) -> None:
        if not context.step(lambda: look(file), "look"):
            context.step(file.touch, "lock")
        context.wait(seconds=1)

    text = found(by_file)
    assert f"Cause: I/O outside a step: os.stat({str(file)!r})" in text
    assert line_of(by_file, "look(file)") in text
    assert found(by_recorded_file) == ""


# Objects of the module.


class Table:
    """Stands for a database."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def all(self) -> list[int]:
        return list(self.rows)

    def insert(self, row: int) -> None:
        self.rows.append(row)


@dataclass
class Settings:
    """What somebody sets."""

    limit: int = 0
    names: list[str] = field(default_factory=list)


class Calls:
    """Counts."""

    count = 0


table = Table()
settings = Settings()
names = SimpleNamespace(free=3)
waiting = deque([1, 2, 3])
totals: Counter[str] = Counter()
counts: dict[str, int] = defaultdict(int)
numbers = itertools.count()
generator = random.Random(5)
variable = ContextVar("variable", default=0)


def by_rows(event: Any, context: DurableContext) -> None:
    rows = table.all()
    context.step(lambda: table.insert(1), "insert")
    context.step(one, f"{len(rows)} rows")


def by_recorded_rows(event: Any, context: DurableContext) -> None:
    rows = context.step(table.all, "read")
    context.step(lambda: table.insert(1), "insert")
    context.step(one, f"{len(rows)} rows")


def by_settings(event: Any, context: DurableContext) -> None:
    if settings.limit < 5:
        context.step(lambda: setattr(settings, "limit", 5), "raise the limit")
    context.wait(seconds=1)


def by_namespace(event: Any, context: DurableContext) -> None:
    names.free -= 1
    context.step(one, f"{names.free} left")


def by_class(event: Any, context: DurableContext) -> None:
    Calls.count += 1
    context.step(one, f"call {Calls.count}")


def by_queue(event: Any, context: DurableContext) -> None:
    context.step(one, f"serve {waiting.popleft() if waiting else 0}")


def by_totals(event: Any, context: DurableContext) -> None:
    totals["runs"] += 1
    context.step(one, f"run {totals['runs']}")


def by_counts(event: Any, context: DurableContext) -> None:
    counts["runs"] += 1
    context.step(one, f"run {counts['runs']}")


def by_numbers(event: Any, context: DurableContext) -> None:
    context.step(one, f"number {next(numbers)}")


def by_generator(event: Any, context: DurableContext) -> None:
    context.step(one, f"drawn {generator.random()}")


def by_variable(event: Any, context: DurableContext) -> None:
    def write() -> None:
        variable.set(variable.get() + 1)

    context.step(write, "write")
    context.step(one, f"variable {variable.get()}")


@pytest.mark.parametrize(
    ("handler", "cause", "line"),
    [
        (by_rows, "'rows' of 'table' (a Table object), which outlives the invocation", "table.all()"),
        (by_settings, "'limit' of 'settings' (a Settings object)", "settings.limit < 5"),
        (by_namespace, "'free' of 'names' (a SimpleNamespace object)", "names.free"),
        (by_class, "'count' of class 'Calls'", "Calls.count"),
        (by_queue, "module global 'waiting'", "waiting"),
        (by_totals, "module global 'totals'", "+= 1"),
        (by_counts, "module global 'counts'", "+= 1"),
        (by_numbers, "'numbers', an iterator that goes on", "next("),
        (by_generator, "'generator', a generator of random numbers that goes on", "random()"),
        (by_variable, "'variable', a context variable that goes on", 'f"variable'),
    ],
)
def test_an_object_that_outlives_the_invocation_is_named(
    handler: Any, cause: str, line: str, found: Found, line_of: Line
) -> None:
    text = found(handler)
    assert f"Cause: {cause}" in text
    assert line_of(handler, line) in text


def test_rows_that_a_step_reads_are_recorded(found: Found) -> None:
    assert found(by_recorded_rows) == ""


def test_an_object_around_the_handler_is_named_and_left_as_it_is(found: Found) -> None:
    store = Table()

    def by_store(event: Any, context: DurableContext) -> None:
        if not store.rows:
            context.step(lambda: store.insert(7), "insert")
        context.wait(seconds=1)

    assert "Cause: 'rows' of 'store' (a Table object)" in found(by_store)
    assert store.rows == [7]


def test_a_cache_is_named(found: Found) -> None:
    drawn = iter(range(100))

    @lru_cache
    def rate() -> int:
        return next(drawn)

    def by_cache(event: Any, context: DurableContext) -> None:
        now = rate()
        context.step(lambda: rate.cache_clear(), "forget")
        context.step(one, f"rate {now}")

    assert "Cause: the cache of 'rate', which outlives the invocation." in found(by_cache)


# The process.


def by_work_time(event: Any, context: DurableContext) -> None:
    context.step(one, f"after {time.process_time_ns()}")


def test_what_only_this_process_has_is_named(found: Found, line_of: Line) -> None:
    text = found(by_work_time)
    assert "Cause: time.process_time_ns(), read outside a step." in text
    assert line_of(by_work_time, "process_time_ns") in text

    def keeps_objects(event: Any, context: DurableContext) -> None:
        kept.append(object())
        context.step(one, f"object {id(kept[-1])}")

    kept: list[object] = []
    assert "Cause: the address of an object, id(), read outside a step." in found(keeps_objects)


def test_luck_is_not_blamed_for_what_changes_by_itself(found: Found) -> None:
    kept: list[object] = []

    def draws_too(event: Any, context: DurableContext) -> None:
        random.random()
        kept.append(object())
        context.step(one, f"object {id(kept[-1])}")

    assert "Cause: the address of an object" in found(draws_too)


# Logging.


def test_the_level_of_a_logger_is_what_it_was(found: Found, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("shop")
    caplog.set_level(logging.INFO, "shop")

    def by_level(event: Any, context: DurableContext) -> None:
        if logger.isEnabledFor(logging.INFO):
            logger.info("asking")
            context.step(one, "ask for details")
        context.wait(seconds=1)

    assert found(by_level) == ""
    assert len(caplog.records) == 2

    def turns_on(event: Any, context: DurableContext) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            context.step(one, "details")
        context.step(lambda: logger.setLevel(logging.DEBUG), "turn on")
        context.wait(seconds=1)

    assert "Cause: the level of a logger, read outside a step." in found(turns_on)


# Swapped.


def swapped_names(event: Any, context: DurableContext) -> None:
    if time.time() < 1767225601:
        context.step(one, "reserve")
        context.step(one, "charge")
    else:
        context.step(one, "charge")
        context.step(one, "reserve")
    context.wait(seconds=1)


def swapped_without_names(event: Any, context: DurableContext) -> None:
    if time.time() < 1767225601:
        context.step(lambda: 1)
        context.step(lambda: 2)
    else:
        context.step(lambda: 2)
        context.step(lambda: 1)
    context.wait(seconds=1)


@pytest.mark.parametrize(
    ("handler", "lines"),
    [
        (swapped_names, ('"reserve")', '"charge")')),
        (swapped_without_names, ("lambda: 1", "lambda: 2")),
    ],
)
def test_swapped_operations_of_one_kind_are_told_with_both_lines(
    handler: Any, lines: tuple[str, str], found: Found, line_of: Line
) -> None:
    text = found(handler)
    assert "in another order than in the first run" in text.splitlines()[0]
    assert f"first run: {'' if 'without' not in handler.__name__ else 'an unnamed '}Step" in text
    assert line_of(handler, lines[0]) in text
    assert lines[1] in text.splitlines()[2]
    assert "Cause: the time" in text
