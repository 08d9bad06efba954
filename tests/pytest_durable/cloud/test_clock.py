"""Time that is real, or that of what stands for the service in this process."""

from __future__ import annotations

from scripted_lambda import FakeClock

from pytest_durable.cloud.clock import RealClock, ServiceClock, standing_in


def test_the_time_is_that_of_the_other_clock_while_nothing_stands_in() -> None:
    other = FakeClock()
    clock = ServiceClock(other)
    began = clock.now()
    clock.sleep(2.5)
    assert (other.slept, clock.now() - began, clock.is_virtual) == ([2.5], 2.5, False)


def test_sleeping_passes_virtual_time_and_nothing_else_counts() -> None:
    other, passed = FakeClock(), list[int]()
    clock = ServiceClock(other)
    with standing_in(passed.append):
        began = clock.now()
        other.seconds += 1
        clock.sleep(18000)
        assert (clock.now() - began, clock.is_virtual) == (18000, True)
    assert (other.slept, passed) == ([], [18_000_000_000])


def test_a_deadline_is_met_to_the_microsecond_by_sleeping_in_parts() -> None:
    passed = list[int]()
    clock = ServiceClock(RealClock())
    with standing_in(passed.append):
        due, part = clock.now() + 172800, 0.1
        while (left := due - clock.now()) > 0.5e-6:
            clock.sleep(min(part, left))
            part *= 1.4
    assert sum(passed) == 172800 * 1_000_000


def test_the_time_never_goes_back_when_something_begins_or_ceases_to_stand_in() -> None:
    clock = ServiceClock(RealClock())
    seen = [clock.now()]
    for _ in range(3):
        with standing_in(lambda microseconds: None):
            seen.append(clock.now())
            clock.sleep(5)
            seen.append(clock.now())
        seen.append(clock.now())
    assert seen == sorted(seen)
    assert 15 <= seen[-1] - seen[0] < 60


def test_of_several_the_innermost_stands_in() -> None:
    outer, inner = list[int](), list[int]()
    clock = ServiceClock(FakeClock())
    with standing_in(outer.append):
        with standing_in(inner.append):
            clock.sleep(1)
        clock.sleep(2)
    assert (outer, inner) == ([2_000_000], [1_000_000])
