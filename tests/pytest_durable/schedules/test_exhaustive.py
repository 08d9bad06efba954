"""The search reaches everything that can be reached, and leaves out only what comes to the same."""

from __future__ import annotations

import random
from itertools import product

import pytest
import small_world
from small_world import Shape
from soak import IS_SOAK

from pytest_durable.schedules import ExhaustiveSearch, FollowingSchedule, Kind, Situation

PLAIN = [[[("step", ())], [("step", ())]]]
SAME_EFFECT: Shape = [[[("step", ("x",))], [("step", ("x",))]]]
APART: Shape = [[[("step", ("x",))]], [[("step", ("y",))]]]


def drive(search: ExhaustiveSearch, options: list[tuple[str, int]]) -> list[tuple[int, ...]]:
    """Return what every schedule of a search picks where the same decisions come up each time."""
    runs = []
    while (schedule := search.next_schedule()) is not None:
        runs.append(tuple(schedule.pick(kind, count) for kind, count in options))
    return runs


def test_without_knowledge_of_the_run_every_combination_comes_once_in_order() -> None:
    search = ExhaustiveSearch()
    runs = drive(search, [("next", 2), ("next", 3), ("next", 2)])
    assert runs == list(product(range(2), range(3), range(2)))
    assert search.exhausted
    assert search.report == "exhausted 12 of 12"


@pytest.mark.parametrize("advances", [0, 1, 2, None])
def test_no_run_has_more_advances_than_the_bound(advances: int | None) -> None:
    runs = drive(ExhaustiveSearch(advances=advances), [("advance", 2)] * 3)
    most = 3 if advances is None else advances
    assert runs == [run for run in product(range(2), repeat=3) if sum(run) <= most]


def test_preemptions_have_a_bound_of_their_own() -> None:
    runs = drive(ExhaustiveSearch(advances=1, preemptions=1), [("preempt", 2), ("advance", 2)] * 2)
    assert runs == [run for run in product(range(2), repeat=4) if run[0] + run[2] <= 1 >= run[1] + run[3]]


def test_a_search_that_reaches_its_bound_says_so() -> None:
    search = ExhaustiveSearch(bound=5)
    assert len(drive(search, [("next", 3), ("next", 3)])) == 5
    assert not search.exhausted
    assert search.report == "bound reached: 5 run"


def test_a_search_whose_bound_is_what_there_is_is_exhausted() -> None:
    search = ExhaustiveSearch(bound=9)
    assert len(drive(search, [("next", 3), ("next", 3)])) == 9
    assert search.exhausted


def test_a_test_that_does_not_ask_the_same_again_is_not_exhausted() -> None:
    search = ExhaustiveSearch()
    counts = iter([3, 2])
    while (schedule := search.next_schedule()) is not None:
        schedule.pick("next", 2)
        schedule.pick("next", next(counts, 2))
    assert search.diverged == 1
    assert not search.exhausted
    assert "did not repeat" in search.report


def test_a_run_that_stops_before_it_got_to_what_it_was_for_is_told() -> None:
    search = ExhaustiveSearch()
    first = search.next_schedule()
    assert first is not None
    first.pick("next", 2)
    first.pick("next", 2)
    assert search.next_schedule() is not None
    assert search.next_schedule() is None
    assert not search.exhausted


# Random shapes whose orders are few enough to run all of them; `schedule_soak.py` takes any.
# The suite takes every third.
_SMALL = [
    *[(seed, 0, 0) for seed in (0, 4, 11, 13, 20, 26, 33, 37, 38, 57)],
    *[(seed, 0, 1) for seed in (4, 13, 16, 45, 49, 53)],
    *[(seed, 1, 0) for seed in (6, 10, 19, 42)],
]
SMALL = _SMALL if IS_SOAK else _SMALL[::3]


@pytest.mark.parametrize(("seed", "advances", "preemptions"), SMALL)
def test_leaving_out_what_comes_to_the_same_loses_no_outcome(
    seed: int, advances: int, preemptions: int
) -> None:
    compared = small_world.compare(small_world.random_shape(random.Random(seed)), 1000, advances, preemptions)
    assert compared.outcomes == compared.all_outcomes
    assert compared.runs <= compared.all_runs
    # Of executions that share an effect and run one after the other, no two orders are the same.
    assert compared.runs < compared.all_runs or compared.all_runs <= 6


def test_executions_that_share_nothing_need_not_be_interleaved() -> None:
    everything, search = ExhaustiveSearch(advances=1, reduces=False), ExhaustiveSearch(advances=1)
    assert small_world.reach(APART, search) == small_world.reach(APART, everything)
    assert search.runs * 5 < everything.runs


def test_a_preemption_shows_effects_in_every_order() -> None:
    def ledgers(preemptions: int) -> set[tuple[tuple[str, tuple[str, ...]], ...]]:
        shape: Shape = [[[("step", ("x", "x"))], [("step", ("x",))]]]
        search = ExhaustiveSearch(2000, preemptions=preemptions)
        outcomes = small_world.reach(shape, search)
        assert search.exhausted
        return {ledger for _, ledger in outcomes}

    first, second = "0/0.0", "0/1.0"
    whole = {(("x", (first, first, second)),), (("x", (second, first, first)),)}
    assert ledgers(0) == whole
    assert ledgers(1) == {*whole, (("x", (first, second, first)),)}


def test_every_run_has_another_order() -> None:
    search = ExhaustiveSearch(reduces=False)
    picks = set()
    while (schedule := search.next_schedule()) is not None:
        _, simulator = small_world.run(PLAIN, schedule)
        picks.add(tuple(simulator.choices))
    assert search.exhausted
    assert len(picks) == search.runs


class Watched:
    """A schedule that is told what happens, and takes note."""

    is_ordinary = False
    situation: Situation | None = None

    def __init__(self) -> None:
        self.told: list[object] = []

    def pick(self, kind: str, options: int) -> int:
        self.told.append(Kind(kind))
        return int(kind == Kind.PREEMPT)

    def join(self) -> None:
        self.told.append("join")

    def begin(self, entry: int) -> None:
        self.told.append(entry)

    def resume(self, entry: int) -> None:
        self.told.append(("resume", entry))

    def touch(self, resource: object) -> None:
        self.told.append(resource)

    def touch_everything(self) -> None:
        self.told.append("everything")


def test_a_schedule_that_follows_is_told_what_each_entry_touches() -> None:
    schedule = Watched()
    followed: FollowingSchedule = schedule
    small_world.run(SAME_EFFECT, followed)
    told = schedule.told
    # Between two runs of the loop it is the test's turn, which may look at anything.
    assert told[:2] == ["join", "everything"]
    assert told[-1] == "everything"
    numbers = [one for one in told if isinstance(one, int)]
    assert len(numbers) == len(set(numbers))
    first = next(one for one in told if isinstance(one, tuple))
    assert isinstance(first, tuple)
    assert first[1] in numbers
    resources = {one for one in told if isinstance(one, str) and ":" in one}
    assert {resource.partition(":")[0] for resource in resources} == {"record", "memory", "ledger"}
