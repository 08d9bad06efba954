"""Virtual time moves when it is told to, and forward only."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.simulator.clock import Clock


@given(st.lists(st.integers(0, 10**18)))
def test_the_clock_reads_the_latest_moment_that_it_was_moved_to(moments: list[int]) -> None:
    clock = Clock(0)
    for moment in moments:
        clock.move_to(moment)
    assert clock.now == max(moments, default=0)
