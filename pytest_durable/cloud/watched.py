"""Watched: one execution that a runner follows, as far as it is known here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_durable.cloud.answers import Answers
from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.invoked import READ_MAX, Allowance, result_of_invoked
from pytest_durable.cloud.polling import HistoryReader
from pytest_durable.cloud.translate import FindInvoked, is_ended, result_of, translate
from pytest_durable.cloud.trouble import NOT_FOUND, UNKNOWN
from pytest_durable.errors import CloudError, RefusedError
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.history.log import EventLog
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.scripts.callbacks import CallbackScript

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

# How long an execution may be unknown after its start, and its history be behind its end.
_UNKNOWN_SECONDS = 30.0
_BEHIND_SECONDS = 10.0


class Watched:
    """An execution. ``status`` is what the service said last, None before it knew the execution."""

    def __init__(
        self, api: LambdaApi, arn: str, scripts: Sequence[CallbackScript], *, is_invoked: bool = False
    ) -> None:
        self.arn = arn
        self.is_own = False
        """Whether the test has started it."""
        self.is_given_up = False
        """Whether the runner has tried to stop it."""
        self.refusal: RefusedError | None = None
        """Why the history of an execution that was invoked by another one cannot be read, and never will."""
        self._unknown: RefusedError | None = None
        """Why nothing has been read yet."""
        self._is_invoked = is_invoked
        self._invoked: dict[str, Watched] = {}
        self._api = api
        self._scripts = scripts
        self._reader = HistoryReader(api, arn)
        self._answers = Answers(api, scripts)
        self._known_since = api.clock.now()
        self._is_virtual = api.clock.is_virtual
        self._ended_since: float | None = None
        self._execution: dict[str, Any] = {}
        self._log = EventLog()
        self._log_length = 0

    @property
    def status(self) -> str | None:
        """What the service said last; None before it knew the execution."""
        return self._execution.get("Status")

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended."""
        return self._ended_since is not None

    @property
    def is_gone(self) -> bool:
        """Whether it ran in what stood for the service, which has ended, and the execution with it."""
        return self._is_virtual and not self._api.clock.is_virtual

    @property
    def log(self) -> EventLog:
        """The events that have been read."""
        if len(self._reader.events) != self._log_length:
            self._log_length = len(self._reader.events)
            self._log = translate(self._reader.events).log
        return self._log

    def _invoked_in(self, log: EventLog) -> Iterator[tuple[RecordedOperation, Watched]]:
        """Yield the executions of durable functions that this one has invoked, each after its invoke."""
        for operation in log.operations.values():
            arn = operation.execution_arn
            if arn is None:
                continue
            if arn not in self._invoked:
                self._invoked[arn] = Watched(self._api, arn, self._scripts, is_invoked=True)
            yield operation, self._invoked[arn]

    @property
    def awaited(self) -> list[Watched]:
        """The executions that this one has invoked and that have not answered yet, as far as is known."""
        return [watched for invoke, watched in self._invoked_in(self.log) if not invoke.is_terminal]

    def family(self) -> Iterator[Watched]:
        """Yield this execution and those that it has invoked, directly or not, as far as they are known."""
        yield self
        for _, watched in self._invoked_in(self.log):
            yield from watched.family()

    def unread(self) -> str:
        """Return, for an error, why scripts do not answer callbacks of what it has invoked; mostly empty."""
        refusals = [str(watched.refusal) for watched in self.family() if watched.refusal is not None]
        return "".join(f" It has invoked what cannot be read: {refusal}" for refusal in refusals[:1])

    def look(self, deadline: float | None = None) -> None:
        """Ask how the execution stands.

        Raises:
            CloudError: there is no answer.
        """
        if self.has_ended:
            return
        try:
            self._execution = self._api.execution(self.arn, deadline)
        except RefusedError as error:
            self._tolerate(error)
        if is_ended(self.status):
            self._ended_since = self._api.clock.now()

    def read(self, deadline: float | None = None) -> None:
        """Read the history as far as it has come. One that was invoked may stay unknown, see `refusal`.

        Raises:
            CloudError: there is no answer.
        """
        if self.refusal is not None:
            return
        try:
            self._reader.refresh(deadline)
        except RefusedError as error:
            self._tolerate(error)

    def _tolerate(self, error: RefusedError) -> None:
        # The service is consistent eventually: an execution that has just been started may be unknown.
        is_new = self._api.clock.now() < self._known_since + _UNKNOWN_SECONDS
        if error.code == NOT_FOUND and is_new and not self._execution:
            self._unknown = error
            return
        if not self._is_invoked or error.code not in UNKNOWN:
            raise error
        # It was not this test that has started it, and much of it is known from the one that has.
        self.refusal = error

    def attend(self, deadline: float | None = None) -> float | None:
        """Send what scripts say, also to those that it awaits, and return when the next thing is due.

        Raises:
            CloudError: there is no answer.
        """
        if not self._scripts or self._reader.has_ending:
            return None
        self.read(deadline)
        dues = [self._answers.attend(self.log, self._api.clock.now())]
        dues += [watched.attend(deadline) for watched in self.awaited]
        return min((due for due in dues if due is not None), default=None)

    def needs_virtual_time(self, seconds: float) -> str | None:
        """Return why the execution cannot end in so many seconds, by what scripts say; None if it may."""
        if not self._scripts:
            return None
        awaited = {watched.arn: watched for watched in self.awaited}

        def need_of(operation: RecordedOperation) -> str | None:
            watched = awaited.get(operation.execution_arn or "")
            return None if watched is None else watched.needs_virtual_time(seconds)

        return self._answers.needs_virtual_time(self.log, seconds, need_of)

    def settled(self) -> bool:
        """Return whether the execution has ended and its history has come that far, or will not soon.

        Raises:
            CloudError: there is no answer.
        """
        if self._ended_since is None:
            return False
        if not self._reader.has_ending:
            self.read()
        return self._reader.has_ending or self._api.clock.now() >= self._ended_since + _BEHIND_SECONDS

    def result(self) -> DurableFunctionTestResult:
        """Return the result as far as it is known. What it has invoked is read when somebody asks for it."""
        known = {"DurableExecutionArn": self.arn, "Status": "RUNNING"} | self._execution
        allowance = Allowance(self._api.clock)
        return self._kept(result_of(known, self._reader.events, invoked=self._finder(allowance)))

    def _kept(self, result: DurableFunctionTestResult) -> DurableFunctionTestResult:
        """Return a result that can be asked for what was invoked when the service is gone."""
        if self._api.clock.is_virtual:
            # What stands for it ends with the test or before, and is quick. The property keeps what it reads.
            _ = result.invoked
        return result

    def _finder(self, allowance: Allowance) -> FindInvoked:
        return lambda log: [
            watched._result_as(invoke, allowance) for invoke, watched in self._invoked_in(log)
        ]

    def _result_as(self, invoke: RecordedOperation, allowance: Allowance) -> DurableFunctionTestResult:
        """Return the result of an execution that was invoked like this."""
        unread = self._catch_up(allowance)
        notes = [] if unread is None else [f"its history has not been read: {unread}"]
        return self._kept(result_of_invoked(invoke, self._reader.events, notes, self._finder(allowance)))

    def _catch_up(self, allowance: Allowance) -> str | None:
        """Read what is missing of the history, if that may be; return why it was not read."""
        if self._reader.has_ending:
            return None
        if self.refusal is None:
            deadline = allowance.take()
            if deadline is None:
                return f"{READ_MAX} executions are read for one result, as far as that can be done soon"
            try:
                self.read(deadline)
            except CloudError as error:
                allowance.end()
                return str(error)
        refusal = self.refusal or (None if self._reader.events else self._unknown)
        return None if refusal is None else str(refusal)
