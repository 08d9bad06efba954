"""Every decision is asked for and recorded in one place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.schedules.in_order import InOrder
from pytest_durable.schedules.seeded import Seeded
from pytest_durable.simulator.choices import Choice, Choices

counts = st.lists(st.integers(0, 9), max_size=30)


class Last:
    """Takes the last option."""

    is_ordinary = False

    def pick(self, kind: str, options: int) -> int:
        return options - 1


def test_a_choice_is_recorded_with_its_kind_and_its_options() -> None:
    choices = Choices(Last())
    assert choices.choose("next", 3) == 2
    assert choices.choose("fault", 2) == 1
    assert choices.recorded == [Choice("next", 3, 2), Choice("fault", 2, 1)]


def test_a_single_way_is_no_decision() -> None:
    choices = Choices(Last())
    assert (choices.choose("next", 1), choices.choose("next", 0)) == (0, 0)
    assert choices.recorded == []


@given(counts)
def test_in_order_always_takes_the_first(options: list[int]) -> None:
    choices = Choices(InOrder())
    assert choices.are_ordinary
    assert [choices.choose("next", count) for count in options] == [0] * len(options)


@given(st.integers(), counts)
def test_a_seeded_schedule_picks_within_range_and_repeats_itself(seed: int, options: list[int]) -> None:
    def picks() -> list[int]:
        choices = Choices(Seeded(seed))
        assert not choices.are_ordinary
        return [choices.choose("next", count) for count in options]

    assert picks() == picks()
    assert all(0 <= pick < max(count, 1) for pick, count in zip(picks(), options, strict=True))


def test_a_seeded_schedule_takes_every_option_sooner_or_later() -> None:
    schedule = Seeded(0)
    assert {schedule.pick("next", 4) for _ in range(200)} == {0, 1, 2, 3}
