"""Serdes: values to the text that the service stores, and back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from durable_sdk._typed_form import TypeTag, decode, encode
from durable_sdk._unfit import Unfit
from durable_sdk._wording import shown
from durable_sdk.exceptions import RetryableSerDesError, SerDesError, ValidationError

__all__ = [
    "DEFAULT_JSON_SERDES",
    "DEFAULT_SERDES",
    "EXTENDED_TYPES_SERDES",
    "ExtendedTypeSerDes",
    "JsonSerDes",
    "PassThroughSerDes",
    "SerDes",
    "SerDesContext",
    "TypeTag",
    "deserialize",
    "serialize",
]

T = TypeVar("T")

# Prepared once: json.dumps with separators of its own builds an encoder at every call.
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_from_json = json.JSONDecoder().decode

_PRIMITIVES = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True)
class SerDesContext:
    """The operation that a value belongs to."""

    operation_id: str = ""
    durable_execution_arn: str = ""


class SerDes(ABC, Generic[T]):
    """Turns values into text and back. Derive from it to store values in a form of your own.

    Both methods may raise anything: a `SerDesError` is kept as it is, a `RetryableSerDesError` has
    the invocation retried, and any other exception becomes a SerDesError.
    """

    @abstractmethod
    def serialize(self, value: T, serdes_context: SerDesContext) -> str:
        """Return the text to store."""

    @abstractmethod
    def deserialize(self, data: str, serdes_context: SerDesContext) -> T:
        """Return the value that ``data`` stands for."""

    @staticmethod
    def is_primitive(obj: Any) -> bool:
        """Return whether ``obj`` is None, a str, int, float or bool, or a list of such, however deep."""
        if type(obj) in _PRIMITIVES:
            return True
        if isinstance(obj, list):
            return all(map(SerDes.is_primitive, obj))
        return isinstance(obj, str | int | float)


class JsonSerDes(SerDes[T]):
    """Plain JSON. Tuples come back as lists, and the keys of dicts as texts."""

    def serialize(self, value: Any, serdes_context: SerDesContext | None = None) -> str:
        """Return ``value`` as JSON.

        Raises:
            TypeError: JSON has no form for it.
        """
        return json.dumps(value)

    def deserialize(self, data: str, serdes_context: SerDesContext | None = None) -> Any:
        """Return the value of the JSON text ``data``.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(data)


class PassThroughSerDes(SerDes[T]):
    """For values that are texts already, which are stored as they are."""

    def serialize(self, value: Any, serdes_context: SerDesContext | None = None) -> Any:
        """Return ``value``."""
        return value

    def deserialize(self, data: str, serdes_context: SerDesContext | None = None) -> Any:
        """Return ``data``."""
        return data


class ExtendedTypeSerDes(SerDes[T]):
    """JSON that remembers types: what is read equals what was written.

    Primitives and lists of primitives are plain JSON. Anything else is an envelope ``{"t": ...,
    "v": ...}`` whose tag ``t`` names the type and whose ``v`` holds the value, containers with an
    envelope for each
    element:

    ====  ===========================  ====  ===============
    tag   type                         tag   type
    ====  ===========================  ====  ===============
    n     None                         d     Decimal
    s     str                          dt    datetime
    i     int                          D     date
    f     float                        t     tuple
    b     bool                         l     list
    B     bytes (base64)               m     dict
    u     UUID                         br    BatchResult
    ====  ===========================  ====  ===============

    Instances of subclasses come back as the type in the table, bytearrays and memoryviews as bytes,
    keys of dicts as texts.
    """

    def serialize(self, value: Any, serdes_context: SerDesContext | None = None) -> str:
        """Return ``value`` as JSON.

        Raises:
            SerDesError: it is or contains something of another type, or contains itself.
        """
        kind = type(value)
        if kind is str:
            return _to_json(value)
        if value is None:
            return "null"
        try:
            if kind is int:
                return repr(value)
            if SerDes.is_primitive(value):
                return _to_json(value)
            return _to_json(encode(value))
        except Unfit as unfit:
            raise SerDesError(unfit.describe()) from unfit.__cause__
        except RecursionError as error:
            raise SerDesError(
                f"A {kind.__name__} is nested too deeply to be serialized, or contains itself."
            ) from error
        except ValueError as error:
            # An int of more digits than sys.get_int_max_str_digits() allows.
            raise SerDesError(f"A {kind.__name__} cannot be serialized: {error}") from error

    def deserialize(self, data: str, serdes_context: SerDesContext | None = None) -> Any:
        """Return the value of ``data``.

        Raises:
            ValueError: it is not JSON.
            SerDesError: it is JSON of another form. The message tells the tag and the position.
        """
        try:
            value = _from_json(data)
            if type(value) in _PRIMITIVES:
                return value
            # Only a list of primitives goes without an envelope.
            if type(value) is list and SerDes.is_primitive(value):
                return value
            return decode(value)
        except Unfit as unfit:
            raise SerDesError(unfit.describe()) from unfit.__cause__
        except RecursionError as error:
            raise SerDesError("The text is nested too deeply to be deserialized.") from error


