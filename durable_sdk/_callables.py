"""What user code passes to be run: calls bound by a decorator, and plain functions of one or no argument."""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_COROUTINE, CO_VARARGS, ismethod, signature
from typing import Any, Generic, TypeVar

from durable_sdk._wording import shown
from durable_sdk.exceptions import ValidationError
from durable_sdk.types import WaitForCallbackContext

C_contra = TypeVar("C_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)
C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])

_DECORATED = "__durable_decorated__"


class BoundCall(Generic[C_contra, T_co]):
    """A function with all its arguments but the context, which the SDK supplies."""

    __slots__ = ("_call", "_original_name")

    def __init__(self, name: str, call: Callable[[C_contra], T_co]) -> None:
        self._original_name = name
        self._call = call

    def __call__(self, context: C_contra) -> T_co:
        """Run the function."""
        return self._call(context)

    def __repr__(self) -> str:
        return f"<call of {self._original_name}>"


class BoundSubmitter(Generic[T_co]):
    """A submitter with all its arguments but the callback's id and the context, which the SDK supplies."""

    __slots__ = ("_call", "_original_name")

    def __init__(self, name: str, call: Callable[[str, WaitForCallbackContext], T_co]) -> None:
        self._original_name = name
        self._call = call

    def __call__(self, callback_id: str, context: WaitForCallbackContext) -> T_co:
        """Run the function."""
        return self._call(callback_id, context)

    def __repr__(self) -> str:
        return f"<call of {self._original_name}>"


def mark_decorated(bind: F) -> F:
    """Mark the function that a decorator returns, which has to be called before it can be passed."""
    setattr(bind, _DECORATED, True)
    return bind


def is_bound_late(func: object) -> bool:
    """Return whether ``func`` is a decorated function or a call of one: it does not take plain arguments."""
    return isinstance(func, BoundCall | BoundSubmitter) or bool(getattr(func, _DECORATED, False))


def demand_config(config: C | None, default: C) -> C:
    """Return ``config``, or ``default`` if it is None.

    Raises:
        ValidationError: it is of another type than the default.
    """
    if config is None:
        return default
    if not isinstance(config, type(default)):
        raise ValidationError(f"config takes a {type(default).__name__}, got {shown(config)}.")
    return config


def original_name(func: object) -> str | None:
    """Return the name that a decorator left on a call, None if it is an ordinary function."""
    name = getattr(func, "_original_name", None)
    return name if isinstance(name, str) else None


def is_async(func: object) -> bool:
    """Return whether calling ``func`` gives a coroutine, which nobody would await."""
    code = getattr(func, "__code__", None)
    return code is not None and bool(code.co_flags & CO_COROUTINE)


def demand_callable(func: object, operation: str, decorator: str | None = None) -> None:
    """Check that ``func`` is something to call; ``operation`` and its ``decorator`` are for the message.

    Raises:
        ValidationError: it is not, most often because it was called too early.
    """
    if not callable(func):
        hint = f" Was the function called without being decorated with @{decorator}?" if decorator else ""
        raise ValidationError(f"{operation} takes a function, got {shown(func)}.{hint}")
    if getattr(func, _DECORATED, False):
        name = getattr(func, "__name__", "function")
        raise ValidationError(
            f"{operation} takes a call of the decorated function {name}, not {name} itself: "
            f"pass {name}(...) with its arguments; the context is added later."
        )
    demand_plain(func, operation)


def demand_plain(func: object, what: str) -> None:
    """Check that ``func`` is no coroutine function; ``what`` says what it was to be.

    Raises:
        ValidationError: it is one.
    """
    if is_async(func):
        name = getattr(func, "__qualname__", "function")
        raise ValidationError(
            f"async def {name} cannot be a {what}: nothing would await it. "
            "Run asynchronous code inside a step, with asyncio.run(...)."
        )


def takes_an_argument(func: Callable[..., object]) -> bool:
    """Return whether ``func`` asks for the StepContext: a parameter with a default does not."""
    if isinstance(func, BoundCall):
        return True
    if hasattr(func, "__wrapped__"):
        return _demands_a_parameter(func)
    code = getattr(func, "__code__", None)
    if code is None:
        return _demands_a_parameter(func)
    positional: int = code.co_argcount - (1 if ismethod(func) else 0)
    return positional > len(getattr(func, "__defaults__", None) or ()) or bool(code.co_flags & CO_VARARGS)


def _demands_a_parameter(func: Callable[..., object]) -> bool:
    """Ask the signature, which is slower, of a partial or an object that can be called."""
    try:
        parameters = signature(func).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(
        parameter.default is parameter.empty
        and parameter.kind
        in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.VAR_POSITIONAL)
        for parameter in parameters
    )
