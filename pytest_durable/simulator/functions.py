"""Functions: what a handler may invoke, by the names under which they are deployed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from durable_sdk._duration import LONGEST_DELAY_SECONDS
from durable_sdk.execution import is_durable
from pytest_durable.durations import DurationLike, to_whole_seconds
from pytest_durable.errors import UsageError
from pytest_durable.simulator.invocation import demand_durable

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

# What AWS's runner gives an invoked durable function.
DEFAULT_EXECUTION_TIMEOUT_SECONDS = 120
DEFAULT_RETENTION_PERIOD_DAYS = 1

# A name, perhaps with a version or an alias.
_REGISTERED_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(:(\$LATEST(\.PUBLISHED)?|[A-Za-z0-9_-]{1,128}))?")


@dataclass(frozen=True, slots=True)
class RegisteredFunction:
    """A function. ``execution_timeout_seconds`` is None for a plain one, and for the service's maximum."""

    handler: Callable[[Any, Any], Any]
    is_durable: bool
    execution_timeout_seconds: int | None = None
    retention_period_days: int = DEFAULT_RETENTION_PERIOD_DAYS


class Functions:
    """The functions of a test. A name that is registered again is replaced."""

    def __init__(self) -> None:
        self._functions: dict[str, RegisteredFunction] = {}

    def copy(self) -> Functions:
        """Return functions that are the same until either gets more."""
        other = Functions()
        other._functions = self._functions.copy()
        return other

    @property
    def names(self) -> list[str]:
        """The names, in order of registration."""
        return list(self._functions)

    def find(self, candidates: Sequence[str]) -> RegisteredFunction | None:
        """Return the function registered under the first of these names that is known."""
        for name in candidates:
            function = self._functions.get(name)
            if function is not None:
                return function
        return None

    def register_durable(
        self, name: str, handler: Any, execution_timeout: DurationLike, retention_period_days: int
    ) -> None:
        """Register a durable function.

        Raises:
            UsageError: an argument is wrong.
        """
        demand_durable(handler)
        seconds = to_whole_seconds(execution_timeout, "execution_timeout")
        if seconds > LONGEST_DELAY_SECONDS:
            raise UsageError(
                f"execution_timeout is at most {LONGEST_DELAY_SECONDS} seconds, got {execution_timeout!r}."
            )
        if type(retention_period_days) is not int or retention_period_days < 1:
            raise UsageError(f"retention_period_days is a positive integer, got {retention_period_days!r}.")
        self._add(name, RegisteredFunction(handler, True, seconds, retention_period_days))

    def register_plain(self, name: str, handler: Any) -> None:
        """Register a function that is not durable.

        Raises:
            UsageError: an argument is wrong.
        """
        if not callable(handler):
            raise UsageError(f"The handler of function {name!r} is a function, got {handler!r}.")
        if is_durable(handler):
            raise UsageError(
                f"The handler of function {name!r} is durable. Register it with register_durable_function."
            )
        self._add(name, RegisteredFunction(handler, False))

    def register(self, name: str, function: RegisteredFunction) -> None:
        """Register what is known to be a function of its kind, wherever it runs.

        Raises:
            UsageError: the name is wrong.
        """
        self._add(name, function)

    def register_all(self, handlers: Mapping[str, Any]) -> None:
        """Register functions, durable or plain as they are decorated; durable ones may take any time.

        Raises:
            UsageError: a name or a handler is wrong.
        """
        for name, handler in handlers.items():
            if is_durable(handler):
                self._add(name, RegisteredFunction(handler, True))
            else:
                self.register_plain(name, handler)

    def _add(self, name: Any, function: RegisteredFunction) -> None:
        if not isinstance(name, str) or not _REGISTERED_NAME.fullmatch(name):
            raise UsageError(
                "A function is registered under its name, or name:qualifier: 1 to 64 letters, digits, "
                f"hyphens and underscores; got {name!r}."
            )
        self._functions[name] = function
