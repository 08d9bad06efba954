"""What becomes of callbacks, decided beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import UsageError
from pytest_durable.history.events import ErrorJson
from pytest_durable.payload import encode_callback_value, encode_error
from pytest_durable.scripts.base import Script

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, slots=True)
class Success:
    """The callback succeeds with what ``result`` makes of its id: the text to store, None for none."""

    result: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Failure:
    """The callback fails."""

    error: ErrorJson


Answer: TypeAlias = Success | Failure


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """A heartbeat each ``every`` microseconds; ``times`` of None is until the callback ends."""

    every: int
    times: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What one callback gets. ``answer`` of None is that nobody ever answers.

    ``after`` is in microseconds: since the submitter has ended (or the callback was created, where there
    is none), or with ``late`` since the callback has timed out. None is at once.
    """

    answer: Answer | None = None
    heartbeats: Heartbeats | None = None
    after: int | None = None
    duplicate: bool = False
    late: bool = False
    early: bool = False
    yields: bool = False
    """Whether the answers to other callbacks of the execution come first."""


class CallbackScript(Script[Reply]):
    """What becomes of the callbacks of one name, in order of their creation."""

    call = "on_callback"
    noun = "callback"
    needs_name = False

    def __init__(self, name: str | None, times: int | None = None) -> None:
        super().__init__(name, times)
        self._heartbeats: Heartbeats | None = None

    def succeed(
        self,
        value: Any = None,
        *,
        after: DurationLike | None = None,
        duplicate: bool = False,
        late: bool = False,
        early: bool = False,
    ) -> Self:
        """Let the callback succeed.

        ``value``: text and bytes are sent as they are, any other value as JSON, None as no result, and a
        function is called with the id of the callback and returns one of these. ``after`` is virtual time
        since the submitter has ended; without a submitter since the callback was created. ``duplicate``
        sends the answer twice. ``late`` sends it after the callback has timed out. ``early`` sends it
        as soon as the callback exists, before the submitter runs and before the handler waits.

        Raises:
            UsageError: the value is no JSON, or the arguments contradict each other.
        """
        if callable(value):
            result = _encoding(value)
        else:
            text = encode_callback_value(value)
            result = lambda callback_id: text  # noqa: E731 - a constant answer
        return self._reply(Success(result), after, duplicate=duplicate, late=late, early=early)

    def fail(
        self,
        error: Any = None,
        *,
        after: DurationLike | None = None,
        duplicate: bool = False,
        late: bool = False,
        early: bool = False,
    ) -> Self:
        """Let the callback fail; the other arguments are those of `succeed`.

        ``error`` is a message, an exception, an ErrorObject or its JSON form; None is an empty error.

        Raises:
            UsageError: the error is none of these, or the arguments contradict each other.
        """
        failure = Failure(encode_error(error))
        return self._reply(failure, after, duplicate=duplicate, late=late, early=early)

    def heartbeat(self, *, every: DurationLike, times: int | None = None) -> Self:
        """Send heartbeats, ``times`` of them or until the callback ends; an answer may follow.

        ``on_callback("job").heartbeat(every="30s", times=3).succeed()`` answers one interval after the
        last heartbeat, or at the ``after`` of the answer.

        Raises:
            UsageError: an argument is malformed.
        """
        interval = to_microseconds(every, "every")
        if interval == 0:
            raise UsageError("every must be longer than zero.")
        if times is not None and (type(times) is not int or times < 1):
            raise UsageError(f"times of heartbeat is a positive integer, got {times!r}.")
        if self._heartbeats is not None or not self._is_open:
            raise UsageError(f"{self!r} has an outcome already. Write .then before the next one.")
        self._heartbeats = Heartbeats(interval, times)
        return self

    def never(self) -> Self:
        """Let nobody answer: the callback times out, or the run ends with DurableStuckError."""
        return self._add(Reply())

    def _reply(
        self, answer: Answer, after: DurationLike | None, *, duplicate: bool, late: bool, early: bool
    ) -> Self:
        if early and (late or after is not None):
            raise UsageError("early=True answers at once: it goes with neither late=True nor after=.")
        delay = None if after is None else to_microseconds(after, "after")
        beats = self._heartbeats
        if beats is not None and early:
            raise UsageError("early=True answers at once: no heartbeat comes before it.")
        if beats is not None and beats.times is None and delay is None and not late:
            raise UsageError(
                "Heartbeats without times= go on until the callback ends: say when it is answered, "
                "such as .succeed(after='10m')."
            )
        return self._add(Reply(answer, None, delay, duplicate, late, early))

    def _add(self, outcome: Reply) -> Self:
        super()._add(replace(outcome, heartbeats=self._heartbeats))
        self._heartbeats = None
        return self

    def _finish_outcome(self) -> None:
        if self._heartbeats is not None:
            self._add(Reply())


def _encoding(value_of: Callable[[str], Any]) -> Callable[[str], str | None]:
    return lambda callback_id: encode_callback_value(value_of(callback_id))
