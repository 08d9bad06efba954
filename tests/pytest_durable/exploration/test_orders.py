"""Going through all orders: few preemptions first, and no claim of more than was run."""

from __future__ import annotations

from typing import Any

from pytest_durable.exploration.orders import Orders
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.trial import Decision, Trial
from pytest_durable.plan import Plan


def gone_through(kinds: list[str], **asked: Any) -> tuple[list[list[int]], str]:
    """Run a program that asks for a decision of each kind in turn; return what was picked, and the words."""
    orders = Orders(ExplorationSettings(interleavings="exhaustive", **asked))
    every = []
    while (schedule := orders.next_schedule()) is not None:
        picked = [schedule.pick(kind, 2) for kind in kinds]
        every.append(picked)
        decisions = [Decision(kind, 2, one) for kind, one in zip(kinds, picked, strict=True)]
        orders.learn(Trial(Plan(), (), (), decisions, "state"))
    return every, str(orders)


def test_runs_with_few_preemptions_come_first() -> None:
    every, told = gone_through(["preempt"] * 4)
    assert [sum(picked) for picked in every[:6]] == [0, 0, 1, 1, 1, 1]
    assert {tuple(picked) for picked in every if sum(picked) > 2}
    assert told == "exhausted 16 of 16"


def test_a_bound_that_has_left_something_out_is_told() -> None:
    every, told = gone_through(["preempt"] * 4, preemptions=1)
    assert max(map(sum, every)) == 1
    assert told == "exhausted 5 of 5 with at most 1 preemptions"


def test_a_bound_that_no_run_has_come_to_is_not_told() -> None:
    assert gone_through(["next", "next"], preemptions=1)[1] == "exhausted 4 of 4"


def test_the_clock_is_not_moved_ahead_of_its_time_unless_that_is_asked_for() -> None:
    assert (
        gone_through(["advance"] * 2)[1]
        == "exhausted 1 of 1 with at most 0 moves of the clock ahead of its time"
    )
    assert gone_through(["advance"] * 2, advances=None)[1] == "exhausted 4 of 4"


def test_so_many_runs_are_made_over_all_searches() -> None:
    every, told = gone_through(["preempt"] * 4, orders=9)
    assert len(every) == 9
    assert told == "9 run, not exhausted"


def test_a_search_that_ends_with_the_last_run_allowed_is_exhausted() -> None:
    assert gone_through(["next", "next"], orders=4)[1] == "exhausted 4 of 4"
