"""Scripts: outcomes in order, and what is said when they do not fit the run."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.scripts.callbacks import CallbackScript
from pytest_durable.simulator.scripts.invokes import InvokeScript
from pytest_durable.simulator.scripts.steps import ReturnsValue, StepScript


def values(script: StepScript, count: int) -> list[Any]:
    outcomes = [script.take() for _ in range(count)]
    return [outcome.value for outcome in outcomes if isinstance(outcome, ReturnsValue)]


def test_outcomes_come_in_order_and_the_last_repeats() -> None:
    script = StepScript("charge").returns(1).then.returns(2)
    assert values(script, 4) == [1, 2, 2, 2]
    assert script.uses == 4


def test_looking_ahead_uses_nothing() -> None:
    script = StepScript("charge").returns(1).then.returns(2)
    assert [script.peek(ahead) for ahead in range(3)] == [ReturnsValue(1), ReturnsValue(2), ReturnsValue(2)]
    assert script.uses == 0


@pytest.mark.parametrize(
    "chain",
    [
        lambda: StepScript("x").returns(1).returns(2),
        lambda: InvokeScript("x").returns(1).raises("Throttled"),
        lambda: CallbackScript("x").succeed().fail(),
        lambda: CallbackScript("x").succeed().heartbeat(every=1),
        lambda: CallbackScript("x").heartbeat(every=1, times=1).heartbeat(every=1),
    ],
)
def test_two_outcomes_for_one_operation_are_refused(chain: Any) -> None:
    with pytest.raises(UsageError, match=r"has an outcome already\. Write \.then"):
        chain()


@pytest.mark.parametrize("script", [StepScript("x"), StepScript("x").returns(1).then])
def test_then_needs_an_outcome_before_it(script: StepScript) -> None:
    with pytest.raises(UsageError, match=r"on_step\('x'\)\.then needs an outcome before it"):
        script.then  # noqa: B018


@pytest.mark.parametrize("times", [0, -1, 1.5, "2", True])
def test_times_is_a_positive_integer(times: Any) -> None:
    with pytest.raises(UsageError, match="times of on_step"):
        StepScript("x", times)


@pytest.mark.parametrize("name", ["", 3, b"x"])
def test_the_name_is_a_text(name: Any) -> None:
    with pytest.raises(UsageError, match="on_invoke takes the name of the invoked function"):
        InvokeScript(name)


def test_a_script_that_was_never_used_complains() -> None:
    assert StepScript("charge").returns(1).complaint(["a", "b"]) == (
        "on_step('charge') was never used. The steps of the run: 'a', 'b'."
    )
    assert CallbackScript("x").never().complaint([]) == (
        "on_callback('x') was never used. The run had no callbacks."
    )


@pytest.mark.parametrize(
    ("times", "uses", "complains"), [(2, 1, True), (2, 2, False), (2, 3, True), (None, 1, False)]
)
def test_times_demands_that_many_uses(times: int | None, uses: int, complains: bool) -> None:
    script = StepScript("charge", times).returns(1)
    values(script, uses)
    complaint = script.complaint(["charge"])
    assert (complaint is not None) == complains
    if complaint is not None:
        assert complaint.startswith(f"on_step('charge') was used {uses} time")


def test_a_rewound_script_says_the_same_from_the_start_and_its_uses_can_be_counted() -> None:
    script = StepScript("charge", 2).returns(1).then.returns(2)
    fresh = script.rewound()
    assert values(fresh, 2) == [1, 2]
    assert script.uses == 0
    script.absorb(fresh)
    assert script.complaint([]) is None


def test_a_rewound_watch_hands_over_what_it_saw() -> None:
    script = InvokeScript("charge")
    fresh = script.rewound()
    fresh.take()
    fresh.note('{"a": 1}')
    fresh.take()
    fresh.note("not json")
    fresh.take()
    fresh.note(None)
    script.absorb(fresh)
    assert script.calls == [{"a": 1}, "not json", None]
