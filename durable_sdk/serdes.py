"""Serdes: values to the text that the service stores, and back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from durable_sdk._wording import shown
from durable_sdk.concurrency.models import BatchResult
from durable_sdk.exceptions import RetryableSerDesError, SerDesError, ValidationError

__all__ = [
    "DEFAULT_JSON_SERDES",
    "DEFAULT_SERDES",
    "ExtendedTypeSerDes",
    "JsonSerDes",
    "PassThroughSerDes",
    "SerDes",
    "SerDesContext",
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
        """Return whether ``obj`` is None, a str, int, float or bool, or a list of such."""
        if type(obj) in _PRIMITIVES:
            return True
        if isinstance(obj, list):
            return all(map(SerDes.is_primitive, obj))
        return isinstance(obj, str | int | float)


class JsonSerDes(SerDes[Any]):
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


class PassThroughSerDes(SerDes[Any]):
    """For values that are texts already, which are stored as they are."""

    def serialize(self, value: Any, serdes_context: SerDesContext | None = None) -> Any:
        """Return ``value``."""
        return value

    def deserialize(self, data: str, serdes_context: SerDesContext | None = None) -> Any:
        """Return ``data``."""
        return data


class ExtendedTypeSerDes(SerDes[Any]):
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

    Instances of subclasses come back as the type in the table, the keys of dicts as texts.
    """

    def serialize(self, value: Any, serdes_context: SerDesContext | None = None) -> str:
        """Return ``value`` as JSON.

        Raises:
            SerDesError: it is or contains something of another type, or contains itself.
        """
        kind = type(value)
        if kind is str:
            return _to_json(value)
        if kind is int:
            return repr(value)
        if value is None:
            return "null"
        try:
            if SerDes.is_primitive(value):
                return _to_json(value)
            return _to_json(_encode(value))
        except _Unfit as unfit:
            raise SerDesError(unfit.describe()) from unfit.__cause__
        except RecursionError as error:
            raise SerDesError(
                f"A {kind.__name__} is nested too deeply to be serialized, or contains itself."
            ) from error

    def deserialize(self, data: str, serdes_context: SerDesContext | None = None) -> Any:
        """Return the value of ``data``.

        Raises:
            ValueError: it is not JSON.
            SerDesError: it is JSON of another form. The message tells the tag and the position.
        """
        value = _from_json(data)
        if type(value) in _PRIMITIVES:
            return value
        try:
            # Only a list of primitives goes without an envelope.
            if type(value) is list and SerDes.is_primitive(value):
                return value
            return _decode(value)
        except _Unfit as unfit:
            raise SerDesError(unfit.describe()) from unfit.__cause__


DEFAULT_JSON_SERDES: SerDes[Any] = JsonSerDes()
"""What invoke uses, and what other languages read."""

DEFAULT_SERDES: SerDes[Any] = ExtendedTypeSerDes()
"""What operations use when they are told nothing else."""


def serialize(
    serdes: SerDes[T] | None, value: T, operation_id: str, durable_execution_arn: str, what: str = ""
) -> str | None:
    """Return ``value`` as text, or None if the serdes stores nothing for it.

    ``what`` says for messages what the value is, such as "result of step 'charge'".

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


class _Unfit(Exception):  # noqa: N818 - never leaves this module
    """Something has no place in the typed form; the containers around it add where, inside out."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path: list[str] = []

    def describe(self) -> str:
        return f"{self.problem}, at value{''.join(reversed(self.path))}"


_Envelope: TypeAlias = dict[str, Any]


def _encode(value: Any) -> _Envelope:
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        encoder = _encoder_of_base(value)
    return encoder(value)


def _encoder_of_base(value: Any) -> Callable[[Any], _Envelope]:
    for base, encoder in _ENCODERS.items():
        if isinstance(value, base):
            return encoder
    supported = ", ".join(base.__name__ for base in _ENCODERS)
    raise _Unfit(
        f"Unsupported type {type(value)!r} (supported: {supported}; a serdes of your own can store anything)"
    )


def _encode_as_is(tag: str) -> Callable[[Any], _Envelope]:
    return lambda value: {"t": tag, "v": value}


def _encode_as_text(tag: str) -> Callable[[Any], _Envelope]:
    return lambda value: {"t": tag, "v": str(value)}


def _encode_isoformat(tag: str) -> Callable[[Any], _Envelope]:
    return lambda value: {"t": tag, "v": value.isoformat()}


