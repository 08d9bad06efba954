"""The portfolio: what finds new states is drawn more often, the same on every machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pytest_durable.exploration.portfolio import Drawn, Portfolio, Strategy
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.trial import Decision, Trial
from pytest_durable.faults import crash
from pytest_durable.plan import Plan
from pytest_durable.schedules import Pct, Seeded

CRASHES = (crash(before_step="a"), crash(after_step="a"))


def settings(interleavings: int, **others: Any) -> ExplorationSettings:
    return ExplorationSettings(interleavings=interleavings, **others)


def trial(decisions: int = 10) -> Trial:
    return Trial(Plan(), (), (), [Decision("next", 2, 0)] * decisions, "state")


def drawn_from(portfolio: Portfolio, finds: set[str] = frozenset(), decisions: int = 10) -> list[Drawn]:  # type: ignore[assignment]
    """Draw all; each run of the strategies named comes to a new state."""
    every = []
    while (drawn := portfolio.draw()) is not None:
        every.append(drawn)
        portfolio.learn(drawn, trial(decisions), is_new=drawn.strategy.name in finds)
    return every


def names(every: list[Drawn]) -> Counter[str]:
    return Counter(drawn.strategy.name for drawn in every)


def test_all_strategies_have_the_same_share_while_none_finds_anything() -> None:
    counts = names(drawn_from(Portfolio(settings(50), 0, CRASHES)))
    assert set(counts) == {"random", "PCT 2", "PCT 3", "random with a crash", "PCT 3 with a crash"}
    assert set(counts.values()) == {10}


def test_the_share_of_a_strategy_grows_as_it_finds_new_states() -> None:
    counts = names(drawn_from(Portfolio(settings(90), 0, CRASHES), {"PCT 3"}))
    others = [count for name, count in counts.items() if name != "PCT 3"]
    assert counts["PCT 3"] >= 4 * max(others)
    assert min(others) >= 8


def test_the_same_seed_draws_the_same_runs() -> None:
    def picks(seed: int) -> list[tuple[str, object, list[int]]]:
        every = drawn_from(Portfolio(settings(20), seed, CRASHES), {"random"})
        return [
            (one.strategy.name, one.plan, [one.schedule.pick("next", 7) for _ in range(5)]) for one in every
        ]

    assert picks(3) == picks(3)
    assert picks(3) != picks(4)


def test_with_a_crash_each_run_has_one_of_those_of_the_sweep() -> None:
    every = drawn_from(Portfolio(settings(50), 0, CRASHES))
    crashing = [drawn.plan.faults for drawn in every if drawn.strategy.crashes]
    assert set(crashing) == {(CRASHES[0],), (CRASHES[1],)}
    assert all(not drawn.plan.faults for drawn in every if not drawn.strategy.crashes)


def test_without_crashes_there_are_only_orders() -> None:
    assert set(names(drawn_from(Portfolio(settings(9), 0)))) == {"random", "PCT 2", "PCT 3"}


def test_where_nothing_can_go_another_way_one_run_shows_it() -> None:
    portfolio = Portfolio(settings(50), 0)
    assert len(drawn_from(portfolio, decisions=0)) == 1
    assert str(portfolio) == "1 run, nothing can go another way"


def test_a_crash_after_which_nothing_can_go_another_way_is_drawn_once() -> None:
    every = drawn_from(Portfolio(settings(50), 0, CRASHES), decisions=0)
    assert len(every) == 3
    assert {drawn.plan.faults for drawn in every} == {(), (CRASHES[0],), (CRASHES[1],)}


def test_shards_draw_runs_of_different_numbers_and_together_as_many_as_one() -> None:
    parts = [drawn_from(Portfolio(settings(50, shard=(index, 3)), 0)) for index in range(3)]
    assert [len(part) for part in parts] == [17, 17, 16]
    firsts = [
        [
            tuple(one.schedule.pick("next", 1000) for _ in range(200))
            for one in part
            if isinstance(one.schedule, Seeded)
        ]
        for part in parts
    ]
    assert not set(firsts[0]) & set(firsts[1])


def test_pct_tells_how_likely_it_misses_a_bug_of_its_depth() -> None:
    portfolio = Portfolio(settings(200, depth=2), 0)
    while (drawn := portfolio.draw()) is not None:
        if isinstance(drawn.schedule, Pct):
            for _ in range(10):
                drawn.schedule.pick("next", 2)
        portfolio.learn(drawn, trial(10), is_new=False)
    (pct,) = [strategy for strategy in portfolio.strategies if strategy.depth]
    assert pct.runs == 100
    # One run finds it with 1 / (lanes * decisions).
    assert 0.0059 < (1 - 1 / (2 * 10)) ** 100 < 0.006
    assert str(portfolio).endswith("a bug of depth 2 is missed with p <= 0.006")


def test_no_probability_is_told_of_runs_that_were_longer_than_expected() -> None:
    def pct(seed: int, steps: int) -> Pct:
        return Pct(seed, 3, 5)

    portfolio = Portfolio(settings(10), 0, strategies=[Strategy("PCT 3", pct, 3)])
    drawn_from(portfolio, decisions=10)
    assert str(portfolio) == "10 sampled (PCT 3 10)"
