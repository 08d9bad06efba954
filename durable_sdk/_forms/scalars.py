"""The forms of values without parts."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, Flag
from math import isfinite
from typing import Any
from uuid import UUID

from durable_sdk._forms.base import Form, Json, Shape, shape_of
from durable_sdk._unfit import Unfit
from durable_sdk._wording import shown


class NoneForm(Form):
    """None, as null."""

    name = "None"
    shapes = frozenset({Shape.NULL})
    is_plain = True
    choices = (None,)

    def encode(self, value: Any) -> Json:
        """Return None."""
        return self.decode(value)

    def decode(self, json: Json) -> None:
        """Return None."""
        if json is not None:
            raise self.mismatch(json)


class BoolForm(Form):
    """A bool, as true or false."""

    name = "bool"
    shapes = frozenset({Shape.BOOL})
    is_plain = True
    choices = (False, True)

    def encode(self, value: Any) -> Json:
        """Return ``value``."""
        return self.decode(value)

    def decode(self, json: Json) -> bool:
        """Return ``json``."""
        if not isinstance(json, bool):
            raise self.mismatch(json)
        return json


class IntForm(Form):
    """An int, as a number. A bool is none: it would come back as one."""

    name = "int"
    shapes = frozenset({Shape.INT})
    is_plain = True

    def encode(self, value: Any) -> Json:
        """Return ``value``, as an int proper if it is of a subclass."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.mismatch(value)
        return int(value)

    def decode(self, json: Json) -> int:
        """Return ``json``."""
        if type(json) is not int:
            raise self.mismatch(json)
        return json


class FloatForm(Form):
    """A float, as a number; so are ints that a float can hold. JSON has no infinity and no NaN."""

    name = "float"
    shapes = frozenset({Shape.INT, Shape.FLOAT})

    @property
    def written_shapes(self) -> frozenset[Shape]:
        """A float: what is a number without a point in JSON was an int."""
        return frozenset({Shape.FLOAT})

    def encode(self, value: Any) -> Json:
        """Return ``value`` as a float."""
        if not isinstance(value, float | int) or isinstance(value, bool):
            raise self.mismatch(value)
        return self._exact(value)

    def decode(self, json: Json) -> float:
        """Return ``json`` as a float."""
        if shape_of(json) not in self.shapes:
            raise self.mismatch(json)
        return self._exact(json)

    def _exact(self, number: float) -> float:
        try:
            exact = float(number)
        except OverflowError:
            exact = float("inf")
        if not isfinite(exact):
            raise Unfit(f"Expected a finite float, got {shown(number)}, for which JSON has no number")
        if exact != number:
            raise Unfit(f"Expected float, got the int {shown(number)}, which no float equals")
        return exact


class StrForm(Form):
    """A str, as a text."""

    name = "str"
    shapes = frozenset({Shape.TEXT})
    is_plain = True

    def encode(self, value: Any) -> Json:
        """Return ``value``, as a str proper if it is of a subclass."""
        if not isinstance(value, str):
            raise self.mismatch(value)
        return str.__str__(value)

    def decode(self, json: Json) -> str:
        """Return ``json``."""
        if type(json) is not str:
            raise self.mismatch(json)
        return json


class TextForm(Form):
    """Something written as a text. Only `BYTES` may share texts with the others of this module."""

    shapes = frozenset({Shape.TEXT})

    def __init__(
        self, cls: type, write: Callable[[Any], str], read: Callable[[str], Any], pattern: str = ""
    ) -> None:
        self.name = cls.__name__
        self._cls = cls
        self._write = write
        self._read = read
        self._pattern = re.compile(pattern, re.IGNORECASE | re.ASCII)

    def encode(self, value: Any) -> Json:
        """Return the text of ``value``."""
        # A datetime is a date, but would come back without its time.
        if not isinstance(value, self._cls) or (self._cls is date and isinstance(value, datetime)):
            raise self.mismatch(value)
        return self._write(value)

    def decode(self, json: Json) -> Any:
        """Return what the text ``json`` stands for."""
        if type(json) is not str or not self._pattern.match(json):
            raise self.mismatch(json)
        try:
            return self._read(json)
        # Decimal raises an ArithmeticError for a text that is no number.
        except (ValueError, ArithmeticError) as error:
            raise self.mismatch(json) from error


def _isoformat(value: date | time) -> str:
    return value.isoformat()


