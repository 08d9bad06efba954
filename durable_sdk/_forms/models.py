"""pydantic models as records. Nothing of pydantic is imported: a model brings what it needs."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from typing import Any

from durable_sdk._forms.base import Form
from durable_sdk._forms.records import Member, ModelForm
from durable_sdk.exceptions import ValidationError


def is_model(cls: type) -> bool:
    """Return whether ``cls`` is a pydantic model."""
    return any(
        base.__name__ == "BaseModel" and base.__module__.split(".")[0] == "pydantic" for base in cls.__mro__
    )


def model_form(name: str, cls: Any, choice_form: Callable[[Any], Form | None]) -> ModelForm:
    """Return the form of the model. ``choice_form`` makes those of fields that tell models apart."""
    form = ModelForm(name, cls)
    form.members = tuple(
        Member(
            field.serialization_alias or field_name,
            choice_form(field.annotation),
            is_required=field.is_required(),
            is_always_written=not field.exclude,
        )
        for field_name, field in cls.model_fields.items()
    )
    return form


def check_aliases(cls: Any, path: str) -> None:
    """Check that a model, and those in its fields, read what they write.

    Raises:
        ValidationError: a field is written under a name that it is not read from.
    """
    for model in _models(cls, []):
        by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
        for name, field in model.model_fields.items():
            written = field.serialization_alias or name
            alias = field.validation_alias
            read = [alias] if isinstance(alias, str) else list(getattr(alias, "choices", []))
            if alias is None or by_name:
                read.append(name)
            if written not in read:
                raise ValidationError(
                    f"{path} is of type {cls.__name__}, whose field {model.__name__}.{name} is written as "
                    f"{written!r}, but not read from there. Give it one alias for both, or none."
                )


def _models(annotation: Any, seen: list[Any]) -> Iterator[Any]:
    if isinstance(annotation, type) and is_model(annotation):
        if annotation in seen:
            return
        seen.append(annotation)
        yield annotation
        for field in annotation.model_fields.values():  # type: ignore[attr-defined]
            yield from _models(field.annotation, seen)
    for argument in typing.get_args(annotation):
        yield from _models(argument, seen)
