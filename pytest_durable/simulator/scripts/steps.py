"""What the bodies of steps do, decided beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from durable_sdk import StepContext
from durable_sdk._callables import is_async, takes_an_argument
from pytest_durable.errors import UsageError
from pytest_durable.scripts.base import Script

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, slots=True)
class ReturnsValue:
    """The body returns this."""

    value: Any


@dataclass(frozen=True, slots=True)
class RaisesError:
    """The body raises this."""

    error: BaseException | type[BaseException]


@dataclass(frozen=True, slots=True)
class CallsFunction:
    """This runs in place of the body."""

    function: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class CallsBody:
    """The body itself runs."""


StepOutcome: TypeAlias = ReturnsValue | RaisesError | CallsFunction | CallsBody


class StepScript(Script[StepOutcome]):
    """What the attempts of the steps of one name do, in order. Without an outcome the body itself runs.

    What an attempt gives goes through serdes, retry strategy and checkpoint like any other. A check of a
    condition is an attempt, too: what it returns is the next state.
    """

    call = "on_step"
    noun = "step"

    def returns(self, value: Any = None) -> Self:
        """Let the body return ``value``."""
        return self._add(ReturnsValue(value))

    def raises(self, error: BaseException | type[BaseException]) -> Self:
        """Let the body raise ``error``.

        Raises:
            UsageError: it is not an exception.
        """
        kind: Any = error if isinstance(error, type) else type(error)
        if not issubclass(kind, BaseException):
            raise UsageError(f"{self!r}.raises takes an exception, got {error!r}.")
        return self._add(RaisesError(error))

    def calls(self, function: Callable[[StepContext], Any] | Callable[[], Any]) -> Self:
        """Run ``function`` in place of the body; it is handed a StepContext if it takes an argument.

        Raises:
            UsageError: it is no function, or a coroutine function.
        """
        given: Any = function
        if not callable(given) or is_async(given):
            raise UsageError(f"{self!r}.calls takes a function, not a coroutine one, got {given!r}.")
        return self._add(CallsFunction(function))

    def calls_real(self) -> Self:
        """Let the body itself run."""
        return self._add(CallsBody())

    def attempt(self, attempt: int, body: Callable[[int], Any]) -> Any:
        """Do what one more attempt is to do; ``body`` is the real one."""
        match self.take():
            case ReturnsValue(value):
                return value
            case RaisesError(error):
                raise error
            case CallsFunction(function):
                if takes_an_argument(function):
                    return function(StepContext(attempt=attempt))
                return function()
            case _:
                return body(attempt)
