"""Limits of the service. Sources: the Lambda API reference for the durable execution actions, and what
AWS's own test service enforces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

from durable_sdk._duration import LONGEST_DELAY_SECONDS
from pytest_durable.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service refuses or how it pages; sizes in bytes of UTF-8, durations in seconds."""

    checkpoint_payload_bytes: int = 6 * 1024 * 1024
    """The payload of one update."""

    checkpoint_error_bytes: int = 32 * 1024
    """The error of one update, as JSON."""

    checkpoint_updates: int = 250
    """Updates in one request."""

    callback_result_bytes: int = 1024 * 1024
    """The result with which a callback is answered."""

    invoke_payload_bytes: int = 1024 * 1024
    """The input of a chained invoke, and its result."""

    callback_timeout_seconds: int = 99_999_999
    """The timeout of a callback, and that of its heartbeat."""

    function_name_characters: int = 256
    """The name or ARN of a function to invoke."""

    delay_seconds: int = LONGEST_DELAY_SECONDS
    """A wait, a retry delay, an execution timeout: a leap year."""

    name_characters: int = 256
    """The name of an operation."""

    state_page_items: int = 1000
    """Operations in one page of state."""

    history_page_items: int = 100
    """Events in one page of history, unless a request says how many."""

    history_page_items_max: int = 1000
    """Events in one page of history at most."""

    state_page_bytes: int = 5 * 1024 * 1024
    """Operations in one page of state, as JSON; an invocation event carries one page."""

    output_bytes: int = 6 * 1024 * 1024
    """What a handler answers, as JSON."""

    failed_invocations: int = 5
    """Failed invocations in a row after which the execution fails."""

    invalid_pending_answers: int = 3
    """Answers of PENDING with nothing pending, in a row, after which the execution fails."""

    retry_seconds: int = 5
    """From a failed invocation to the next one."""

    invocations: int = 1000
    """Invocations of one execution: not the service's limit but the simulator's, against livelock."""

    @classmethod
    def overridden(cls, overrides: Mapping[str, int]) -> Self:
        """Return the service's limits with some replaced.

        Raises:
            UsageError: there is no such limit, or the value is not a positive integer.
        """
        known = [field.name for field in fields(cls)]
        for name, value in overrides.items():
            if name not in known:
                raise UsageError(f"limits: there is no limit {name!r}; there are {', '.join(known)}.")
            if type(value) is not int or value < 1:
                raise UsageError(f"limits: {name!r} is a positive integer, got {value!r}.")
        return replace(cls(), **overrides)


def fits(text: str, limit_bytes: int) -> bool:
    """Return whether a text has at most that many bytes of UTF-8."""
    # A character takes 1 to 4 bytes, so most texts need no encoding to be judged.
    return len(text) * 4 <= limit_bytes or len(text.encode("utf-8", "surrogatepass")) <= limit_bytes


def too_large(what: str, limit_bytes: int) -> str:
    """Return what the service says of a payload that does not fit."""
    return f"{what} payload size must be less than or equal to {limit_bytes} bytes."