def _encode_bytes(value: Any) -> _Envelope:
    return {"t": "B", "v": b64encode(value).decode("ascii")}


def _encode_elements(tag: str) -> Callable[[Any], _Envelope]:
    def encode(value: Any) -> _Envelope:
        elements: list[_Envelope] = []
        try:
            for element in value:
                elements.append(_encode(element))
        except _Unfit as unfit:
            unfit.path.append(f"[{len(elements)}]")
            raise
        return {"t": tag, "v": elements}

    return encode


def _encode_mapping(value: Any) -> _Envelope:
    members: dict[Any, _Envelope] = {}
    for key, member in value.items():
        if type(key) is not str and not (key is None or isinstance(key, str | int | float)):
            raise _Unfit(
                f"Unsupported key of type {type(key)!r} (supported: texts; numbers "
                "and None, which come back as texts)"
            )
        try:
            members[key] = _encode(member)
        except _Unfit as unfit:
            unfit.path.append(f"[{key!r}]")
            raise
    return {"t": "m", "v": members}


def _encode_batch_result(value: Any) -> _Envelope:
    return {"t": "br", "v": _encode_mapping(value.to_dict())["v"]}


# For a value of a subclass the first base that fits counts: bool before int, datetime before date.
_ENCODERS: dict[type, Callable[[Any], _Envelope]] = {
    type(None): _encode_as_is("n"),
    str: _encode_as_is("s"),
    bool: _encode_as_is("b"),
    int: _encode_as_is("i"),
    float: _encode_as_is("f"),
    bytes: _encode_bytes,
    bytearray: _encode_bytes,
    memoryview: _encode_bytes,
    UUID: _encode_as_text("u"),
    Decimal: _encode_as_text("d"),
    datetime: _encode_isoformat("dt"),
    date: _encode_isoformat("D"),
    tuple: _encode_elements("t"),
    list: _encode_elements("l"),
    dict: _encode_mapping,
    BatchResult: _encode_batch_result,
}


def _decode(envelope: Any) -> Any:
    if type(envelope) is not dict or "t" not in envelope or "v" not in envelope:
        raise _Unfit(f'Expected an envelope {{"t": ..., "v": ...}}, got {envelope!r:.100}')
    tag = envelope["t"]
    # A tag of another type could not even be looked up.
    known = _DECODERS.get(tag) if isinstance(tag, str) else None
    if known is None:
        raise _Unfit(f"Unknown type tag {tag!r:.100}")
    shape, decoder = known
    value = envelope["v"]
    if type(value) not in shape:
        wanted = " or ".join(cls.__name__ for cls in shape)
        raise _Unfit(f"Tag {tag!r} takes {wanted}, got {value!r:.100}")
    if decoder is None:
        return value
    try:
        return decoder(value)
    # Decimal raises an ArithmeticError for a text that is no number.
    except (ValueError, ArithmeticError, SerDesError) as error:
        raise _Unfit(f"Tag {tag!r} cannot take {value!r:.100}: {error}") from error


def _decode_bytes(value: str) -> bytes:
    return b64decode(value, validate=True)


def _decode_list(value: list[Any]) -> list[Any]:
    elements: list[Any] = []
    try:
        for element in value:
            elements.append(_decode(element))
    except _Unfit as unfit:
        unfit.path.append(f"[{len(elements)}]")
        raise
    return elements


def _decode_tuple(value: list[Any]) -> tuple[Any, ...]:
    return tuple(_decode_list(value))


def _decode_mapping(value: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, member in value.items():
        try:
            members[key] = _decode(member)
        except _Unfit as unfit:
            unfit.path.append(f"[{key!r}]")
            raise
    return members


def _decode_batch_result(value: dict[str, Any]) -> BatchResult[Any]:
    return BatchResult[Any].from_dict(_decode_mapping(value))


# What `v` may be in JSON, and how to read it; None if it is the value.
_DECODERS: dict[str, tuple[tuple[type, ...], Callable[[Any], Any] | None]] = {
    "n": ((type(None),), None),
    "s": ((str,), None),
    "i": ((int,), None),
    "f": ((float, int), float),
    "b": ((bool,), None),
    "B": ((str,), _decode_bytes),
    "u": ((str,), UUID),
    "d": ((str,), Decimal),
    "dt": ((str,), datetime.fromisoformat),
    "D": ((str,), date.fromisoformat),
    "t": ((list,), _decode_tuple),
    "l": ((list,), _decode_list),
    "m": ((dict,), _decode_mapping),
    "br": ((dict,), _decode_batch_result),
}
