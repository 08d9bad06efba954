"""Handlers that come to other operations when they run again, or work outside of any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bugs.case import Bug
from bugs.outside import outside
from durable_sdk import DurableContext, durable_execution


def is_done(runner: Any) -> None:
    assert runner.run(input={"id": "o-1"}).raise_for_status().value == "done"


# An operation that a replay leaves out.


@durable_execution
def skips_on_replay(event: dict[str, Any], context: DurableContext) -> str:
    if not context.is_replaying():
        context.step(lambda: outside.do("audit", key=event["id"]), name="audit")
    context.wait(hours=1, name="rest")
    return "done"


@durable_execution
def same_on_replay(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("audit", key=event["id"]), name="audit")
    context.wait(hours=1, name="rest")
    return "done"


# Two operations of one name, in another order.


@durable_execution
def swaps(event: dict[str, Any], context: DurableContext) -> str:
    first, second = context.is_replaying(), not context.is_replaying()
    results = {}
    if second:
        results["debit"] = context.step(lambda: outside.do("debit", key="d"), name="book")
    results["credit"] = context.step(lambda: outside.do("credit", key="c"), name="book")
    if first:
        results["debit"] = context.step(lambda: outside.do("debit", key="d"), name="book")
    context.wait(hours=1, name="rest")
    return "done"


@durable_execution
def keeps_order(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("debit", key="d"), name="book")
    context.step(lambda: outside.do("credit", key="c"), name="book")
    context.wait(hours=1, name="rest")
    return "done"


# A loop over rows that change meanwhile.


def close(row: str) -> None:
    outside.do("close", key=row)
    outside.table["open"] = [each for each in outside.table["open"] if each != row]


@durable_execution
def live_rows(event: dict[str, Any], context: DurableContext) -> str:
    for row in outside.table["open"]:
        context.step(lambda _, row=row: close(row), name=f"close {row}")
    return "done"


@durable_execution
def recorded_rows(event: dict[str, Any], context: DurableContext) -> str:
    rows = context.step(lambda: list(outside.table["open"]), name="list")
    for row in rows:
        context.step(lambda _, row=row: close(row), name=f"close {row}")
    return "done"


def all_rows_are_closed(runner: Any) -> None:
    outside.table["open"] = ["r1", "r2", "r3"]
    is_done(runner)
    assert outside.table["open"] == []


# A file that the handler writes between operations.


@durable_execution
def writes_between(event: dict[str, Any], context: DurableContext) -> str:
    with (outside.folder / "log.txt").open("a", encoding="utf-8") as file:
        file.write("begun\n")
    context.step(lambda: outside.do("work", key=event["id"]), name="work")
    return "done"


@durable_execution
def writes_in_step(event: dict[str, Any], context: DurableContext) -> str:
    def begin() -> None:
        (outside.folder / "log.txt").write_text("begun\n", encoding="utf-8")

    context.step(begin, name="begin")
    context.step(lambda: outside.do("work", key=event["id"]), name="work")
    return "done"


def has_begun_once(runner: Any) -> None:
    is_done(runner)
    assert (outside.folder / "log.txt").read_text(encoding="utf-8") == "begun\n"


# A file that a step writes and the handler looks for: another sandbox does not have it.


@durable_execution
def looks_for_file(event: dict[str, Any], context: DurableContext) -> str:
    marker = outside.folder / "done.marker"
    if not marker.exists():
        context.step(lambda: marker.write_text("x", encoding="utf-8"), name="convert")
    context.wait(minutes=1, name="pause")
    return "done"


@durable_execution
def file_in_step(event: dict[str, Any], context: DurableContext) -> str:
    marker = outside.folder / "done.marker"
    context.step(lambda: marker.write_text("x", encoding="utf-8"), name="convert")
    context.wait(minutes=1, name="pause")
    return "done"


# An operation of a branch on the context around it.


@durable_execution
def on_outer_context(event: dict[str, Any], context: DurableContext) -> str:
    def ship(number: int) -> Callable[[DurableContext], None]:
        return lambda inner: context.step(lambda: outside.do("ship", key=f"{number}"), name=f"ship {number}")

    context.parallel([ship(1), ship(2)], name="shipments")
    context.wait(hours=1, name="rest")
    return context.step(lambda: "done", name="finish")


@durable_execution
def on_own_context(event: dict[str, Any], context: DurableContext) -> str:
    def ship(number: int) -> Callable[[DurableContext], None]:
        return lambda inner: inner.step(lambda: outside.do("ship", key=f"{number}"), name=f"ship {number}")

    context.parallel([ship(1), ship(2)], name="shipments")
    context.wait(hours=1, name="rest")
    return context.step(lambda: "done", name="finish")


# A look at a file outside steps.


@durable_execution
def looks_at_file(event: dict[str, Any], context: DurableContext) -> str:
    file = outside.folder / "exported"
    if not file.exists():
        context.step(lambda: file.touch(), name="export")
    context.wait(hours=1, name="rest")
    return context.step(lambda: "done", name="finish")


@durable_execution
def looks_in_step(event: dict[str, Any], context: DurableContext) -> str:
    file = outside.folder / "exported"
    if not context.step(lambda: file.exists(), name="look"):
        context.step(lambda: file.touch(), name="export")
    context.wait(hours=1, name="rest")
    return context.step(lambda: "done", name="finish")


BUGS = (
    Bug(
        "operation on the context around",
        on_outer_context,
        on_own_context,
        is_done,
        ("'ship ", "Parallel 'shipments'", "on another context than the body is given"),
        passes_alone=False,
    ),
    Bug(
        "file looked at outside steps",
        looks_at_file,
        looks_in_step,
        is_done,
        ("I/O outside a step: os.stat", "exported"),
        passes_alone=False,
    ),
    Bug(
        "operation left out on replay",
        skips_on_replay,
        same_on_replay,
        is_done,
        ("audit", "replays.py", "Cause: context.is_replaying()"),
        passes_alone=False,
    ),
    Bug("operations swapped", swaps, keeps_order, is_done, ("book", "replays.py")),
    Bug("loop over live rows", live_rows, recorded_rows, all_rows_are_closed, ("close r", "outside")),
    Bug(
        "file written by the handler",
        writes_between,
        writes_in_step,
        has_begun_once,
        ("log.txt", "replays.py"),
    ),
    Bug("file decides", looks_for_file, file_in_step, is_done, ("convert", "replays.py"), passes_alone=False),
)
