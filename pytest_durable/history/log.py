"""The log of an execution: its events, in order of occurrence, and the operations that they fold into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from pytest_durable.history.events import INTERNAL_EVENT_TYPES, Event
from pytest_durable.history.fold import RecordedOperation, fold


class EventLog:
    """Append-only. `operations` holds what the events so far fold into, by id, in order of creation."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events: list[Event] = []
        self._shown: list[Event] = []
        self._sorted_out = 0
        self._operations: dict[str, RecordedOperation] = {}
        self.operations: Mapping[str, RecordedOperation] = MappingProxyType(self._operations)
        for event in events:
            self.append(event)

    def append(self, event: Event, operation: RecordedOperation | None = None) -> None:
        """Add the next event. ``operation`` is what it makes of its operation, if that is known already."""
        self._events.append(event)
        if event.subject is not None:
            operation_id = event.subject.operation_id
            self._operations[operation_id] = operation or fold(self._operations.get(operation_id), event)

    @property
    def shown(self) -> Sequence[Event]:
        """The events that a history shows; the one with id n is at n - 1. Grows with the log."""
        # Sorted out when asked for, each event once: appending must cost nothing more.
        for index in range(self._sorted_out, len(self._events)):
            event = self._events[index]
            if event.type not in INTERNAL_EVENT_TYPES:
                self._shown.append(event)
        self._sorted_out = len(self._events)
        return self._shown

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __getitem__(self, index: int) -> Event:
        return self._events[index]