EXTENDED_TYPES_SERDES: SerDes[Any] = ExtendedTypeSerDes()
"""The typed form."""

DEFAULT_JSON_SERDES: SerDes[Any] = JsonSerDes()
"""Plain JSON: the input and the result of an execution, and what goes to and comes from invoked functions."""

DEFAULT_SERDES = EXTENDED_TYPES_SERDES
"""What operations use when they are told nothing else."""


def serialize(
    serdes: SerDes[T] | None, value: T, operation_id: str, durable_execution_arn: str, what: object = ""
) -> str | None:
    """Return ``value`` as text, or None if the serdes stores nothing for it.

    ``what`` says for messages what the value is, such as "result of step 'charge'"; it is made into text
    only then.

    Raises:
        SerDesError: the serdes failed, or returned something other than a text.
        RetryableSerDesError: raised by the serdes.
    """
    active: SerDes[Any] = DEFAULT_SERDES if serdes is None else serdes
    try:
        text: Any = active.serialize(value, SerDesContext(operation_id, durable_execution_arn))
    except RetryableSerDesError:
        raise
    except SerDesError as error:
        if active is DEFAULT_SERDES and what:
            raise SerDesError(f"The {what} cannot be stored: {error.message}") from error
        raise
    except Exception as error:
        raise SerDesError(f"Serialization failed for id: {operation_id}, error: {error}.") from error
    if text is None or isinstance(text, str):
        return text
    raise SerDesError(
        f"Serialization failed for id: {operation_id}, error: "
        f"{type(active).__name__}.serialize returned {shown(text)}, not a text."
    )


def deserialize(
    serdes: SerDes[T] | None, data: str | None, operation_id: str, durable_execution_arn: str
) -> T:
    """Return the value that ``data`` stands for, None if nothing was stored.

    Raises:
        SerDesError: the serdes failed.
        RetryableSerDesError: raised by the serdes.
    """
    value: Any = None
    if data is None:
        return value  # type: ignore[no-any-return]
    active: SerDes[Any] = DEFAULT_SERDES if serdes is None else serdes
    try:
        value = active.deserialize(data, SerDesContext(operation_id, durable_execution_arn))
    except (SerDesError, RetryableSerDesError):
        raise
    except Exception as error:
        raise SerDesError(f"Deserialization failed for id: {operation_id}, error: {error}.") from error
    return value  # type: ignore[no-any-return]


def check_serdes(field_name: str, serdes: object) -> None:
    """Raise a ValidationError if it is neither None nor an instance of a SerDes."""
    if serdes is None or isinstance(serdes, SerDes):
        return
    what = "the class" if isinstance(serdes, type) else "an object without SerDes as its base"
    raise ValidationError(
        f"{field_name} was given {serdes!r:.100}, {what}; it takes an instance, such as JsonSerDes()."
    )
