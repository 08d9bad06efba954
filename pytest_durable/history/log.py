"""The log of an execution: its events, in order of occurrence, and the operations that they fold into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from pytest_durable.history.events import Event
from pytest_durable.history.fold import RecordedOperation, fold


class EventLog:
    """Append-only. `operations` holds what the events so far fold into, by id, in order of creation."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events: list[Event] = []
        self._operations: dict[str, RecordedOperation] = {}
        self.operations: Mapping[str, RecordedOperation] = MappingProxyType(self._operations)
        for event in events:
            self.append(event)

    def append(self, event: Event) -> None:
        """Add the next event."""
        self._events.append(event)
        if event.subject is not None:
            operation_id = event.subject.operation_id
            self._operations[operation_id] = fold(self._operations.get(operation_id), event)

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __getitem__(self, index: int) -> Event:
        return self._events[index]
