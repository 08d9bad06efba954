"""Whatever a workflow is made of, it comes to what a straight line of Python says, under every schedule."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soak import part_of

from model.check import check
from model.generate import workflows
from model.workflow import Batch, Body, Condition, Node, Step, Wait
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.schedules.seeded import Seeded


@settings(max_examples=part_of(300), deadline=None, derandomize=True)
@given(workflows)
def test_workflows_come_to_what_the_model_says(body: Body) -> None:
    check(body, InOrder())


@settings(max_examples=part_of(300), deadline=None, derandomize=True)
@given(workflows, st.integers(0, 1000))
def test_the_schedule_changes_nothing(body: Body, seed: int) -> None:
    check(body, Seeded(seed))


@pytest.mark.parametrize(
    "node",
    [Condition("condition", 2, None), Step("step", 1, 2, 1), Wait("wait", 1)],
    ids=["condition", "step", "wait"],
)
@pytest.mark.parametrize("kind", ["map", "parallel"])
def test_a_branch_goes_on_whose_time_came_before_it_began_to_wait(kind: str, node: Node) -> None:
    inner = Batch("inner", kind, ((), (node,)), flat=False, concurrency=None, stop=None)
    for body in ((inner,), (Batch("outer", kind, ((), (inner,)), flat=False, concurrency=None, stop=None),)):
        for seed in range(part_of(40)):
            check(body, Seeded(seed, advances=0.4))


@pytest.fixture
def tiny_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results count as too large to store almost always, and answers as too large to return."""
    monkeypatch.setattr("durable_sdk.operation.child.MAX_INLINE_CHARACTERS", 12)
    monkeypatch.setattr("durable_sdk.execution.LAMBDA_RESPONSE_SIZE_LIMIT", 60)


@pytest.mark.usefixtures("tiny_limits")
@settings(
    max_examples=part_of(300),
    deadline=None,
    derandomize=True,
    # The fixture only lowers limits: it holds no state that an example could leave behind.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(workflows, st.integers(0, 1000))
def test_results_that_are_rebuilt_on_replay_are_the_same(body: Body, seed: int) -> None:
    check(body, Seeded(seed))
