"""Checkpointing: which updates travel together, and who waits.

Group commit, without a task of its own. A task that must wait for its update sends it at once, with
everything queued before it; while that request is in flight others queue up, and one of them sends the
next request for all. An update that nobody waits for rides along with the next that somebody does, or
is sent after `FLUSH_DELAY_SECONDS` if nobody does.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from durable_sdk import _updates
from durable_sdk._client import CheckpointClient
from durable_sdk._lineage import Lineage
from durable_sdk._runtime import Runtime, Signal
from durable_sdk._updates import UpdateJson
from durable_sdk._wire.invocation import StatePage
from durable_sdk.exceptions import (
    BackgroundThreadError,
    OrphanedChildException,
    SuspendExecution,
)

_logger = logging.getLogger(__name__)

# Limits of one request: the service's.
MAX_UPDATES = 250
MAX_BYTES = 750 * 1024

# How long an update may wait for company when nobody waits for it.
FLUSH_DELAY_SECONDS = 0.1

_Refusal = Callable[[], BaseException]


class _Entry:
    """An update on its way; without an update it only asks what is new."""

    __slots__ = ("error", "queued_at", "settled", "signal", "size_bytes", "update")

    def __init__(self, update: UpdateJson | None, queued_at: int) -> None:
        self.update = update
        self.size_bytes = 0 if update is None else _updates.size_bytes(update)
        self.queued_at = queued_at
        self.signal: Signal | None = None
        self.settled = False
        self.error: _Refusal | None = None

    def settle(self, error: _Refusal | None = None) -> None:
        self.error = error
        self.settled = True
        if self.signal is not None:
            self.signal.set()


class Checkpointing:
    """The queue of updates of one invocation."""

    def __init__(
        self,
        client: CheckpointClient,
        runtime: Runtime,
        durable_execution_arn: str,
        checkpoint_token: str,
        lineage: Lineage,
        absorb: Callable[[StatePage], None],
    ) -> None:
        self._client = client
        self._runtime = runtime
        self._arn = durable_execution_arn
        self._token = checkpoint_token
        self._lineage = lineage
        self._absorb = absorb
        self._lock = runtime.lock()
        self._queue: deque[_Entry] = deque()
        self._sending = False
        self._flush_armed = False
        self._refusal: _Refusal | None = None
        self._failure: _Refusal | None = None
        self.token_revoked = False
        self.after_sending: Callable[[], None] | None = None
        """Called by a task that has sent requests, once whoever waits for them or to send next goes on."""

    def submit(self, update: UpdateJson | None, *, synchronous: bool) -> None:
        """Queue ``update``; if ``synchronous``, return when the service has it and its answer is absorbed.

        Raises:
            OrphanedChildException: a context above the operation has ended, or the execution has.
            BackgroundThreadError: this or an earlier request failed.
            SuspendExecution: the service has withdrawn the token.
        """
        entry = _Entry(update, self._runtime.now())
        with self._lock:
            self._refuse(update)
            self._queue.append(entry)
            if not synchronous:
                self._arm_flush()
                return
            if self._sending:
                entry.signal = self._runtime.signal()
            else:
                self._sending = True
        if entry.signal is not None:
            entry.signal.wait()
        if not entry.settled:
            self._send_until_settled(entry)
        if entry.error is not None:
            raise entry.error()

    def demand_intact(self) -> None:
        """Raise what ended checkpointing, if anything has but the end of the execution.

        Raises:
            BackgroundThreadError: a request failed.
        """
        if self._failure is not None:
            raise self._failure()

    def _refuse(self, update: UpdateJson | None) -> None:
        if update is not None:
            self._lineage.demand_open(update["Id"], update.get("ParentId"), update.get("Name"))
        if self._refusal is not None:
            raise self._refusal()
        if update is not None and _updates.ends_context(update):
            self._lineage.end(update["Id"])

    def _arm_flush(self, delay_seconds: float = FLUSH_DELAY_SECONDS) -> None:
        if not self._flush_armed and not self._sending:
            try:
                self._runtime.spawn(self._flush, "checkpoint-flush", delay_seconds)
            except RuntimeError:
                # The sandbox has no thread left: the update goes with the next one that somebody waits for.
                return
            self._flush_armed = True

    def _flush(self) -> None:
        with self._lock:
            self._flush_armed = False
            if self._sending or not self._queue:
                return
            age_seconds = (self._runtime.now() - self._queue[0].queued_at) / 1_000_000
            if age_seconds < FLUSH_DELAY_SECONDS:
                self._arm_flush(FLUSH_DELAY_SECONDS - age_seconds)
                return
            self._sending = True
            newest = self._queue[-1]
        self._send_until_settled(newest)

    def _send_until_settled(self, entry: _Entry) -> None:
        while not entry.settled:
            self._send(self._take_batch())
        with self._lock:
            # Whoever waits longest sends next; its own update is among the first to go.
            waiting = (other.signal for other in self._queue if other.signal is not None)
            successor = next(waiting, None)
            if successor is None:
                self._sending = False
                if self._queue:
                    self._arm_flush()
        if successor is not None:
            successor.set()
        if self.after_sending is not None:
            self.after_sending()

    def _take_batch(self) -> list[_Entry]:
        batch: list[_Entry] = []
        room_bytes = MAX_BYTES
        with self._lock:
            while self._queue and len(batch) < MAX_UPDATES:
                # An update beyond the limit travels alone: only the service may refuse it.
                if batch and self._queue[0].size_bytes > room_bytes:
                    break
                entry = self._queue.popleft()
                room_bytes -= entry.size_bytes
                batch.append(entry)
        return batch

    def _send(self, batch: list[_Entry]) -> None:
        updates = [entry.update for entry in batch if entry.update is not None]
        try:
            answer = self._client.checkpoint(self._arn, self._token, updates)
            token = answer.checkpoint_token
            if token is None:
                self._end(batch, answer.new_execution_state, updates)
                return
            self._token = token
            self.read_state(answer.new_execution_state)
        except BaseException as error:
            source = error
            self._failure = lambda: BackgroundThreadError(f"Checkpointing failed: {source}", source)
            self._stop(self._failure, batch)
            if not isinstance(error, Exception):
                # The process or the sandbox is ending; whoever waits has been told.
                raise
            return
        for entry in batch:
            entry.settle()

    def _end(self, batch: list[_Entry], page: StatePage, updates: list[UpdateJson]) -> None:
        """Handle an answer without a token: nothing more can be recorded in this invocation."""
        if any(_updates.is_execution(update) for update in updates):
            self._absorb(page)
            for entry in batch:
                entry.settle()
            self._stop(lambda: OrphanedChildException("The execution has ended.", "execution"))
            return
        self.token_revoked = True
        _logger.warning("The service has revoked the checkpoint token of %s.", self._arn)
        self._stop(
            lambda: SuspendExecution(
                "Checkpoint token revoked by the service; ending invocation with PENDING."
            ),
            batch,
        )

    def _stop(self, refusal: _Refusal, batch: list[_Entry] | None = None) -> None:
        with self._lock:
            self._refusal = refusal
            abandoned = [*(batch or ()), *self._queue]
            self._queue.clear()
        for entry in abandoned:
            entry.settle(refusal)

    def read_state(self, page: StatePage) -> None:
        """Absorb ``page`` and all pages after it. Pages read before an error are kept.

        Raises:
            GetExecutionStateError: a page could not be read.
        """
        self._absorb(page)
        while page.next_marker:
            page = self._client.get_execution_state(self._arn, self._token, page.next_marker)
            self._absorb(page)
