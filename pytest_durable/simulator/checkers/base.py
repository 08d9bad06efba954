"""Checker: what it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_durable.history.events import Event
from pytest_durable.simulator.service.records import ExecutionRecord


class Checker:
    """Watches all executions of a simulation; raises CheckerError when its property does not hold."""

    @classmethod
    def watches(cls, happening: str) -> bool:
        """Return whether the checker does anything about a happening, named as its method is."""
        return getattr(cls, happening) is not getattr(Checker, happening)

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        """An invocation begins with ``event``."""

    def exchanged(
        self,
        record: ExecutionRecord,
        request: Mapping[str, Any],
        answer: Mapping[str, Any] | None,
    ) -> None:
        """The service has answered a request; ``answer`` is None if it refused."""

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """An event has been appended to the log."""

    def finished(self, record: ExecutionRecord) -> None:
        """The execution has ended."""
