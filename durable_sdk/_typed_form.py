"""The typed form: JSON in which everything but primitives is an envelope that names its type."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from durable_sdk._unfit import Unfit
from durable_sdk._wording import shown
from durable_sdk.concurrency.models import BatchResult
from durable_sdk.exceptions import SerDesError

TYPE_TOKEN = "t"
VALUE_TOKEN = "v"


class TypeTag(StrEnum):
    """What the member ``t`` of an envelope says about its member ``v``."""

    NONE = "n"
    STR = "s"
    INT = "i"
    FLOAT = "f"
    BOOL = "b"
    BYTES = "B"
    UUID = "u"
    DECIMAL = "d"
    DATETIME = "dt"
    DATE = "D"
    TUPLE = "t"
    LIST = "l"
    DICT = "m"
    BATCH_RESULT = "br"


Envelope: TypeAlias = dict[str, Any]

# The value of a member is looked up slowly, and a str proper is encoded fastest.
_BYTES = TypeTag.BYTES.value
_DICT = TypeTag.DICT.value
_BATCH_RESULT = TypeTag.BATCH_RESULT.value


def encode(value: Any) -> Envelope:
    """Return the envelope of ``value``.

    Raises:
        Unfit: it is or contains something of a type without a tag.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        encoder = _encoder_of_base(value)
    return encoder(value)


def _encoder_of_base(value: Any) -> Callable[[Any], Envelope]:
    for base, encoder in _ENCODERS.items():
        if isinstance(value, base):
            return encoder
    supported = ", ".join(base.__name__ for base in _ENCODERS)
    raise Unfit(
        f"Unsupported type {type(value)!r} (supported: {supported}; TypedSerDes stores dataclasses, sets "
        "and more, a serdes of your own anything)"
    )


def _encode_as_is(tag: str) -> Callable[[Any], Envelope]:
    return lambda value: {TYPE_TOKEN: tag, VALUE_TOKEN: value}


def _encode_as_text(tag: str) -> Callable[[Any], Envelope]:
    return lambda value: {TYPE_TOKEN: tag, VALUE_TOKEN: str(value)}


def _encode_isoformat(tag: str) -> Callable[[Any], Envelope]:
    return lambda value: {TYPE_TOKEN: tag, VALUE_TOKEN: value.isoformat()}


def _encode_bytes(value: Any) -> Envelope:
    return {TYPE_TOKEN: _BYTES, VALUE_TOKEN: b64encode(bytes(value)).decode("ascii")}


def _encode_elements(tag: str) -> Callable[[Any], Envelope]:
    def encode_elements(value: Any) -> Envelope:
        elements: list[Envelope] = []
        try:
            for element in value:
                elements.append(encode(element))
        except Unfit as unfit:
            unfit.below(f"[{len(elements)}]")
            raise
        return {TYPE_TOKEN: tag, VALUE_TOKEN: elements}

    return encode_elements


def _encode_mapping(value: Any) -> Envelope:
    members: dict[Any, Envelope] = {}
    has_only_texts = True
    for key, member in value.items():
        if type(key) is not str:
            has_only_texts = False
        try:
            members[key] = encode(member)
        except Unfit as unfit:
            unfit.below(f"[{shown(key)}]")
            raise
    if not has_only_texts:
        _check_keys(members)
    return {TYPE_TOKEN: _DICT, VALUE_TOKEN: members}


def _check_keys(keys: Iterable[Any]) -> None:
    """Check that every key has a text of its own: JSON knows no other keys, and of equals keeps the last."""
    texts: dict[str, Any] = {}
    for key in keys:
        if isinstance(key, str):
            text = str.__str__(key)
        elif key is None or isinstance(key, int | float):
            text = json.dumps(key)
        else:
            raise Unfit(
                f"Unsupported key of type {type(key)!r} (supported: texts; numbers "
                "and None, which come back as texts)"
            )
        if text in texts:
            raise Unfit(f"Keys {texts[text]!r} and {key!r} would both be stored as {text!r}")
        texts[text] = key


def _encode_batch_result(value: Any) -> Envelope:
    return {TYPE_TOKEN: _BATCH_RESULT, VALUE_TOKEN: _encode_mapping(value.to_dict())[VALUE_TOKEN]}


