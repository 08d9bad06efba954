"""The queue serves by time, then priority, then arrival; closed and cancelled entries never."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.simulator.event_queue import EventQueue, Priority


@dataclass
class Scope:
    closed: bool = False


OPEN = Scope()

pushes = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Priority)), max_size=40)


def drain(queue: EventQueue[int]) -> list[int]:
    served = []
    while (entry := queue.head()) is not None:
        queue.remove(entry)
        served.append(entry.item)
    return served


@given(pushes)
def test_entries_come_by_due_then_priority_then_arrival(entries: list[tuple[int, Priority]]) -> None:
    queue: EventQueue[int] = EventQueue()
    for number, (due, priority) in enumerate(entries):
        queue.push(due, priority, number, OPEN)
    # Python's sort is stable, so equal entries stay in order of arrival.
    expected = sorted(range(len(entries)), key=lambda number: entries[number])
    assert drain(queue) == expected


@given(pushes, st.randoms(use_true_random=False))
def test_a_cancelled_entry_never_comes(entries: list[tuple[int, Priority]], chance: random.Random) -> None:
    queue: EventQueue[int] = EventQueue()
    pushed = [queue.push(due, priority, n, OPEN) for n, (due, priority) in enumerate(entries)]
    cancelled = [entry for entry in pushed if chance.random() < 0.5]
    for entry in cancelled:
        entry.cancel()
    assert set(drain(queue)) == {entry.item for entry in pushed} - {entry.item for entry in cancelled}


def test_an_entry_whose_scope_has_closed_never_comes() -> None:
    queue: EventQueue[str] = EventQueue()
    sandbox = Scope()
    queue.push(1, Priority.WORK, "dead", sandbox)
    queue.push(2, Priority.WORK, "alive", OPEN)
    sandbox.closed = True
    head = queue.head()
    assert head is not None
    assert head.item == "alive"


def test_an_empty_queue_has_no_head() -> None:
    queue: EventQueue[str] = EventQueue()
    assert queue.head() is None
    queue.push(1, Priority.WORK, "dead", Scope(closed=True))
    assert queue.head() is None


def waiting(queue: EventQueue[int], entries: list[tuple[int, Priority]]) -> list[int]:
    """Push the entries, and return their numbers in the order in which they come."""
    for number, (due, priority) in enumerate(entries):
        queue.push(due, priority, number, OPEN)
    return sorted(range(len(entries)), key=lambda number: entries[number])


@given(pushes.filter(bool), st.integers(0, 6))
def test_late_entries_of_the_priority_of_the_head_are_its_rivals_too(
    entries: list[tuple[int, Priority]], now: int
) -> None:
    queue: EventQueue[int] = EventQueue()
    order = waiting(queue, entries)
    head = queue.head()
    assert head is not None
    instant = max(now, head.due)
    expected = [n for n in order if entries[n][0] <= instant and entries[n][1] is head.priority]
    assert [rival.item for rival in queue.rivals(head, now)] == expected
    later = queue.later(head, now)
    assert [later.item if later else None] == [*[n for n in order if n not in expected], None][:1]


@given(pushes, st.integers(0, 6))
def test_what_is_due_by_now_has_no_deadlines(entries: list[tuple[int, Priority]], now: int) -> None:
    queue: EventQueue[int] = EventQueue()
    order = waiting(queue, entries)
    expected = [n for n in order if entries[n][0] <= now and entries[n][1] is not Priority.DEADLINE]
    assert [entry.item for entry in queue.due_by(now)] == expected


def test_what_comes_later_is_neither_cancelled_nor_closed() -> None:
    queue: EventQueue[str] = EventQueue()
    head = queue.push(1, Priority.WORK, "head", OPEN)
    queue.push(2, Priority.WORK, "cancelled", OPEN).cancel()
    queue.push(2, Priority.WORK, "closed", Scope(closed=True))
    assert queue.later(head, 1) is None
    last = queue.push(3, Priority.TIMER, "last", OPEN)
    assert queue.later(head, 1) is last


@given(pushes)
def test_rivals_are_the_entries_that_differ_from_the_head_in_arrival_only(
    entries: list[tuple[int, Priority]],
) -> None:
    queue: EventQueue[int] = EventQueue()
    for number, (due, priority) in enumerate(entries):
        queue.push(due, priority, number, OPEN)
    while (head := queue.head()) is not None:
        rivals = queue.rivals(head, head.due)
        assert rivals[0] is head
        assert {(rival.due, rival.priority) for rival in rivals} == {(head.due, head.priority)}
        assert [rival.sequence for rival in rivals] == sorted(rival.sequence for rival in rivals)
        queue.remove(rivals[-1])


def test_rivals_leave_out_what_is_cancelled_or_closed() -> None:
    queue: EventQueue[str] = EventQueue()
    head = queue.push(1, Priority.WORK, "head", OPEN)
    queue.push(1, Priority.WORK, "cancelled", OPEN).cancel()
    queue.push(1, Priority.WORK, "closed", Scope(closed=True))
    queue.push(1, Priority.TIMER, "other priority", Scope(closed=True))
    rival = queue.push(1, Priority.WORK, "rival", OPEN)
    assert queue.rivals(head, head.due) == [head, rival]


@given(pushes, st.randoms(use_true_random=False))
def test_taking_any_rival_out_keeps_the_order_of_the_rest(
    entries: list[tuple[int, Priority]], chance: random.Random
) -> None:
    queue: EventQueue[int] = EventQueue()
    for number, (due, priority) in enumerate(entries):
        queue.push(due, priority, number, OPEN)
    served = []
    while (head := queue.head()) is not None:
        entry = chance.choice(queue.rivals(head, head.due))
        queue.remove(entry)
        served.append(entry.item)
    assert sorted(served) == list(range(len(entries)))
    assert [entries[number] for number in served] == sorted(entries)


def test_at_one_instant_deaths_precede_timers_work_invocations_and_deadlines() -> None:
    assert list(Priority) == sorted(Priority)
    assert [priority.name for priority in Priority] == ["DEATH", "TIMER", "WORK", "INVOCATION", "DEADLINE"]
