"""Answers: what a test has scripted for callbacks, sent in real time while the runner polls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from durable_sdk.lambda_service import OperationStatus, OperationSubType, OperationType
from pytest_durable.cloud.api import LambdaApi, is_already_ended
from pytest_durable.errors import CloudError
from pytest_durable.history.events import EventType
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.history.log import EventLog
from pytest_durable.points import matches, shown
from pytest_durable.scripts.base import best_of
from pytest_durable.scripts.callbacks import CallbackScript, Reply, Success
from pytest_durable.scripts.names import callback_paths

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_MICROSECOND = 1e-6


def open_callbacks(log: EventLog) -> Iterator[RecordedOperation]:
    """Yield the callbacks that can be answered now, in order of creation.

    A callback with a submitter can when that has ended: before, nobody outside knows its id.
    """
    for operation in _callbacks(log):
        if not operation.is_terminal and _is_submitted(log.operations, operation):
            yield operation


def callback_names(log: EventLog) -> list[str]:
    """Return the names of the callbacks that a history tells of."""
    return [shown(callback_paths(log.operations, operation.subject)[0]) for operation in _callbacks(log)]


def is_named(log: EventLog, operation: RecordedOperation, name: str | None) -> bool:
    """Return whether a callback goes by a name or path; without one any does."""
    paths = callback_paths(log.operations, operation.subject)
    return name is None or any(matches(name, path) for path in paths)


def _callbacks(log: EventLog) -> Iterator[RecordedOperation]:
    for operation in log.operations.values():
        if operation.subject.operation_type is OperationType.CALLBACK and operation.callback_id:
            yield operation


def _is_submitted(operations: Mapping[str, RecordedOperation], callback: RecordedOperation) -> bool:
    parent = operations.get(callback.subject.parent_id or "")
    if parent is None or parent.subject.sub_type != OperationSubType.WAIT_FOR_CALLBACK:
        return True
    submitters = (
        operation
        for operation in operations.values()
        if operation.subject.parent_id == parent.subject.operation_id
        and operation.subject.operation_type is OperationType.STEP
    )
    return any(submitter.is_terminal for submitter in submitters)


class _Attended:
    """A callback and what it gets. Times are those of the clock, in seconds."""

    def __init__(self, api: LambdaApi, callback_id: str, reply: Reply) -> None:
        self._api = api
        self._id = callback_id
        self._reply = reply
        self._open_since: float | None = None
        self._timed_out_since: float | None = None
        self._beats = 0
        self._is_answered = False

    @property
    def leaves_it_open(self) -> bool:
        """Whether the callback times out before it is answered."""
        beats = self._reply.heartbeats
        return (self._reply.late or self._reply.answer is None) and beats is None

    def attend(self, operation: RecordedOperation, now: float, is_open: bool) -> float | None:
        """Send what is due, and return when the next thing is."""
        is_late = self._reply.late and operation.status is OperationStatus.TIMED_OUT
        if self._is_answered or (operation.is_terminal and not is_late):
            return None
        if is_open and self._open_since is None:
            self._open_since = now
        if is_late and self._timed_out_since is None:
            self._timed_out_since = now
        if is_open:
            self._beat(now)
        due = self._answer_due
        if due is not None and due <= now:
            self._answer()
            return None
        next_beat = self._next_beat if is_open else None
        return min((at for at in (due, next_beat) if at is not None), default=None)

    @property
    def _answer_due(self) -> float | None:
        since = self._timed_out_since if self._reply.late else self._open_since
        if self._reply.answer is None or since is None:
            return None
        beats = self._reply.heartbeats
        if self._reply.after is not None:
            return since + self._reply.after * _MICROSECOND
        if beats is None or beats.times is None or self._reply.late:
            return since
        # One interval after the last heartbeat.
        return since + beats.every * (beats.times + 1) * _MICROSECOND

    @property
    def _next_beat(self) -> float | None:
        beats = self._reply.heartbeats
        if beats is None or self._open_since is None or self._beats == beats.times:
            return None
        return self._open_since + beats.every * (self._beats + 1) * _MICROSECOND

    def _beat(self, now: float) -> None:
        is_due = False
        while (at := self._next_beat) is not None and at <= now:
            # Those that were missed are sent as one.
            self._beats += 1
            is_due = True
        if is_due:
            self._send(lambda: self._api.keep_callback(self._id))

    def _answer(self) -> None:
        self._is_answered = True
        answer = self._reply.answer
        if isinstance(answer, Success):
            text = answer.result(self._id)
            send: Callable[[], None] = lambda: self._api.succeed_callback(self._id, text)  # noqa: E731
        else:
            error = {} if answer is None else answer.error
            send = lambda: self._api.fail_callback(self._id, error)  # noqa: E731
        self._send(send)
        if self._reply.duplicate:
            self._send(send)

    def _send(self, send: Callable[[], None]) -> None:
        try:
            send()
        except CloudError as error:
            # It may have ended since the history was read, as when the answer is late or the second.
            if not is_already_ended(error):
                raise


class Answers:
    """The scripted answers to the callbacks of one execution."""

    def __init__(self, api: LambdaApi, scripts: Sequence[CallbackScript]) -> None:
        self._api = api
        self._scripts = scripts
        self._attended: dict[str, _Attended | None] = {}

    def attend(self, log: EventLog, now: float) -> float | None:
        """Send what is due, and return when the next thing is; None if nothing is known to be.

        Raises:
            CloudError: something cannot be sent.
        """
        opened = {operation.callback_id for operation in open_callbacks(log)}
        dues = []
        for operation in _callbacks(log):
            callback_id = operation.callback_id or ""
            if callback_id not in self._attended:
                self._attended[callback_id] = self._begin(log, operation)
            attended = self._attended[callback_id]
            if attended is not None:
                dues.append(attended.attend(operation, now, callback_id in opened))
        return min((due for due in dues if due is not None), default=None)

    def needs_virtual_time(
        self, log: EventLog, seconds: float, need_of: Callable[[RecordedOperation], str | None]
    ) -> str | None:
        """Return why an execution cannot end in so many seconds: all that it waits for are timeouts.

        They are those of callbacks that nobody is to answer before, its own or, as ``need_of`` an invoke
        tells, those of others; None if something else may happen.
        """
        if not len(log) or log[len(log) - 1].type is not EventType.INVOCATION_COMPLETED:
            # The handler may be running.
            return None
        inner = (OperationType.CONTEXT, OperationType.EXECUTION)
        pending = [
            operation
            for operation in log.operations.values()
            if operation.subject.operation_type not in inner and not operation.is_terminal
        ]
        needs = [need_of(operation) for operation in pending]
        if not pending or not all(
            need is not None or self._outlasts(operation, seconds)
            for operation, need in zip(pending, needs, strict=True)
        ):
            return None
        if needs[0] is not None:
            return needs[0]
        name = shown(callback_paths(log.operations, pending[0].subject)[0])
        return (
            f"callback {name!r} is answered after its timeout or never, and that is longer than the "
            f"{seconds:g} seconds that the test waits: it needs virtual time"
        )

    def _outlasts(self, operation: RecordedOperation, seconds: float) -> bool:
        attended = self._attended.get(operation.callback_id or "")
        if attended is None or not attended.leaves_it_open:
            return False
        started_at, deadline_at = operation.started_at or 0, operation.deadline_at
        return deadline_at is None or (deadline_at - started_at) * _MICROSECOND > seconds

    def _begin(self, log: EventLog, operation: RecordedOperation) -> _Attended | None:
        script = best_of(self._scripts, lambda name: is_named(log, operation, name))
        reply = None if script is None else script.take()
        return None if reply is None else _Attended(self._api, operation.callback_id or "", reply)