# For a value of a subclass the first base that fits counts: bool before int, datetime before date.
_ENCODERS: dict[type, Callable[[Any], Envelope]] = {
    type(None): _encode_as_is(TypeTag.NONE.value),
    str: _encode_as_is(TypeTag.STR.value),
    bool: _encode_as_is(TypeTag.BOOL.value),
    int: _encode_as_is(TypeTag.INT.value),
    float: _encode_as_is(TypeTag.FLOAT.value),
    bytes: _encode_bytes,
    bytearray: _encode_bytes,
    memoryview: _encode_bytes,
    UUID: _encode_as_text(TypeTag.UUID.value),
    Decimal: _encode_as_text(TypeTag.DECIMAL.value),
    datetime: _encode_isoformat(TypeTag.DATETIME.value),
    date: _encode_isoformat(TypeTag.DATE.value),
    tuple: _encode_elements(TypeTag.TUPLE.value),
    list: _encode_elements(TypeTag.LIST.value),
    dict: _encode_mapping,
    BatchResult: _encode_batch_result,
}


def decode(envelope: Any) -> Any:
    """Return the value of ``envelope``.

    Raises:
        Unfit: it, or one inside it, is no envelope, has an unknown tag, or a value that its tag cannot take.
    """
    if type(envelope) is not dict or TYPE_TOKEN not in envelope or VALUE_TOKEN not in envelope:
        raise Unfit(f'Expected an envelope {{"t": ..., "v": ...}}, got {envelope!r:.100}')
    tag = envelope[TYPE_TOKEN]
    # A tag of another type could not even be looked up.
    known = _DECODERS.get(tag) if isinstance(tag, str) else None
    if known is None:
        raise Unfit(f"Unknown type tag {tag!r:.100}")
    shape, decoder = known
    value = envelope[VALUE_TOKEN]
    if type(value) not in shape:
        wanted = " or ".join(cls.__name__ for cls in shape)
        raise Unfit(f"Tag {tag!r} takes {wanted}, got {value!r:.100}")
    if decoder is None:
        return value
    try:
        return decoder(value)
    # Decimal raises an ArithmeticError for a text that is no number.
    except (ValueError, ArithmeticError, SerDesError) as error:
        raise Unfit(f"Tag {tag!r} cannot take {value!r:.100}: {error}") from error


def _decode_bytes(value: str) -> bytes:
    return b64decode(value, validate=True)


def _decode_list(value: list[Any]) -> list[Any]:
    elements: list[Any] = []
    try:
        for element in value:
            elements.append(decode(element))
    except Unfit as unfit:
        unfit.below(f"[{len(elements)}]")
        raise
    return elements


def _decode_tuple(value: list[Any]) -> tuple[Any, ...]:
    return tuple(_decode_list(value))


def _decode_mapping(value: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, member in value.items():
        try:
            members[key] = decode(member)
        except Unfit as unfit:
            unfit.below(f"[{shown(key)}]")
            raise
    return members


def _decode_batch_result(value: dict[str, Any]) -> BatchResult[Any]:
    return BatchResult[Any].from_dict(_decode_mapping(value))


# What `v` may be in JSON, and how to read it; None if it is the value.
_DECODERS: dict[str, tuple[tuple[type, ...], Callable[[Any], Any] | None]] = {
    TypeTag.NONE: ((type(None),), None),
    TypeTag.STR: ((str,), None),
    TypeTag.INT: ((int,), None),
    TypeTag.FLOAT: ((float, int), float),
    TypeTag.BOOL: ((bool,), None),
    TypeTag.BYTES: ((str,), _decode_bytes),
    TypeTag.UUID: ((str,), UUID),
    TypeTag.DECIMAL: ((str,), Decimal),
    TypeTag.DATETIME: ((str,), datetime.fromisoformat),
    TypeTag.DATE: ((str,), date.fromisoformat),
    TypeTag.TUPLE: ((list,), _decode_tuple),
    TypeTag.LIST: ((list,), _decode_list),
    TypeTag.DICT: ((dict,), _decode_mapping),
    TypeTag.BATCH_RESULT: ((dict,), _decode_batch_result),
}
