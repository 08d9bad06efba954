"""Message: frozen dataclasses to and from the structures of the service's API, read off their fields.

A field ``next_attempt_timestamp`` is the member ``NextAttemptTimestamp``; where the service has another
name, the class says so. None is never written. Values are texts, numbers, enums, times, other messages, and
lists of these.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import MISSING, Field, dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from durable_sdk.exceptions import ValidationError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Convert = Callable[[Any], Any]


class TimestampConverter:
    """Times as an invocation event holds them (integers, milliseconds since the epoch), and as datetimes."""

    @staticmethod
    def to_unix_millis(dt: datetime | None) -> int | None:
        """Return an aware datetime in whole milliseconds since the epoch; None stays None."""
        return None if dt is None else (dt - _EPOCH) // _MILLISECOND

    @staticmethod
    def from_unix_millis(ms: int | None) -> datetime | None:
        """Return milliseconds since the epoch as an aware datetime; None stays None."""
        return None if ms is None else _EPOCH + timedelta(milliseconds=ms)


class Message:
    """Base of the structures of the API.

    Class arguments: ``names`` maps fields to members that are named otherwise; ``blank_is_none`` lists fields
    whose empty text means that there is none; ``absent`` gives what a required field is when its member is
    not there.
    """

    _names: ClassVar[Mapping[str, str]] = {}
    _blank_is_none: ClassVar[frozenset[str]] = frozenset()
    _absent: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(
        cls,
        names: Mapping[str, str] | None = None,
        blank_is_none: Iterable[str] | None = None,
        absent: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init_subclass__()
        cls._names = cls._names if names is None else names
        cls._blank_is_none = cls._blank_is_none if blank_is_none is None else frozenset(blank_is_none)
        cls._absent = cls._absent if absent is None else absent

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Decode the service's form. Times may be datetimes, ISO 8601 text, or milliseconds since the epoch.

        Raises:
            ValidationError: a member is missing or malformed; the message names it.
        """
        if not isinstance(data, Mapping):
            raise ValidationError(f"{cls.__name__} is read from an object, got {data!r:.200}.")
        return cls(**{member.field: member.read(cls, data) for member in _members(cls) if member.is_in(data)})

    def to_dict(self) -> dict[str, Any]:
        """Encode to the service's form, with times as datetimes, as boto3 holds them."""
        return _encoded(self, in_json=False)


class JsonMessage(Message):
    """A structure that also travels inside invocation events, where times are integers."""

    @classmethod
    def from_json_dict(cls, data: Mapping[str, Any]) -> Self:
        """Decode the form of invocation events, in which times are milliseconds since the epoch.

        Raises:
            ValidationError: a member is missing or malformed; the message names it.
        """
        return cls.from_dict(data)

    def to_json_dict(self) -> dict[str, Any]:
        """Encode to the form of invocation events, in which times are milliseconds since the epoch."""
        return _encoded(self, in_json=True)


_NOT_SENT = "not sent"

NOT_SENT = {_NOT_SENT: True}
"""Metadata of a field that is no member of the structure."""

# What stands for a required member that is not there, if anything does.
_REFUSE = object()


@dataclass(frozen=True, slots=True)
class _Member:
    field: str
    name: str
    required: bool
    blank_is_none: bool
    absent: Any
    decode: Convert
    encode: Convert
    encode_json: Convert

    def _is_none(self, value: Any) -> bool:
        return value is None or (self.blank_is_none and value == "")

    def is_in(self, data: Mapping[str, Any]) -> bool:
        """Return whether the field is to be set from ``data``, rather than left to its default."""
        return self.required or not self._is_none(data.get(self.name))

    def read(self, cls: type, data: Mapping[str, Any]) -> Any:
        value = data.get(self.name)
        if self._is_none(value):
            if self.absent is _REFUSE:
                raise ValidationError(f"{cls.__name__} needs {self.name}; it got {sorted(data)!r:.200}.")
            return copy(self.absent)
        try:
            return self.decode(value)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValidationError(f"{cls.__name__}: {self.name} is {value!r:.200}: {error}.") from error

    def write(self, message: Message, encoded: dict[str, Any], *, in_json: bool) -> None:
        value = getattr(message, self.field)
        if not self._is_none(value):
            encoded[self.name] = (self.encode_json if in_json else self.encode)(value)


_members_of: dict[type[Message], tuple[_Member, ...]] = {}


def _members(cls: type[Message]) -> tuple[_Member, ...]:
    # Read when first needed rather than with the class: annotations may name classes that come later.
    members = _members_of.get(cls)
    if members is None:
        members = _members_of[cls] = _read_members(cls)
    return members


def _read_members(cls: Any) -> tuple[_Member, ...]:
    hints = get_type_hints(cls)
    return tuple(
        _member(cls, field, hints[field.name]) for field in fields(cls) if not field.metadata.get(_NOT_SENT)
    )


def _member(cls: type[Message], field: Field[Any], annotation: Any) -> _Member:
    decode, encode, encode_json = _conversions(annotation)
    absent = cls._absent.get(field.name, _REFUSE)
    if absent is _REFUSE and type(None) in get_args(annotation):
        absent = None
    return _Member(
        field=field.name,
        name=cls._names.get(field.name) or "".join(map(str.capitalize, field.name.split("_"))),
        required=field.default is MISSING and field.default_factory is MISSING,
        blank_is_none=field.name in cls._blank_is_none,
        absent=absent,
        decode=decode,
        encode=encode,
        encode_json=encode_json,
    )


def _encoded(message: Message, *, in_json: bool) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for member in _members(type(message)):
        member.write(message, encoded, in_json=in_json)
    return encoded


def _same(value: Any) -> Any:
    return value


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return _EPOCH + timedelta(milliseconds=value)


def _conversions(annotation: Any) -> tuple[Convert, Convert, Convert]:
    """Return how a value of that type is decoded, encoded for boto3, and encoded for an event."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
        return _conversions(annotation)
    if origin is list:
        decode, encode, encode_json = _conversions(get_args(annotation)[0])
        return _each(decode), _each(encode), _each(encode_json)
    if not isinstance(annotation, type):
        return _same, _same, _same
    if issubclass(annotation, datetime):
        return _time, _same, TimestampConverter.to_unix_millis
    if issubclass(annotation, Enum):
        return annotation, _value, _value
    if issubclass(annotation, Message):
        return annotation.from_dict, _plain, _json
    if hasattr(annotation, "from_dict"):
        return annotation.from_dict, _plain, _plain
    return _same, _same, _same


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


def _value(member: Enum) -> Any:
    return member.value


def _plain(message: Any) -> dict[str, Any]:
    encoded: dict[str, Any] = message.to_dict()
    return encoded


def _json(message: Message) -> dict[str, Any]:
    return _encoded(message, in_json=True)