def _to_base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _from_base64(text: str) -> bytes:
    return b64decode(text, validate=True)


# The patterns keep apart what the types' own readers mix up: a date is a datetime to datetime, 32 digits
# are a UUID to UUID, and 20200102 is a date to date.
DECIMAL = TextForm(Decimal, str, Decimal)
UUID_ = TextForm(UUID, str, UUID, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
DATETIME = TextForm(datetime, _isoformat, datetime.fromisoformat, r"\d{4}-\d\d-\d\d[T ]\d\d:")
DATE = TextForm(date, _isoformat, date.fromisoformat, r"\d{4}-\d\d-\d\d\Z")
TIME = TextForm(time, _isoformat, time.fromisoformat, r"\d\d:")
BYTES = TextForm(bytes, _to_base64, _from_base64)


class AnyForm(Form):
    """Anything that is JSON already, as it is."""

    name = "plain JSON"
    shapes = frozenset(Shape)
    is_plain = True

    def encode(self, value: Any) -> Json:
        """Return ``value`` after a look at all its parts."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            if not isfinite(value):
                raise Unfit(f"Expected plain JSON, got {value!r}, for which JSON has no number")
            return value
        if type(value) is list:
            self._visit((f"[{index}]", element) for index, element in enumerate(value))
            return value
        if type(value) is dict:
            for key in value:
                if type(key) is not str:
                    raise Unfit(f"Expected plain JSON, whose keys are texts, got the key {shown(key)}")
            self._visit((f"[{key!r}]", member) for key, member in value.items())
            return value
        raise Unfit(f"{self.mismatch(value).problem}: say in the annotation what it is")

    def _visit(self, parts: Iterable[tuple[str, Any]]) -> None:
        for step, part in parts:
            try:
                self.encode(part)
            except Unfit as unfit:
                unfit.below(step)
                raise

    def decode(self, json: Json) -> Any:
        """Return ``json``."""
        return json


class ChoiceForm(Form):
    """One of a few values, each with JSON of its own."""

    def __init__(self, name: str, choices: Iterable[tuple[Json, Any]]) -> None:
        self.name = name
        self._value_of = {(type(json), json): value for json, value in choices}
        self._json_of = {(type(value), value): json for (_, json), value in self._value_of.items()}
        self._choices = [json for _, json in self._value_of]
        self.choices = tuple(self._choices)
        self.shapes = frozenset(map(shape_of, self._choices))
        self.is_plain = all(json is value for (_, json), value in self._value_of.items())

    def encode(self, value: Any) -> Json:
        """Return the JSON of the choice."""
        try:
            return self._json_of[type(value), value]
        except (KeyError, TypeError):
            raise self._no_choice(value) from None

    def decode(self, json: Json) -> Any:
        """Return the choice that has this JSON."""
        try:
            return self._value_of[type(json), json]
        except (KeyError, TypeError):
            raise self._no_choice(json) from None

    def _no_choice(self, value: object) -> Unfit:
        known = ", ".join(repr(json) for json in self._choices)
        return Unfit(f"Expected {self.name} ({known:.200}), got {shown(value)}")


class FlagForm(Form):
    """A combination of flags, as its number."""

    shapes = frozenset({Shape.INT})

    def __init__(self, cls: type[Flag]) -> None:
        self.name = cls.__name__
        self._cls = cls

    def encode(self, value: Any) -> Json:
        """Return the number of ``value``."""
        if not isinstance(value, self._cls):
            raise self.mismatch(value)
        return value.value

    def decode(self, json: Json) -> Any:
        """Return the combination of this number."""
        if type(json) is not int:
            raise self.mismatch(json)
        try:
            return self._cls(json)
        except ValueError as error:
            raise self.mismatch(json) from error


def enum_form(cls: type[Enum]) -> Form:
    """Return the form of an enum: its values where all are plain JSON, else the names of its members."""
    if issubclass(cls, Flag):
        return FlagForm(cls)
    members = list(cls)
    if all(_is_plain_scalar(member.value) for member in members):
        return ChoiceForm(cls.__name__, ((_base_of(member.value), member) for member in members))
    return ChoiceForm(cls.__name__, ((member.name, member) for member in members))


def _is_plain_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | str)


def _base_of(value: Any) -> Json:
    """Return ``value`` as JSON's own type: the value of a StrEnum's member is a str already."""
    if value is None or isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) else str.__str__(value)
