"""What every form can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, TypeAlias

from durable_sdk._unfit import Unfit
from durable_sdk._wording import shown

Json: TypeAlias = Any
"""None, a bool, an int, a float or a text, or a list of JSON, or a dict of JSON with texts as keys."""


class Shape(Enum):
    """What kind of JSON something is."""

    NULL = "null"
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    TEXT = "text"
    LIST = "list"
    OBJECT = "object"


_SHAPES = {
    type(None): Shape.NULL,
    bool: Shape.BOOL,
    int: Shape.INT,
    float: Shape.FLOAT,
    str: Shape.TEXT,
    list: Shape.LIST,
    dict: Shape.OBJECT,
}


def shape_of(json: Json) -> Shape:
    """Return what kind of JSON ``json`` is."""
    return _SHAPES[type(json)]


class Form(ABC):
    """How the values of one type are written and read.

    ``name`` is the type in messages, ``shapes`` is what it is read from. ``is_plain`` says that
    the JSON of a value is the value itself, so that it does not matter which form reads it. ``choices``
    is the JSON of all values, if there are few; None if there are many.
    """

    name: str
    shapes: frozenset[Shape]
    is_plain = False
    choices: tuple[Json, ...] | None = None

    @property
    def written_shapes(self) -> frozenset[Shape]:
        """What values are written as; usually all that is read."""
        return self.shapes

    @abstractmethod
    def encode(self, value: Any) -> Json:
        """Return ``value`` as JSON.

        Raises:
            Unfit: it is no value of this type, or would come back as another one.
        """

    @abstractmethod
    def decode(self, json: Json) -> Any:
        """Return the value that ``json`` stands for.

        Raises:
            Unfit: it stands for no value of this type.
        """

    def accepts(self, json: Json) -> bool:
        """Return whether `decode` reads ``json``."""
        try:
            self.decode(json)
        except Unfit:
            return False
        return True

    def mismatch(self, value: object) -> Unfit:
        """Return the error for a value or JSON that is of another type."""
        return Unfit(f"Expected {self.name}, got {shown(value)}")
