"""Lineage: work below an ended context is found, however deep it lies."""

from __future__ import annotations

import pytest

from durable_sdk._lineage import Lineage


@pytest.fixture
def lineage() -> Lineage:
    lineage = Lineage()
    lineage.add("batch", None)
    lineage.add("branch", "batch")
    lineage.add("child", "branch")
    lineage.add("other", None)
    return lineage


@pytest.mark.parametrize("parent_id", ["batch", "branch", "child"])
def test_an_ended_context_is_above_everything_inside_it(lineage: Lineage, parent_id: str) -> None:
    lineage.end("batch")
    assert lineage.ended_above(parent_id) == "batch"


def test_the_nearest_ended_context_is_named(lineage: Lineage) -> None:
    lineage.end("batch")
    lineage.end("branch")
    assert lineage.ended_above("child") == "branch"


@pytest.mark.parametrize("parent_id", [None, "batch", "other"])
def test_an_ended_context_is_not_above_what_lies_around_it_or_beside_it(
    lineage: Lineage, parent_id: str | None
) -> None:
    lineage.end("branch")
    assert lineage.ended_above(parent_id) is None


def test_nothing_is_ended_at_first(lineage: Lineage) -> None:
    assert lineage.ended_above("child") is None


def test_a_context_that_begins_after_its_parent_ended_is_found_too(lineage: Lineage) -> None:
    lineage.end("batch")
    lineage.add("late", "child")
    assert lineage.ended_above("late") == "batch"


def test_a_path_names_the_contexts_around_an_operation_outermost_first() -> None:
    lineage = Lineage()
    lineage.add("1", None, "orders")
    lineage.add("2", "1")
    assert lineage.path("2", "charge") == ("orders", None, "charge")
    assert lineage.path(None, "alone") == ("alone",)
    assert lineage.path("1", None) == ("orders", None)
