"""Polling: how often to ask, and reading a history that grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.translate import ended_as
from pytest_durable.errors import RefusedError

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_FIRST_SECONDS = 0.1
_GROWTH = 1.4
LONGEST_SECONDS = 5.0


class Pace:
    """The intervals between two questions: short at first, then longer, never longer than the longest."""

    def __init__(self, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._longest = longest_seconds
        self._next = min(_FIRST_SECONDS, longest_seconds)

    def next(self) -> float:
        """Return how many seconds to wait before the next question."""
        seconds = self._next
        self._next = min(seconds * _GROWTH, self._longest)
        return seconds


class HistoryReader:
    """The history of one execution, as far as it has been read.

    Pages that were full never change, so only the last is read again.
    """

    def __init__(self, api: LambdaApi, arn: str) -> None:
        self._api = api
        self._arn = arn
        self._full_pages: list[dict[str, Any]] = []
        self._marker: str | None = None
        self._events: list[dict[str, Any]] = []

    @property
    def events(self) -> Sequence[dict[str, Any]]:
        """What has been read."""
        return self._events

    @property
    def has_ending(self) -> bool:
        """Whether it tells how the execution ended."""
        return ended_as(self._events) is not None

    def refresh(self, deadline: float | None = None) -> None:
        """Read what has been added. An answer that is older than the last one is ignored.

        Raises:
            CloudError: it cannot be read.
        """
        try:
            read = self._read(deadline)
        except RefusedError as error:
            if self._marker is None or error.code != "InvalidParameterValueException":
                raise
            # Markers expire.
            self._full_pages, self._marker = [], None
            read = self._read(deadline)
        if len(read) >= len(self._events):
            self._events = read

    def _read(self, deadline: float | None) -> list[dict[str, Any]]:
        while True:
            page = self._api.history_page(self._arn, self._marker, deadline=deadline)
            marker = page.get("NextMarker")
            if not marker:
                return [*self._full_pages, *page["Events"]]
            self._full_pages.extend(page["Events"])
            self._marker = marker
