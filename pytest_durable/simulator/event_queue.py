"""EventQueue: what is going to happen, ordered by (due, priority, sequence).

The sequence is a counter, so equal times are served in order of arrival, on every machine alike.
"""

from __future__ import annotations

import heapq
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Priority(IntEnum):
    """What comes first at one instant.

    Timers fire before work sees the instant, so an answer of the service includes them; all work of an
    instant is done before a new invocation starts; a deadline strikes only when nothing else is left.
    A sandbox that dies, dies before anything else happens.
    """

    DEATH = -1
    TIMER = 0
    WORK = 1
    INVOCATION = 2
    DEADLINE = 3


class Scope(Protocol):
    """What an entry belongs to. When its scope has closed, an entry never happens."""

    @property
    def closed(self) -> bool: ...


class Entry(Generic[T]):
    """An item in the queue."""

    __slots__ = ("cancelled", "due", "item", "priority", "scope", "sequence")

    def __init__(self, due: int, priority: Priority, sequence: int, item: T, scope: Scope) -> None:
        self.due = due
        self.priority = priority
        self.sequence = sequence
        self.item = item
        self.scope = scope
        self.cancelled = False

    def cancel(self) -> None:
        """Make it never happen."""
        self.cancelled = True


class EventQueue(Generic[T]):
    """A priority queue of entries."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, Entry[T]]] = []
        self._sequence = 0

    def push(self, due: int, priority: Priority, item: T, scope: Scope) -> Entry[T]:
        """Add ``item``, due at ``due`` (microseconds since the epoch)."""
        self._sequence += 1
        entry = Entry(due, priority, self._sequence, item, scope)
        heapq.heappush(self._heap, (due, priority, self._sequence, entry))
        return entry

    def head(self) -> Entry[T] | None:
        """Return the entry that comes first, None if nothing is going to happen."""
        while self._heap:
            entry = self._heap[0][3]
            if not (entry.cancelled or entry.scope.closed):
                return entry
            heapq.heappop(self._heap)
        return None

    def has_before(self, priority: Priority) -> bool:
        """Return whether anything of a lower priority than this, at whatever time, is going to happen."""
        return any(
            other_priority < priority and not (entry.cancelled or entry.scope.closed)
            for _, other_priority, _, entry in self._heap
        )

    def rivals(self, entry: Entry[T]) -> list[Entry[T]]:
        """Return the entries that may happen in place of the head ``entry``: same due and priority."""
        return sorted(
            (
                other
                for due, priority, _, other in self._heap
                if due == entry.due
                and priority == entry.priority
                and not (other.cancelled or other.scope.closed)
            ),
            key=lambda other: other.sequence,
        )

    def remove(self, entry: Entry[T]) -> None:
        """Take ``entry`` out, wherever it stands."""
        if self._heap[0][3] is entry:
            heapq.heappop(self._heap)
            return
        self._heap.remove((entry.due, entry.priority, entry.sequence, entry))
        heapq.heapify(self._heap)
