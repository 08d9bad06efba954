"""Watched: one execution that a runner follows, as far as it is known here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_durable.cloud.answers import Answers
from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.polling import HistoryReader
from pytest_durable.cloud.translate import is_ended, result_of, translate
from pytest_durable.cloud.trouble import NOT_FOUND
from pytest_durable.errors import RefusedError
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

    def __init__(self, api: LambdaApi, arn: str, scripts: Sequence[CallbackScript]) -> None:
        self.arn = arn
        self.is_own = False
        """Whether the test has started it."""
        self.is_given_up = False
        """Whether the runner has tried to stop it."""
        self._api = api
        self._scripts = scripts
        self._reader = HistoryReader(api, arn)
        self._answers = Answers(api, scripts)
        self._known_since = api.clock.now()
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
    def log(self) -> EventLog:
        """The events that have been read."""
        if len(self._reader.events) != self._log_length:
            self._log_length = len(self._reader.events)
            self._log = translate(self._reader.events).log
        return self._log

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
        """Read the history as far as it has come.

        Raises:
            CloudError: there is no answer.
        """
        try:
            self._reader.refresh(deadline)
        except RefusedError as error:
            self._tolerate(error)

    def _tolerate(self, error: RefusedError) -> None:
        # The service is consistent eventually: an execution that has just been started may be unknown.
        is_new = self._api.clock.now() < self._known_since + _UNKNOWN_SECONDS
        if error.code != NOT_FOUND or not is_new or self._execution:
            raise error

    def attend(self, deadline: float | None = None) -> float | None:
        """Send what scripts say, and return when the next thing is due.

        Raises:
            CloudError: there is no answer.
        """
        if not self._scripts or self._reader.has_ending:
            return None
        self.read(deadline)
        return self._answers.attend(self.log, self._api.clock.now())

    def needs_virtual_time(self, seconds: float) -> str | None:
        """Return why the execution cannot end in so many seconds, by what scripts say; None if it may."""
        return self._answers.needs_virtual_time(self.log, seconds) if self._scripts else None

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
        """Return the result as far as it is known."""
        known = {"DurableExecutionArn": self.arn, "Status": "RUNNING"} | self._execution
        return result_of(known, self._reader.events)
