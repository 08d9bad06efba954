"""From the annotation of a type to its form."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections import abc
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from durable_sdk._forms.base import Form, Shape
from durable_sdk._forms.containers import BatchForm, ElementsForm, MappingForm, TupleForm
from durable_sdk._forms.models import check_aliases, is_model, model_form
from durable_sdk._forms.records import Member, ObjectForm, RecordForm, TypedDictForm
from durable_sdk._forms.scalars import (
    BYTES,
    DATE,
    DATETIME,
    DECIMAL,
    TIME,
    UUID_,
    AnyForm,
    BoolForm,
    ChoiceForm,
    FloatForm,
    IntForm,
    NoneForm,
    StrForm,
    enum_form,
)
from durable_sdk._forms.unions import UnionForm
from durable_sdk.concurrency.models import BatchResult
from durable_sdk.exceptions import ValidationError

_STR = StrForm()
_ANY = AnyForm()
_SCALARS: dict[Any, Form] = {
    None: NoneForm(),
    type(None): NoneForm(),
    bool: BoolForm(),
    int: IntForm(),
    float: FloatForm(),
    str: _STR,
    bytes: BYTES,
    Decimal: DECIMAL,
    UUID: UUID_,
    datetime: DATETIME,
    date: DATE,
    time: TIME,
    Any: _ANY,
    object: _ANY,
}
# A plain instance of each, to know what a test clock puts in place of the class while it is in force: that
# counts the plain one among its instances. A datetime is a date, so it comes first.
_PLAIN_INSTANCES = ((datetime.min, DATETIME), (date.min, DATE))

_SUPPORTED = (
    "dataclasses, NamedTuples, TypedDicts, enums, pydantic models, list, tuple, set, frozenset, dict, "
    "Sequence, Mapping, BatchResult, unions, Literal, None, bool, int, float, str, bytes, Decimal, UUID, "
    "datetime, date, time and Any for plain JSON"
)

_SEQUENCES: dict[Any, tuple[tuple[type, ...], Callable[[list[Any]], Any]]] = {
    list: ((list,), list),
    set: ((set,), set),
    frozenset: ((frozenset,), frozenset),
    abc.Sequence: ((list, tuple), list),
    abc.MutableSequence: ((list,), list),
    abc.Collection: ((list, tuple), list),
    abc.Iterable: ((list, tuple), list),
    abc.Set: ((set, frozenset), set),
    abc.MutableSet: ((set,), set),
}
_MAPPINGS = {dict, abc.Mapping, abc.MutableMapping}
# Wrappers that say something about a field, not about its values.
_TRANSPARENT = {typing.Annotated, typing.Final, typing.Required, typing.NotRequired}


def form_of(annotation: Any) -> Form:
    """Return the form of the type that ``annotation`` stands for.

    Raises:
        ValidationError: some part of the type has no form, or a union's members cannot be told apart.
    """
    maker = _Maker()
    form = maker.make(annotation, "value")
    maker.order_unions()
    return form


def _stood_in_for(cls: type) -> Form | None:
    for plain, form in _PLAIN_INSTANCES:
        if issubclass(cls, type(plain)) and isinstance(plain, cls):
            return form
    return None


class _Maker:
    """Makes the forms of one annotation. A type that contains itself has one form."""

    def __init__(self) -> None:
        self._records: dict[Any, RecordForm] = {}
        self._aliases: list[Any] = []
        self._unions: list[tuple[UnionForm, str]] = []

    def make(self, annotation: Any, path: str) -> Form:
        """Return the form of ``annotation``, which is found at ``path``."""
        try:
            known = _SCALARS.get(annotation)
        except TypeError:
            # Annotated may hold anything, even what cannot be a key.
            known = None
        if known is None and isinstance(annotation, type):
            known = _stood_in_for(annotation)
        if known is not None:
            return known
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in _TRANSPARENT:
            return self.make(arguments[0], path)
        if isinstance(annotation, typing.NewType):
            return self.make(annotation.__supertype__, path)
        if hasattr(annotation, "__value__"):
            return self._make_alias(annotation, path)
        if isinstance(annotation, dataclasses.InitVar):
            raise ValidationError(
                f"{path} is an InitVar without a default: it is not kept, so that nothing could be rebuilt."
            )
        if isinstance(annotation, typing.TypeVar):
            raise ValidationError(
                f"{path} is of type {annotation}, which nothing tells: name it, such as in Box[int]."
            )
        if origin is typing.Union or origin is types.UnionType:
            return self._make_union(arguments, path)
        if origin is typing.Literal:
            return self._make_literal(arguments, path)
        return self._make_generic(annotation, origin or annotation, arguments, path)

    def order_unions(self) -> None:
        """Put the members of every union into an order in which each reads what it wrote.

        Raises:
            ValidationError: for one of them there is none.
        """
        for union, path in self._unions:
            pair = union.put_in_order()
            if pair is None:
                continue
            reader, writer = pair
            if isinstance(reader, RecordForm) and isinstance(writer, RecordForm):
                move = (
                    "Give both a field that tells them apart, such as kind: Literal['a'] in one and "
                    "kind: Literal['b'] in the other"
                )
            else:
                move = "Put one of them into a dataclass, or use one type for both"
            raise ValidationError(
                f"{path} is {union.name}, which is ambiguous: something stored for {writer.name} could be "
                f"read as {reader.name}, for JSON does not tell them apart. {move}."
            )

    def _make_alias(self, alias: Any, path: str) -> Form:
        if alias in self._aliases:
            raise ValidationError(
                f"{path} is {alias}, an alias that contains itself; use a dataclass, or Any."
            )
        self._aliases.append(alias)
        form = self.make(alias.__value__, path)
        self._aliases.pop()
        return form

    def _make_union(self, arguments: tuple[Any, ...], path: str) -> Form:
        union = UnionForm([self.make(argument, path) for argument in arguments])
        self._unions.append((union, path))
        return union

    def _make_literal(self, values: tuple[Any, ...], path: str) -> Form:
        choices: list[tuple[Any, Any]] = []
        for value in values:
            if isinstance(value, Enum):
                choices.append((enum_form(type(value)).encode(value), value))
            elif isinstance(value, bytes):
                raise ValidationError(f"{path} is a Literal of {value!r:.100}, for which JSON has no form.")
            else:
                choices.append((value, value))
        for index, (json, value) in enumerate(choices):
            for other, earlier in choices[:index]:
                if type(other) is type(json) and other == json:
                    raise ValidationError(
                        f"{path} is a Literal of {earlier!r} and {value!r}, "
                        f"both of which JSON writes as {json!r}."
                    )
        return ChoiceForm("a choice", choices)

    def _make_generic(self, annotation: Any, cls: Any, arguments: tuple[Any, ...], path: str) -> Form:
        if cls is tuple:
            return self._make_tuple(annotation, arguments, path)
        if cls in _SEQUENCES:
            element = self.make(arguments[0] if arguments else Any, f"{path}[...]")
            takes, build = _SEQUENCES[cls]
            return ElementsForm(f"{cls.__name__}[{element.name}]", takes, build, element)
        if cls in _MAPPINGS:
            return self._make_mapping(arguments or (str, Any), path)
        if cls is BatchResult:
            return BatchForm(self.make(arguments[0] if arguments else Any, f"{path}.all[...].result"))
        if isinstance(cls, type):
            return self._make_class(annotation, cls, arguments, path)
        raise ValidationError(f"{path} is of type {annotation}, which has no form. Supported: {_SUPPORTED}.")

    def _make_tuple(self, annotation: Any, arguments: tuple[Any, ...], path: str) -> Form:
        if annotation in (tuple, typing.Tuple) or Ellipsis in arguments:  # noqa: UP006
            element = self.make(arguments[0] if arguments else Any, f"{path}[...]")
            return ElementsForm(f"tuple[{element.name}, ...]", (tuple,), tuple, element)
        return TupleForm([self.make(one, f"{path}[{index}]") for index, one in enumerate(arguments)])

    def _make_mapping(self, arguments: tuple[Any, ...], path: str) -> Form:
        key = _STR if arguments[0] in (Any, object) else self.make(arguments[0], f"the key of {path}")
        if key.shapes & {Shape.LIST, Shape.OBJECT}:
            raise ValidationError(
                f"The key of {path} is {key.name}, which is no text, number, choice or None."
            )
        if Shape.TEXT in key.shapes and len(key.shapes) > 1:
            raise ValidationError(
                f"The key of {path} is {key.name}, which is ambiguous: all keys of JSON are texts. "
                "Use a list of tuples."
            )
        return MappingForm(key, self.make(arguments[1], f"{path}[...]"))

    def _make_class(self, annotation: Any, cls: type, arguments: tuple[Any, ...], path: str) -> Form:
        if issubclass(cls, Enum):
            return enum_form(cls)
        known = self._records.get(annotation)
        if known is not None:
            return known
        name = cls.__name__ + (f"[{', '.join(map(_short_name, arguments))}]" if arguments else "")
        if is_model(cls):
            check_aliases(cls, path)
            return model_form(name, cls, self._literal_form)
        make_members: Callable[[Any, Any], list[Member]]
        if dataclasses.is_dataclass(cls):
            form: RecordForm = ObjectForm(name, cls)
            make_members = self._dataclass_members
        elif issubclass(cls, tuple) and hasattr(cls, "_fields"):
            form, make_members = ObjectForm(name, cls), self._named_tuple_members
        elif issubclass(cls, dict) and hasattr(cls, "__required_keys__"):
            form, make_members = TypedDictForm(name), self._typed_dict_members
        else:
            raise ValidationError(
                f"{path} is of type {cls.__qualname__}, which has no form. Supported: {_SUPPORTED}. "
                "A serdes of your own can store anything."
            )
        self._records[annotation] = form
        hints = _field_types(cls, arguments, path)
        form.members = tuple(make_members(cls, _Fields(self, hints, path)))
        if isinstance(form, ObjectForm) and dataclasses.is_dataclass(cls):
            form.set_afterwards = frozenset(field.name for field in dataclasses.fields(cls) if not field.init)
        return form

    def _literal_form(self, annotation: Any) -> Form | None:
        """Return the form of a field that is a choice, None of any other."""
        is_choice = typing.get_origin(annotation) is typing.Literal or (
            isinstance(annotation, type) and issubclass(annotation, Enum)
        )
        return self.make(annotation, "") if is_choice else None

    def _dataclass_members(self, cls: Any, fields: _Fields) -> list[Member]:
        for name, hint in fields.hints.items():
            if isinstance(hint, dataclasses.InitVar) and not hasattr(cls, name):
                fields.form(name)
        return [
            Member(
                field.name,
                fields.form(field.name),
                is_required=field.init
                and field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING,
                is_always_written=field.init,
            )
            for field in dataclasses.fields(cls)
        ]

    def _named_tuple_members(self, cls: Any, fields: _Fields) -> list[Member]:
        return [
            Member(name, fields.form(name), is_required=name not in cls._field_defaults)
            for name in cls._fields
        ]

    def _typed_dict_members(self, cls: Any, fields: _Fields) -> list[Member]:
        members = []
        for name, hint in fields.hints.items():
            # The class does not know of wrappers in annotations that are texts.
            wrapper = typing.get_origin(hint)
            is_required = wrapper is typing.Required or (
                wrapper is not typing.NotRequired and name in cls.__required_keys__
            )
            members.append(Member(name, fields.form(name), is_required, is_always_written=is_required))
        return members


@dataclasses.dataclass(frozen=True, slots=True)
class _Fields:
    """The types of a record's fields, and the place of the record."""

    maker: _Maker
    hints: dict[str, Any]
    path: str

    def form(self, name: str) -> Form:
        """Return the form of a field. One without a type is plain JSON."""
        return self.maker.make(self.hints.get(name, Any), f"{self.path}.{name}")


