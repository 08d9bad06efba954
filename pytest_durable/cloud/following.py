"""Following: the executions of one runner, looked at in turns until something is found."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from pytest_durable.cloud.answers import callback_names
from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.polling import Pace
from pytest_durable.cloud.watched import Watched
from pytest_durable.errors import CloudError
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.scripts.callbacks import CallbackScript

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_STOPPED = "The test that started the execution has ended."

# How long a request may take to show in a list.
_SETTLING_SECONDS = 0.5

Found = TypeVar("Found")


class Following:
    """The executions, by ARN. ``scripts`` may grow; their answers are sent while something is awaited."""

    def __init__(
        self, api: LambdaApi, scripts: list[CallbackScript], longest_interval_seconds: float
    ) -> None:
        self.watched: dict[str, Watched] = {}
        self.complaints: list[str] = []
        """Executions that could not be stopped, each with the reason."""
        self._api = api
        self._clock = api.clock
        self._scripts = scripts
        self._longest_interval_seconds = longest_interval_seconds

    def started(self, arn: str) -> None:
        """Take an execution that the test has started, and has to be stopped with it."""
        self.find(arn).is_own = True

    def search(self, function_name: str, name: str) -> None:
        """Take the execution of a name, if it has been started. What fails is in `complaints`."""
        for pause in (0.0, _SETTLING_SECONDS):
            self._clock.sleep(pause)
            try:
                arn = self._api.find(function_name, name, self._clock.now() + _SETTLING_SECONDS)
            except CloudError as error:
                self.complaints.append(f"{name} of {function_name} may have been started: {error}")
                return
            if arn is not None:
                self.started(arn)
                return

    def find(self, arn: str) -> Watched:
        """Return an execution; one of others may be looked at, too."""
        return self.watched.setdefault(arn, Watched(self._api, arn, self._scripts))

    def wait(
        self, look: Callable[[], Found | None], deadline: float, is_over: Callable[[], bool] = lambda: False
    ) -> Found | None:
        """Look until something is found, None if the deadline comes before. Scripts answer meanwhile.

        When it ``is_over`` the deadline does not count: a history that is behind is all that is missing.

        Raises:
            CloudError: there is no answer.
        """
        # Questions cost as much in virtual time, and a wait may be of days.
        pace = Pace(math.inf if self._clock.is_virtual else self._longest_interval_seconds)
        while True:
            unfinished = [watched for watched in self.watched.values() if not watched.has_ended]
            dues = [watched.attend(deadline) for watched in unfinished]
            found = look()
            if found is not None:
                return found
            now = self._clock.now()
            if now >= deadline and not is_over():
                return None
            pause = pace.next() if is_over() else min(pace.next(), deadline - now)
            self._clock.sleep(max(0.0, min([pause, *(due - now for due in dues if due is not None)])))

    @property
    def results(self) -> list[DurableFunctionTestResult]:
        """What is known of every execution, in order of start."""
        return [watched.result() for watched in self.watched.values()]

    @property
    def callback_names(self) -> list[str]:
        """The names of all callbacks that are known, those of invoked executions too."""
        families = [watched.family() for watched in self.watched.values()]
        return [name for family in families for watched in family for name in callback_names(watched.log)]

    def timeline(self) -> str:
        """Return every execution as text, each under its ARN."""
        return "\n\n".join(f"{arn}\n{watched.result().timeline()}" for arn, watched in self.watched.items())

    def look_once_more(self) -> None:
        """Read what has become of executions that have not ended, for a report. Nothing is raised."""
        for watched in self.watched.values():
            if not watched.has_ended and not watched.is_gone:
                self.read_quietly(watched)

    def read_quietly(self, watched: Watched) -> None:
        """Read what has become of an execution, as far as that can be had. Nothing is raised."""
        soon = self._clock.now() + 1
        try:
            watched.look(soon)
            watched.read(soon)
        except CloudError:
            # What was known before is told.
            return

    def stop_all(self, reason: str = _STOPPED) -> None:
        """Stop what the test has started and is not known to have ended. What fails is in `complaints`."""
        for watched in self.watched.values():
            if watched.is_own:
                self.stop(watched, reason)

    def stop(self, watched: Watched, reason: str) -> None:
        """Stop an execution, once, and what it has invoked and awaits. What fails is in `complaints`."""
        if watched.is_given_up or watched.has_ended or watched.is_gone:
            return
        watched.is_given_up = True
        try:
            self._api.stop(watched.arn, {"ErrorType": "TestEnded", "ErrorMessage": reason})
        except CloudError as error:
            self.complaints.append(f"{watched.arn} could not be stopped: {error}")
            return
        # They would go on by themselves. This one invokes nothing more by now.
        self.read_quietly(watched)
        for invoked in watched.awaited:
            self.stop(invoked, reason)
