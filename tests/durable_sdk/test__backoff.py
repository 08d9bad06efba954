"""Delays and jitter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from durable_sdk import _runtime
from durable_sdk._backoff import JitterStrategy, exponential_delay, linear_delay
from durable_sdk._runtime import ThreadRuntime


class _Loaded(ThreadRuntime):
    """A runtime whose next random number is known."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self._number = number

    def random(self) -> float:
        return self._number


@contextmanager
def chance(number: float) -> Iterator[None]:
    token = _runtime.current.set(_Loaded(number))
    try:
        yield
    finally:
        _runtime.current.reset(token)


def test_exponential_delays_are_multiplied_up_to_the_maximum() -> None:
    assert [exponential_delay(5, 2, 60, n) for n in range(1, 7)] == [5, 10, 20, 40, 60, 60]
    assert [exponential_delay(1, 1.5, 60, n) for n in range(1, 5)] == [1, 1.5, 2.25, 3.375]


def test_linear_delays_are_added_up_to_the_maximum() -> None:
    assert [linear_delay(1, 2, 6, n) for n in range(1, 6)] == [1, 3, 5, 6, 6]


@pytest.mark.parametrize("attempts_made", [5_000, 10**9])
def test_delays_after_very_many_attempts_are_the_maximum(attempts_made: int) -> None:
    assert exponential_delay(5, 2, 300, attempts_made) == 300
    assert linear_delay(5, 2, 300, attempts_made) == 300


def test_no_initial_delay_stays_none_however_often_it_is_multiplied() -> None:
    assert exponential_delay(0, 2, 300, 1) == 0
    assert exponential_delay(0, 2, 300, 5_000) == 0


@pytest.mark.parametrize(
    ("jitter", "number", "delay"),
    [
        (JitterStrategy.NONE, 0.5, 10),
        (JitterStrategy.FULL, 0.0, 0),
        (JitterStrategy.FULL, 0.5, 5),
        (JitterStrategy.HALF, 0.0, 5),
        (JitterStrategy.HALF, 0.5, 7.5),
    ],
)
def test_jitter_draws_from_the_runtime(jitter: JitterStrategy, number: float, delay: float) -> None:
    with chance(number):
        assert jitter.apply_jitter(10) == delay


@pytest.mark.parametrize(("base", "seconds"), [(0, 1), (0.2, 1), (1, 1), (1.1, 2), (300, 300)])
def test_a_final_delay_is_rounded_up_and_at_least_a_second(base: float, seconds: int) -> None:
    assert JitterStrategy.NONE.finalize_delay(base) == seconds
