"""EventQueue: what is going to happen, ordered by (due, priority, sequence).

The sequence is a counter, so equal times are served in order of arrival, on every machine alike.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
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


# More than there are priorities.
_PRIORITIES = 8


class Scope(Protocol):
    """What an entry belongs to. When its scope has closed, an entry never happens."""

    @property
    def closed(self) -> bool: ...


class Entry(Generic[T]):
    """An item in the queue."""

    __slots__ = ("cancelled", "due", "item", "key", "priority", "scope", "sequence")

    def __init__(self, key: int, due: int, priority: Priority, sequence: int, item: T, scope: Scope) -> None:
        self.key = key
        """Orders entries of different due or priority."""
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
    """A priority queue of entries, in one line for each due and priority."""

    def __init__(self) -> None:
        self._keys: list[int] = []
        """Those of the lines, in order."""
        self._lines: dict[int, list[Entry[T]]] = {}
        self._sequence = 0

    def push(self, due: int, priority: Priority, item: T, scope: Scope) -> Entry[T]:
        """Add ``item``, due at ``due`` (microseconds since the epoch)."""
        self._sequence += 1
        key = due * _PRIORITIES + priority - Priority.DEATH
        entry = Entry(key, due, priority, self._sequence, item, scope)
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = [entry]
            insort(self._keys, key)
        else:
            line.append(entry)
        return entry

    def head(self) -> Entry[T] | None:
        """Return the entry that comes first, None if nothing is going to happen."""
        while self._keys:
            entry = self._lines[self._keys[0]][0]
            if not (entry.cancelled or entry.scope.closed):
                return entry
            self.remove(entry)
        return None

    def in_order(self) -> Iterator[Entry[T]]:
        """Yield the entries that are going to happen, in order."""
        for key in self._keys:
            yield from self._live(key)

    def has_before(self, priority: Priority) -> bool:
        """Return whether anything of a lower priority than this, at whatever time, is going to happen."""
        return any(entry.priority < priority for key in self._keys for entry in self._live(key))

    def _live(self, key: int) -> Iterator[Entry[T]]:
        return (entry for entry in self._lines[key] if not (entry.cancelled or entry.scope.closed))

    def rivals(self, head: Entry[T], now: int) -> list[Entry[T]]:
        """Return the entries that may happen in place of the ``head``, in order, that one first.

        They have its priority, and are due by ``now``, or at its own time if that comes later.
        """
        line = self._lines[head.key]
        if head.due >= now:
            if len(line) == 1:
                return line.copy()
            return list(self._live(head.key))
        found: list[Entry[T]] = []
        for key in self._keys:
            if key // _PRIORITIES > now:
                break
            if (key - head.key) % _PRIORITIES == 0:
                found += self._live(key)
        return found

    def later(self, head: Entry[T], now: int) -> Entry[T] | None:
        """Return the first entry that may not happen in place of the ``head``, None if there is none."""
        last = max(head.due, now) * _PRIORITIES + _PRIORITIES - 1
        for key in self._keys:
            if key != head.key and (key > last or (key - head.key) % _PRIORITIES):
                for entry in self._lines[key]:
                    if not (entry.cancelled or entry.scope.closed):
                        return entry
        return None

    def due_by(self, now: int) -> list[Entry[T]]:
        """Return the entries that could happen by ``now``, in order; nothing of a deadline."""
        found: list[Entry[T]] = []
        for key in self._keys:
            if key // _PRIORITIES > now:
                break
            found += (entry for entry in self._live(key) if entry.priority is not Priority.DEADLINE)
        return found

    def remove(self, entry: Entry[T]) -> None:
        """Take ``entry`` out, wherever it stands."""
        line = self._lines[entry.key]
        if len(line) > 1:
            # The first one in almost every case, and found at once by identity.
            line.remove(entry)
            return
        del self._lines[entry.key]
        if self._keys[0] == entry.key:
            del self._keys[0]
        else:
            self._keys.remove(entry.key)
