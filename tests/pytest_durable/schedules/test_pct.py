"""PCT lets one lane go on until a change point, and finds what takes a few of those."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise

import pytest
import small_world
from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.schedules import Kind, Pct, Seeded


class Lanes:
    """A situation in which these lanes could go on."""

    def __init__(self, *lanes: Hashable) -> None:
        self._lanes = lanes

    def lanes(self) -> Sequence[Hashable]:
        return self._lanes

    def entries(self) -> Sequence[int]:
        return range(1, len(self._lanes) + 1)


def asked(schedule: Pct, kind: str, *lanes: Hashable) -> int:
    schedule.situation = Lanes(*lanes)
    return schedule.pick(kind, len(lanes) if kind == Kind.NEXT else 2)


@given(st.integers(), st.permutations("abcd"))
def test_without_change_points_the_same_lane_always_comes_first(seed: int, order: list[str]) -> None:
    schedule = Pct(seed, depth=1)
    first = "abcd"[asked(schedule, Kind.NEXT, *"abcd")]
    assert order[asked(schedule, Kind.NEXT, *order)] == first


@given(st.integers(), st.integers(1, 9))
def test_at_a_change_point_the_foremost_lane_falls_behind_all_others(seed: int, steps: int) -> None:
    schedule = Pct(seed, depth=2, steps=steps)
    picks = [asked(schedule, Kind.NEXT, *range(5)) for _ in range(10)]
    fallen = picks[0]
    if picks[-1] != fallen:
        others = [lane for lane in range(5) if lane != fallen]
        assert [asked(schedule, Kind.NEXT, fallen, lane) for lane in others] == [1] * 4


@given(st.integers(), st.integers(1, 6), st.integers(1, 50))
def test_there_are_as_many_changes_as_the_depth_allows(seed: int, depth: int, steps: int) -> None:
    schedule = Pct(seed, depth, steps)
    picks = [asked(schedule, Kind.NEXT, *range(20)) for _ in range(steps + depth)]
    changes = sum(one != other for one, other in pairwise(picks))
    # Nobody sees who would have come first if that one falls at the very first decision.
    assert changes in (depth - 1, depth - 2)


@given(st.integers())
def test_time_moves_on_if_it_is_before_every_task_and_a_task_is_preempted_by_one_before_it(seed: int) -> None:
    schedule = Pct(seed, depth=1)
    order = "abt"[asked(schedule, Kind.NEXT, *"abt")]
    assert asked(schedule, Kind.ADVANCE, *"abt") == int(order == "t")
    assert asked(schedule, Kind.PREEMPT, *"abt") == int(order != "a")


@given(st.integers(), st.lists(st.integers(2, 9), max_size=20))
def test_a_seed_always_picks_the_same_and_within_range(seed: int, counts: list[int]) -> None:
    def picks() -> list[int]:
        schedule = Pct(seed, depth=3, steps=10)
        return [schedule.pick(Kind.NEXT, count) for count in counts]

    assert picks() == picks()
    assert all(0 <= pick < count for pick, count in zip(picks(), counts, strict=True))


@pytest.mark.parametrize("strategy", [Seeded, Pct])
def test_seeds_find_many_orders_of_three_branches(strategy: type[Seeded] | type[Pct]) -> None:
    shape = [[[("step", ()), ("step", ())] for _ in range(3)]]
    outcomes = {small_world.run(shape, strategy(seed))[0] for seed in range(100)}
    assert len(outcomes) > 20
