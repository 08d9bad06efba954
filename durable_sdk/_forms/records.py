"""The forms of dataclasses, NamedTuples, TypedDicts and pydantic models: an object with all fields."""

from __future__ import annotations

import json as _json
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from durable_sdk._forms.base import Form, Json, Shape
from durable_sdk._unfit import Unfit
from durable_sdk._wording import shown

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Member:
    """A field: its key in JSON, and its form, None if it is another library's business.

    ``is_required`` says that nothing is read without it, ``is_always_written`` that no JSON lacks it.
    """

    key: str
    form: Form | None
    is_required: bool
    is_always_written: bool = True


class RecordForm(Form):
    """Fields by their names. Keys that no field has are ignored: a later version may drop a field."""

    shapes = frozenset({Shape.OBJECT})

    def __init__(self, name: str) -> None:
        self.name = name
        # Set by whoever makes it, after it is known under its type: a field may be of that very type.
        self.members: tuple[Member, ...] = ()

    def encode(self, value: Any) -> Json:
        """Return the fields under their keys."""
        self._check(value)
        written: dict[str, Json] = {}
        for member in self.members:
            part = self._get(value, member.key)
            if part is _ABSENT:
                if member.is_always_written:
                    raise Unfit(f"Expected {self.name}, whose field {member.key!r} is missing")
                continue
            try:
                written[member.key] = _form_of(member).encode(part)
            except Unfit as unfit:
                unfit.below(self._step(member.key))
                raise
        return written

    def decode(self, json: Json) -> Any:
        """Return the record."""
        if type(json) is not dict:
            raise self.mismatch(json)
        read: dict[str, Any] = {}
        for member in self.members:
            if member.key not in json:
                if member.is_required:
                    raise Unfit(f"Expected {self.name}, whose field {member.key!r} is missing")
                continue
            try:
                read[member.key] = _form_of(member).decode(json[member.key])
            except Unfit as unfit:
                unfit.below(self._step(member.key))
                raise
        return self._build(read)

    @abstractmethod
    def _check(self, value: Any) -> None:
        """Refuse what is no value of the type.

        Raises:
            Unfit: it is none, or would come back as another.
        """

    @abstractmethod
    def _build(self, fields: dict[str, Any]) -> Any:
        """Return the record with these fields."""

    def _get(self, value: Any, key: str) -> Any:
        return getattr(value, key, _ABSENT)

    def _step(self, key: str) -> str:
        return f".{key}"


class ObjectForm(RecordForm):
    """A dataclass or a NamedTuple. Fields that the constructor does not take are set afterwards."""

    def __init__(self, name: str, cls: type) -> None:
        super().__init__(name)
        self._cls = cls
        self.set_afterwards: frozenset[str] = frozenset()

    def _check(self, value: Any) -> None:
        _check_exact(self, self._cls, value)

    def _build(self, fields: dict[str, Any]) -> Any:
        taken = {key: field for key, field in fields.items() if key not in self.set_afterwards}
        try:
            built = self._cls(**taken)
            for key in self.set_afterwards & fields.keys():
                # A frozen dataclass sets its fields like this too.
                object.__setattr__(built, key, fields[key])
        except Exception as error:
            raise Unfit(f"{self.name} refuses what was stored: {type(error).__name__}: {error}") from error
        return built


class TypedDictForm(RecordForm):
    """A TypedDict: a dict with the fields as keys, and no others."""

    def _check(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise self.mismatch(value)
        known = {member.key for member in self.members}
        for key in value:
            if key not in known:
                raise Unfit(f"Expected {self.name}, which has no key {shown(key)}")

    def _get(self, value: Any, key: str) -> Any:
        return value.get(key, _ABSENT)

    def _build(self, fields: dict[str, Any]) -> Any:
        return fields

    def _step(self, key: str) -> str:
        return f"[{key!r}]"


class ModelForm(RecordForm):
    """A pydantic model, which writes and reads itself; its fields are known by their aliases.

    The class came with the annotation, so pydantic is there, and need not be imported here.
    """

    def __init__(self, name: str, cls: Any) -> None:
        super().__init__(name)
        self._cls = cls
        if getattr(cls, "__pydantic_root_model__", False):
            self.shapes = frozenset(Shape)

    def encode(self, value: Any) -> Json:
        """Return what the model writes."""
        self._check(value)
        try:
            return value.model_dump(mode="json", by_alias=True, round_trip=True)
        except ValueError as error:
            raise Unfit(f"{self.name} cannot be written: {error}") from error

    def decode(self, json: Json) -> Any:
        """Return the model that is read."""
        try:
            # From JSON, not from Python: strict models take a text for a date only there.
            return self._cls.model_validate_json(_json.dumps(json))
        except ValueError as error:
            raise self._first_problem(error) from error

    def _check(self, value: Any) -> None:
        _check_exact(self, self._cls, value)

    def _build(self, fields: dict[str, Any]) -> Any:
        return self._cls(**fields)

    def _first_problem(self, error: Any) -> Unfit:
        problems = error.errors(include_url=False)
        others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        unfit = Unfit(f"{self.name} refuses it: {problems[0]['msg']}{others}")
        for place in reversed(problems[0]["loc"]):
            unfit.below(f"[{place}]" if isinstance(place, int) else f".{place}")
        return unfit


def _check_exact(form: Form, cls: type, value: object) -> None:
    if type(value) is cls:
        return
    if isinstance(value, cls):
        raise Unfit(
            f"Expected {form.name}, got its subclass {type(value).__name__}, which would come back as "
            f"{form.name}: name {type(value).__name__} in the annotation"
        )
    raise form.mismatch(value)


def _form_of(member: Member) -> Form:
    assert member.form is not None
    return member.form
