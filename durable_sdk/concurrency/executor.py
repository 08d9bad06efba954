"""The executor of branches: starts them, waits for them, and tells when enough have ended.

The task that asked for the batch is the coordinator; each branch runs in a task of its own and posts how
it ended to the coordinator's inbox. The coordinator alone decides, so a batch has one history of decisions.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from durable_sdk._runtime import Signal
from durable_sdk._wire.errors import ErrorObject
from durable_sdk.concurrency.completion import (
    BatchItemStatus,
    CompletionItemStatus,
    CompletionPolicy,
    CompletionReason,
)
from durable_sdk.concurrency.models import BatchItem, BatchResult
from durable_sdk.exceptions import (
    DurableOperationError,
    ExecutionError,
    InvocationError,
    SerDesError,
    SuspendExecution,
    TimedSuspendExecution,
)
from durable_sdk.operation.base import DurableOperation, perform, suspend
from durable_sdk.state import ExecutionState

T = TypeVar("T")

# The service may be late to end a wait whose time has come by our clock: ask again later and later.
_ASK_AGAIN_MICROSECONDS = 100_000
_ASK_AGAIN_MICROSECONDS_MAX = 10_000_000

MAX_RUNNING = 128
"""Branches of one batch that run user code at a time, each in a task of its own: a map of a few thousand
items would need more threads than Lambda allows. `BranchTasks` bounds those of all batches together."""


@dataclass(frozen=True, slots=True)
class _Succeeded(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


@dataclass(frozen=True, slots=True)
class _Suspended:
    until: int | None
    news: int


@dataclass(frozen=True, slots=True)
class _Fatal:
    error: BaseException


class _Branch(Generic[T]):
    """A branch and where it stands; ``item`` is None until it has ended."""

    __slots__ = ("ask_again", "index", "item", "news", "operation", "resume_at", "until")

    def __init__(self, index: int, operation: DurableOperation[T]) -> None:
        self.index = index
        self.operation = operation
        self.item: BatchItem[T] | None = None
        self.resume_at: int | None = None
        self.until: int | None = None
        """What it has been told to wait for; ``resume_at`` is later if that has passed."""
        self.news = 0
        """What the service had told when it last looked."""
        self.ask_again = _ASK_AGAIN_MICROSECONDS

    def suspend(self, until: int | None, news: int, now: int) -> None:
        """Take note that it waits: until a time, or for something whose time is not known."""
        self.until, self.news = until, news
        if until is not None and until <= now:
            until = now + self.ask_again
            self.ask_again = min(2 * self.ask_again, _ASK_AGAIN_MICROSECONDS_MAX)
        self.resume_at = until

    @property
    def is_overdue(self) -> bool:
        """Whether its time had come before it began to wait, so that the service may have told that."""
        return self.resume_at != self.until

    def run(self, state: ExecutionState) -> _Succeeded[T] | _Failed | _Suspended | _Fatal:
        try:
            identifier = self.operation.identifier
            if state.runtime.watches_operations:
                state.tell_called(identifier, identifier.parent_id, self.index, {})
            recorded = state.find(identifier)
            return _Succeeded(perform(self.operation, recorded, state))
        except TimedSuspendExecution as suspension:
            return _Suspended(suspension.resume_at, state.news)
        except SuspendExecution:
            return _Suspended(None, state.news)
        except ExecutionError as error:
            return _Fatal(error)
        except Exception as error:
            return _Failed(error)
        except BaseException as error:
            return _Fatal(error)


class BranchExecutor(Generic[T]):
    """Runs ``operations``, at most ``max_concurrency`` of them unfinished at a time, in index order.

    ``names`` are those that the handler gave, for ``should_complete``.
    """

    def __init__(
        self,
        state: ExecutionState,
        operations: Sequence[DurableOperation[T]],
        policy: CompletionPolicy,
        max_concurrency: int | None,
        names: Sequence[str | None] = (),
    ) -> None:
        self._state = state
        self._runtime = state.runtime
        self._branches = [_Branch(index, operation) for index, operation in enumerate(operations)]
        self._policy = policy
        self._slots = max_concurrency or max(1, len(operations))
        self._lock = self._runtime.lock()
        self._inbox: list[tuple[_Branch[T], _Succeeded[T] | _Failed | _Suspended | _Fatal]] = []
        self._wake: Signal | None = None
        self._resumed: deque[_Branch[T]] = deque()
        self._resume_times: list[tuple[int, int]] = []
        self._started = 0
        self._running = 0
        self._succeeded = 0
        self._failed = 0
        self._retryable: InvocationError | None = None
        # Only a function of the user looks at single branches; without one they are not tracked.
        self._items: list[CompletionItemStatus] = []
        if policy.should_complete is not None:
            self._items = [CompletionItemStatus(index, name) for index, name in enumerate(names)]

    def run(self) -> BatchResult[T]:
        """Run until the policy says that enough have ended.

        Raises:
            SuspendExecution: nothing runs any more, and some branch waits for something outside.
            ExecutionError: raised by a branch; no policy tolerates it.
            InvocationError: raised by a branch; the invocation has to be retried.
        """
        reason = self._evaluate()
        while reason is None:
            self._start_branches()
            if not self._running:
                self._resume_or_suspend()
                continue
            for branch, outcome in self._collect():
                self._settle(branch, outcome)
                # Branches that ended by now count with what they did, but the first decision stands.
                reason = reason or self._evaluate()
        if self._retryable is not None:
            raise self._retryable
        return self._result(reason)

    def _evaluate(self) -> CompletionReason | None:
        return self._policy.evaluate(self._succeeded, self._failed, self._items)

    def _start_branches(self) -> None:
        tasks = self._state.branch_tasks
        while (self._resumed or self._has_another()) and self._running < MAX_RUNNING:
            if not tasks.take(beyond_the_limit=not self._running):
                return
            if self._resumed:
                branch = self._resumed.popleft()
            else:
                branch = self._branches[self._started]
                self._started += 1
                self._track(branch, BatchItemStatus.STARTED)
            self._start(branch)

    def _has_another(self) -> bool:
        unfinished = self._started - self._succeeded - self._failed
        return self._started < len(self._branches) and unfinished < self._slots

    def _track(self, branch: _Branch[T], status: BatchItemStatus) -> None:
        if self._items:
            self._items[branch.index] = replace(self._items[branch.index], status=status)

    def _start(self, branch: _Branch[T]) -> None:
        self._running += 1
        recorded = self._state.peek(branch.operation.identifier.operation_id)
        if recorded is not None and recorded.is_terminal and not recorded.replay_children:
            # The answer is in the record: no user code runs, so it needs no task.
            self._post(branch)
            return
        try:
            self._runtime.spawn(lambda: self._post(branch), f"branch-{branch.index}")
        except RuntimeError as error:
            # The sandbox has no thread left. That says nothing about the batch: another one may have.
            self._running -= 1
            self._state.branch_tasks.give_back()
            raise InvocationError(f"Branch {branch.index} could not be started: {error}") from error

    def _post(self, branch: _Branch[T]) -> None:
        outcome = branch.run(self._state)
        self._state.branch_tasks.give_back()
        with self._lock:
            self._inbox.append((branch, outcome))
            wake, self._wake = self._wake, None
        if wake is not None:
            wake.set()

    def _collect(
        self,
    ) -> list[tuple[_Branch[T], _Succeeded[T] | _Failed | _Suspended | _Fatal]]:
        """Return what has been posted; if nothing comes before a suspended branch is due, resume it."""
        with self._lock:
            wake = None if self._inbox else self._runtime.signal()
            self._wake = wake
        if wake is not None and not wake.wait(self._next_resume_at()):
            self._resume_due()
        with self._lock:
            posted, self._inbox = self._inbox, []
            self._wake = None
        return posted

    def _next_resume_at(self) -> int | None:
        while self._resume_times:
            resume_at, index = self._resume_times[0]
            if self._branches[index].resume_at == resume_at:
                return resume_at
            heapq.heappop(self._resume_times)
        return None

    def _resume_due(self) -> None:
        now = self._runtime.now()
        self._state.refresh()
        due: list[int] = []
        while (resume_at := self._next_resume_at()) is not None and resume_at <= now:
            index = heapq.heappop(self._resume_times)[1]
            self._branches[index].resume_at = self._branches[index].until = None
            due.append(index)
        self._resumed.extend(self._branches[index] for index in sorted(due))

    def _settle(self, branch: _Branch[T], outcome: _Succeeded[T] | _Failed | _Suspended | _Fatal) -> None:
        self._running -= 1
        match outcome:
            case _Succeeded(value):
                self._succeeded += 1
                branch.item = BatchItem(branch.index, BatchItemStatus.SUCCEEDED, value)
                self._track(branch, BatchItemStatus.SUCCEEDED)
            case _Failed(error):
                self._failed += 1
                branch.item = BatchItem(branch.index, BatchItemStatus.FAILED, error=recorded_error(error))
                self._track(branch, BatchItemStatus.FAILED)
                if isinstance(error, InvocationError) and error.is_retryable():
                    self._retryable = error
            case _Suspended(until, news):
                branch.suspend(until, news, self._runtime.now())
                if branch.resume_at is not None:
                    heapq.heappush(self._resume_times, (branch.resume_at, branch.index))
            case _Fatal(error):
                raise error

    def _resume_or_suspend(self) -> None:
        """Nothing runs: go on with branches whose time has come meanwhile, or leave the invocation."""
        resume_at = self._next_resume_at()
        if resume_at is not None and resume_at <= self._runtime.now():
            self._resume_due()
            return
        overdue = [branch for branch in self._branches[: self._started] if branch.is_overdue]
        missed = [branch for branch in overdue if branch.news != self._state.news]
        if missed:
            # Of what the service has told meanwhile it says nothing more, so nobody would come back for it.
            for branch in missed:
                branch.resume_at = branch.until = None
            self._resumed.extend(missed)
            return
        if self._retryable is not None:
            raise self._retryable
        # The time itself: whoever contains this batch may have to look again as well.
        times = [branch.until for branch in overdue if branch.until is not None]
        suspend("Every branch that has started waits.", min(times, default=resume_at))

    def _result(self, reason: CompletionReason) -> BatchResult[T]:
        items = [
            branch.item or BatchItem(branch.index, BatchItemStatus.STARTED)
            for branch in self._branches[: self._started]
        ]
        return BatchResult(items, reason)


def recorded_error(error: Exception) -> ErrorObject:
    """Return the stored form of what made a branch fail: the same on the first run and on replay."""
    if isinstance(error, DurableOperationError | SerDesError):
        return ErrorObject(error.message, error.error_type, error.data, error.stack_trace)
    return ErrorObject.from_exception(error)
