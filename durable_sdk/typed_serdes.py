"""A serdes for values of one type, which the code names: dataclasses, pydantic models and more."""

from __future__ import annotations

import functools
import inspect
import json
import typing
from collections.abc import Callable
from typing import Any, TypeVar, overload

from durable_sdk._forms.annotations import form_of
from durable_sdk._unfit import Unfit
from durable_sdk._wording import shown
from durable_sdk.exceptions import SerDesError, ValidationError
from durable_sdk.serdes import SerDes, SerDesContext

__all__ = ["TypedSerDes"]

T = TypeVar("T")

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class TypedSerDes(SerDes[T]):
    """Stores values of the type that ``type_`` names as plain JSON, and reads them as that type.

    The type comes from the code alone: the JSON names no class, and none is imported because of it.
    What is read equals what was written, or the value is refused when it is written.

    ==================================  =======================================================
    type                                JSON
    ==================================  =======================================================
    dataclass, NamedTuple, TypedDict    object with the fields
    pydantic model                      what the model writes, by alias
    Enum                                the member's value if all are texts, numbers or None,
                                        else its name; flags as a number
    list, tuple, Sequence               list; a Sequence comes back as a list
    set, frozenset                      list, in an order of its own
    dict, Mapping                       object; keys other than texts are written as JSON
    BatchResult                         object, the results as their type says
    datetime, date, time, UUID          text, as in ISO 8601 and RFC 9562
    Decimal                             text, so that no digit is lost
    bytes                               text in base64
    None, bool, int, float, str         themselves; NaN and the infinities are refused
    Literal, unions                     as the member; a union is what its first member that
                                        fits reads, the more particular ones first
    Any                                 any JSON, as it is
    ==================================  =======================================================

    Fields that are missing when a value is read get their defaults, and unknown ones are ignored, so
    that executions in flight outlive a deployment that adds or drops a field.

    Raises:
        ValidationError: the type, or a part of it, has no form, or a union is ambiguous: something
            stored for one of its members could be read as another.
    """

    @overload
    def __init__(self, type_: type[T]) -> None: ...

    @overload
    def __init__(self: TypedSerDes[Any], type_: object) -> None: ...

    def __init__(self, type_: object) -> None:
        self._form = form_of(type_)

    @classmethod
    def of(cls, func: Callable[..., T]) -> TypedSerDes[T]:
        """Return the serdes for what ``func`` returns, as its annotation says.

        Raises:
            ValidationError: it has no annotation for what it returns, or one that has no form.
        """
        if not callable(func):
            raise ValidationError(f"TypedSerDes.of takes a function, got {shown(func)}.")
        inner: Any = func
        while isinstance(inner, functools.partial):
            inner = inner.func
        inner = inspect.unwrap(inner)
        name = getattr(inner, "__qualname__", type(inner).__qualname__)
        try:
            hints = typing.get_type_hints(
                inner if hasattr(inner, "__annotations__") else type(inner).__call__, include_extras=True
            )
        except (NameError, TypeError) as error:
            raise ValidationError(
                f"The annotations of {name} cannot be resolved: {error}. Define what they name "
                "in its module, outside of functions and of `if TYPE_CHECKING`."
            ) from error
        if "return" not in hints:
            raise ValidationError(
                f"{name} does not say what it returns: annotate it, or use TypedSerDes(type)."
            )
        return cls(hints["return"])

    def serialize(self, value: T, serdes_context: SerDesContext | None = None) -> str:
        """Return ``value`` as JSON.

        Raises:
            SerDesError: it is of another type, or would come back as another value. The message tells
                which part.
        """
        try:
            return _to_json(self._form.encode(value))
        except Unfit as unfit:
            raise SerDesError(unfit.describe()) from unfit.__cause__
        except RecursionError as error:
            raise SerDesError(f"A {self._form.name} is nested too deeply, or contains itself.") from error
        except ValueError as error:
            raise SerDesError(f"A {self._form.name} has a number without JSON: {error}") from error

    def deserialize(self, data: str, serdes_context: SerDesContext | None = None) -> T:
        """Return the value that the JSON ``data`` stands for.

        Raises:
            ValueError: it is not JSON.
            SerDesError: it stands for no value of the type. The message tells which part.
        """
        try:
            value: T = self._form.decode(json.loads(data))
        except Unfit as unfit:
            raise SerDesError(unfit.describe()) from unfit.__cause__
        except RecursionError as error:
            raise SerDesError(f"The JSON for {self._form.name} is nested too deeply.") from error
        return value

    def __repr__(self) -> str:
        return f"TypedSerDes({self._form.name})"
