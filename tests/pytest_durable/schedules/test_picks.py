"""The decisions that were not ordinary are a run again, whoever took them and wherever it is repeated."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import small_world
from hypothesis import given, settings
from hypothesis import strategies as st
from model.check import runner_of
from model.generate import workflows
from model.workflow import INPUT, Body
from soak import part_of

from pytest_durable.history.codec import canonical_text
from pytest_durable.schedules import ExhaustiveSearch, InOrder, Pct, Picks, Schedule, Seeded

TESTS = Path(small_world.__file__).parent

picks_given = st.dictionaries(st.integers(0, 20), st.integers(1, 3)).map(lambda given: tuple(given.items()))


def schedules(seed: int) -> Iterator[Schedule]:
    """Return schedules of every strategy that is not ordinary."""
    yield Seeded(seed)
    yield Pct(seed, depth=3, steps=40)
    search = ExhaustiveSearch(advances=2)
    # Each goes another way than the one before, at one of its last decisions.
    while (schedule := search.next_schedule()) is not None:
        yield schedule


def outcome(body: Body, schedule: Schedule) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the history of a run, and what it picked."""
    runner = runner_of(body, schedule)
    try:
        history = canonical_text(runner.run(INPUT).history)
    finally:
        runner.release()
    choices = runner.choices
    return history, tuple((number, choice.picked) for number, choice in enumerate(choices) if choice.picked)


@settings(max_examples=part_of(60), deadline=None, derandomize=True)
@given(workflows, st.integers(0, 1000))
def test_the_picks_of_a_run_are_the_run_again(body: Body, seed: int) -> None:
    for schedule in islice(schedules(seed), 4):
        history, taken = outcome(body, schedule)
        again = Picks(taken)
        assert outcome(body, again) == (history, taken)
        assert again.fits


@settings(max_examples=part_of(60), deadline=None, derandomize=True)
@given(workflows)
def test_no_picks_are_the_ordinary_run(body: Body) -> None:
    class Zeros:
        is_ordinary = False

        def pick(self, kind: str, options: int) -> int:
            return 0

    ordinary = outcome(body, InOrder())
    assert outcome(body, Picks()) == ordinary
    assert outcome(body, Zeros()) == ordinary


@given(picks_given, st.lists(st.integers(2, 4), max_size=25))
def test_what_never_applied_or_did_not_fit_is_told(
    given_picks: tuple[tuple[int, int], ...], counts: list[int]
) -> None:
    schedule = Picks(given_picks)
    taken = [schedule.pick("next", count) for count in counts]
    wanted = dict(given_picks)
    fitting = {at: pick for at, pick in wanted.items() if at < len(counts) and pick < counts[at]}
    assert {at: pick for at, pick in enumerate(taken) if pick} == fitting
    assert schedule.unused == sorted((at, pick) for at, pick in wanted.items() if at >= len(counts))
    assert schedule.misfits == sorted((wanted.items() - fitting.items()) - set(schedule.unused))
    assert schedule.fits == (fitting == wanted)


def recorded(number: int) -> tuple[small_world.Shape, list[tuple[tuple[int, int], ...]]]:
    """Return a small world, and the picks of a run of each strategy in it."""
    shape = small_world.random_shape(random.Random(number))
    taken = []
    for schedule in islice(schedules(number), 5):
        _, simulator = small_world.run(shape, schedule)
        taken.append(
            tuple((at, choice.picked) for at, choice in enumerate(simulator.choices) if choice.picked)
        )
    return shape, taken


def digest(picks_of: dict[int, list[tuple[tuple[int, int], ...]]]) -> str:
    """Return a hash of what runs with these picks come to."""
    hashed = hashlib.sha256()
    for number, taken in picks_of.items():
        shape = small_world.random_shape(random.Random(number))
        for picks in taken:
            hashed.update(repr(small_world.run(shape, Picks(picks))[0]).encode())
    return hashed.hexdigest()


def test_the_picks_of_a_run_are_the_run_again_in_another_process() -> None:
    picks_of = {number: recorded(number)[1] for number in range(8)}
    source = (
        f"import sys; sys.path[:0] = [{str(TESTS)!r}, {str(Path(__file__).parent)!r}]\n"
        "from test_picks import digest, recorded\n"
        f"picks_of = {picks_of!r}\n"
        "assert picks_of == {number: recorded(number)[1] for number in picks_of}\n"
        "print(digest(picks_of))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for hash_seed in ("0", "4294967295"):
        done = subprocess.run(
            [sys.executable, "-c", source],
            env={**environment, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == digest(picks_of), done.stderr
