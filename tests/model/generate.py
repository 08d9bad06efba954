"""Hypothesis strategies for workflows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import strategies as st

from model.workflow import (
    Batch,
    Body,
    Callback,
    Child,
    Condition,
    Guard,
    Invoke,
    Node,
    Retry,
    Step,
    Wait,
)

FUNCTIONS = ("plain", "failing", "durable", "durable-failing", "durable-endless", "unknown")
OUTCOMES = ("succeeds", "fails", "times out", "beats", "goes silent")
STOPS = ("first failure", "first success", "two failures", "half", "two ended")

values = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2) | st.just([1, "a", None])

_NAME = "?"

steps = st.builds(
    Step, st.just(_NAME), values, st.integers(0, 3), st.integers(1, 3), at_most_once=st.booleans()
)
waits = st.builds(Wait, st.just(_NAME), st.integers(1, 20))
callbacks = st.builds(
    Callback,
    st.just(_NAME),
    st.sampled_from(OUTCOMES),
    st.text("xyz", min_size=1, max_size=3),
    st.integers(0, 30),
    st.booleans(),
)
conditions = st.builds(Condition, st.just(_NAME), st.integers(0, 4), st.none() | st.integers(0, 4))
invokes = st.builds(Invoke, st.just(_NAME), st.sampled_from(FUNCTIONS), values)

leaves: st.SearchStrategy[Node] = st.one_of(steps, steps, waits, callbacks, conditions, invokes)


def _containers(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    bodies = st.lists(inner, max_size=3).map(tuple)
    branches = st.lists(bodies, max_size=4).map(tuple)
    kinds = st.sampled_from(["map", "parallel"])
    free = st.builds(
        Batch, st.just(_NAME), kinds, branches, st.booleans(), st.none() | st.integers(1, 3), st.none()
    )
    # With one at a time the order is given, so a batch that stops early has one right outcome.
    one_by_one = st.builds(
        Batch,
        st.just(_NAME),
        kinds,
        st.lists(bodies, min_size=1, max_size=4).map(tuple),
        st.booleans(),
        st.just(1),
        st.sampled_from(STOPS),
    )
    return st.one_of(
        st.builds(Child, st.just(_NAME), bodies, st.booleans()),
        free,
        one_by_one,
        st.builds(Retry, st.just(_NAME), bodies, st.integers(0, 2), st.integers(1, 3)),
        bodies.map(Guard),
        inner,
    )


def _named(body: Body, numbers: Callable[[], int]) -> Body:
    """Give every node a name of its own, which scripts of callbacks go by."""
    named: list[Any] = []
    for node in body:
        changes: dict[str, Any] = {}
        if hasattr(node, "name"):
            changes["name"] = f"{type(node).__name__.lower()}-{numbers()}"
        if isinstance(node, Batch):
            changes["branches"] = tuple(_named(branch, numbers) for branch in node.branches)
        elif isinstance(node, Child | Retry | Guard):
            changes["body"] = _named(node.body, numbers)
        named.append(replace(node, **changes))
    return tuple(named)


def _numbered(body: Body) -> Body:
    numbers = count(1)
    return _named(body, lambda: next(numbers))


workflows: st.SearchStrategy[Body] = (
    st.lists(st.recursive(leaves, _containers, max_leaves=8), min_size=1, max_size=4)
    .map(tuple)
    .map(_numbered)
)