def _field_types(cls: type, arguments: tuple[Any, ...], path: str) -> dict[str, Any]:
    """Return the types of the fields of ``cls``, with type variables replaced by what they stand for."""
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError) as error:
        raise ValidationError(
            f"{path} is of type {cls.__qualname__}, whose annotations cannot be resolved: {error}. "
            "Define what it names in its module, outside of functions and of `if TYPE_CHECKING`."
        ) from error
    meanings = _meanings(cls, arguments)
    return {name: _replaced(hint, meanings) for name, hint in hints.items()} if meanings else hints


def _meanings(cls: Any, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """Return what the type variables of ``cls`` and of its bases stand for."""
    meanings = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base)
        if origin is None or origin in (typing.Generic, typing.Protocol):
            continue
        given = tuple(_replaced(argument, meanings) for argument in typing.get_args(base))
        meanings = {**_meanings(origin, given), **meanings}
    return meanings


def _replaced(annotation: Any, meanings: dict[Any, Any]) -> Any:
    if isinstance(annotation, typing.TypeVar):
        return meanings.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or isinstance(annotation, type):
        return annotation
    return annotation[tuple(meanings.get(parameter, parameter) for parameter in parameters)]


def _short_name(argument: Any) -> str:
    return argument.__name__ if isinstance(argument, type) else str(argument)
