"""Endings: which ended operations have yet to be reported, and by whom.

An answer of the service records that an operation has ended; the task that observes the result reports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from durable_sdk._plugins.infos import OperationEndInfo, OperationType
from durable_sdk._runtime import Runtime, Signal


class Endings:
    """The endings of one invocation. ``report`` tells the plugins of one; each is reported once at most."""

    def __init__(
        self,
        runtime: Runtime,
        report: Callable[[OperationEndInfo], None],
        parent_of: Callable[[str], str | None],
    ) -> None:
        self._runtime = runtime
        self._report = report
        self._parent_of = parent_of
        self._lock = runtime.lock()
        self._unread: dict[str, OperationEndInfo] = {}
        # Of each unread ending the contexts around it, and of each context the unread endings below it.
        self._above: dict[str, list[str]] = {}
        self._below: dict[str, dict[str, None]] = {}
        self._awaited: dict[str, list[Signal]] = {}
        self._reported: set[str] = set()

    def record(self, info: OperationEndInfo) -> None:
        """Take note of an ending that somebody is to report."""
        with self._lock:
            if info.operation_id in self._reported:
                return
            self._unread[info.operation_id] = info
            self._above[info.operation_id] = self._contexts_around(info.parent_id)
            for context_id in self._above[info.operation_id]:
                self._below.setdefault(context_id, {})[info.operation_id] = None

    def observe(self, operation_id: str) -> None:
        """Report the ending, if there is one to report, and those below it that nobody has read.

        If another task is reporting it, wait until it has.
        """
        if not self._unread and not self._awaited:
            return
        signal = None
        with self._lock:
            awaiting = self._awaited.get(operation_id)
            if awaiting is not None:
                signal = self._runtime.signal()
                awaiting.append(signal)
            claimed = self._claim(operation_id)
        if signal is not None:
            signal.wait()
        self._report_in_order(claimed)

    def drain(self) -> None:
        """Report every ending that nobody has read.

        Raises:
            KeyboardInterrupt, SystemExit, GeneratorExit: a hook raised it; the others were called.
        """
        stop: BaseException | None = None
        while self._unread:
            with self._lock:
                claimed = self._take(sorted(self._unread, key=self._depth, reverse=True))
            for info in claimed:
                try:
                    self._report_in_order([info])
                except BaseException as error:
                    stop = stop or error
        if stop is not None:
            raise stop

    def _claim(self, operation_id: str) -> list[OperationEndInfo]:
        info = self._unread.get(operation_id)
        if info is not None and info.operation_type is not OperationType.CONTEXT:
            return self._take([operation_id])
        below = sorted(self._below.get(operation_id, ()), key=self._depth, reverse=True)
        return self._take(below if info is None else [*below, operation_id])

    def _take(self, operation_ids: Iterable[str]) -> list[OperationEndInfo]:
        claimed = [self._unread.pop(operation_id) for operation_id in operation_ids]
        for info in claimed:
            for context_id in self._above.pop(info.operation_id):
                del self._below[context_id][info.operation_id]
            self._reported.add(info.operation_id)
            self._awaited[info.operation_id] = []
        return claimed

    def _report_in_order(self, claimed: list[OperationEndInfo]) -> None:
        unsettled = [info.operation_id for info in claimed]
        try:
            for info in claimed:
                try:
                    self._report(info)
                finally:
                    self._settle(unsettled.pop(0))
        finally:
            # A hook told this task to stop: whoever waits for the others goes on without them.
            for operation_id in unsettled:
                self._settle(operation_id)

    def _settle(self, operation_id: str) -> None:
        with self._lock:
            signals = self._awaited.pop(operation_id)
        for signal in signals:
            signal.set()

    def _contexts_around(self, parent_id: str | None) -> list[str]:
        """Return the recorded contexts from the one of that id outwards."""
        found: list[str] = []
        while parent_id is not None and parent_id not in found:
            found.append(parent_id)
            parent_id = self._parent_of(parent_id)
        return found

    def _depth(self, operation_id: str) -> int:
        return len(self._above[operation_id])
