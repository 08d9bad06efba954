"""What user code passes to be run: calls bound by a decorator, and plain functions of one or no argument."""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_VARARGS, ismethod, signature
from typing import Generic, TypeVar

from durable_sdk.exceptions import ValidationError

C_contra = TypeVar("C_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)


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


def demand_callable(func: object, operation: str, decorator: str) -> None:
    """Check that ``func`` is something to call; ``operation`` and ``decorator`` are for the message.

    Raises:
        ValidationError: it is not, most often because it was called too early.
    """
    if not callable(func):
        raise ValidationError(
            f"{operation} takes a function, got {func!r:.100}. "
            f"Was the function called without being decorated with @{decorator}?"
        )


def takes_an_argument(func: Callable[..., object]) -> bool:
    """Return whether ``func`` asks for the StepContext: a parameter with a default does not."""
    if isinstance(func, BoundCall):
        return True
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
