"""What becomes of chained invokes, decided beforehand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import UsageError
from pytest_durable.history.events import ErrorJson
from pytest_durable.payload import encode_error, encode_json
from pytest_durable.scripts.base import Script
from pytest_durable.simulator.service.errors import ServiceError
from pytest_durable.simulator.service.function_names import parse_function_name

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, slots=True)
class Returns:
    """The function returns the JSON text after ``after`` microseconds."""

    result: str
    after: int


@dataclass(frozen=True, slots=True)
class Raises:
    """The function fails after ``after`` microseconds."""

    error: ErrorJson
    after: int


@dataclass(frozen=True, slots=True)
class TimesOut:
    """The function's execution times out; ``after`` of None is at its own time limit."""

    after: int | None


@dataclass(frozen=True, slots=True)
class CallsReal:
    """The registered function runs."""


Scripted: TypeAlias = Returns | Raises | TimesOut
"""What is said in place of the function."""

InvokeOutcome: TypeAlias = Scripted | CallsReal


class InvokeScript(Script[InvokeOutcome]):
    """What becomes of the invokes of one function, in order. Without an outcome the real one is called."""

    call = "on_invoke"
    noun = "invoked function"

    def __init__(self, name: str, times: int | None = None) -> None:
        super().__init__(name, times)
        try:
            parsed = parse_function_name(name)
        except ServiceError as error:
            raise UsageError(
                f"{self.call} takes a function as a handler may invoke it, a name, name:qualifier or an ARN; "
                f"got {name!r}."
            ) from error
        self.function = parsed.candidates[0]
        """The function's name, with a qualifier if there is one, without what an ARN says besides."""
        self._payloads: list[str | None] = []

    @property
    def calls(self) -> list[Any]:
        """What the function was invoked with, decoded, in order; text that is not JSON as it is."""
        return [_decoded(payload) for payload in self._payloads]

    def note(self, payload: str | None) -> None:
        """Take note of an invoke."""
        self._payloads.append(payload)

    def returns(self, value: Any = None, *, after: DurationLike = 0) -> Self:
        """Let the function return ``value``, any JSON value, after some virtual time.

        Raises:
            UsageError: the value is not JSON, or the duration is malformed.
        """
        return self._add(Returns(encode_json(value, "what the function returns"), _delay(after)))

    def raises(self, error: Any, message: str | None = None, *, after: DurationLike = 0) -> Self:
        """Let the function fail: ``error`` is an exception, or the name of its type with a ``message``.

        Raises:
            UsageError: the error is none of these, or the duration is malformed.
        """
        if isinstance(error, str):
            recorded: ErrorJson = {"ErrorType": error}
            if message is not None:
                recorded["ErrorMessage"] = message
        elif message is not None:
            raise UsageError("message goes with the name of an error's type; an exception has its own.")
        else:
            recorded = encode_error(error)
        return self._add(Raises(recorded, _delay(after)))

    def times_out(self, *, after: DurationLike | None = None) -> Self:
        """Let the function's execution time out: at its own time limit, or ``after`` some virtual time.

        Raises:
            UsageError: the duration is malformed.
        """
        return self._add(TimesOut(None if after is None else _delay(after)))

    def calls_real(self) -> Self:
        """Call the registered function."""
        return self._add(CallsReal())

    def absorb(self, other: Script[InvokeOutcome]) -> None:
        """Count the uses of a rewound script as this one's, with what it was called with."""
        if isinstance(other, InvokeScript) and other.uses > self.uses:
            self._payloads = list(other._payloads)
        super().absorb(other)


def _delay(after: DurationLike) -> int:
    return to_microseconds(after, "after")


def _decoded(payload: str | None) -> Any:
    if payload is None:
        return None
    try:
        return json.loads(payload)
    except ValueError:
        return payload
