"""Previews: the part of a value that is shown beside a pointer to it, chosen by the names of fields.

`FileSystemSerDes` puts one into the record of an operation, so that the console shows what a file
holds. Any serdes that stores values elsewhere can do the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from durable_sdk._checks import check_member
from durable_sdk.exceptions import ValidationError

__all__ = ["FieldMatchMode", "PreviewConfig", "PreviewField", "PreviewMode", "build_preview"]


class PreviewMode(StrEnum):
    """What a preview shows of the fields that no rule names."""

    INCLUDE_ALL = "INCLUDE_ALL"
    """All of them."""

    EXCLUDE_ALL = "EXCLUDE_ALL"
    """None of them."""


class FieldMatchMode(StrEnum):
    """Which fields a name stands for."""

    ANYWHERE = "ANYWHERE"
    """Every field of that name, and all that lies below it."""

    PATH = "PATH"
    """The one field with that path from the root, such as ``customer.email``."""


@dataclass(frozen=True)
class PreviewField:
    """A rule's field: a name, or a path with dots.

    Raises:
        ValidationError: a member has a value it cannot have.
    """

    name: str
    match: FieldMatchMode = FieldMatchMode.ANYWHERE

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValidationError(f"PreviewField.name was given {self.name!r:.100}; it takes a text.")
        check_member("PreviewField.match", self.match, FieldMatchMode)


@dataclass(frozen=True)
class PreviewConfig:
    """Which fields a preview shows.

    ``exclude`` hides fields and is stronger than ``mask``, which shows them with ``mask_string`` as
    their value; ``mask`` is stronger than ``include``, which shows them. ``mode`` decides about the
    others. ``max_preview_bytes`` is about the size of the preview in JSON: fields are added in their
    order as long as they fit.

    Raises:
        ValidationError: a member has a value it cannot have.
    """

    mode: PreviewMode
    include: list[PreviewField] = field(default_factory=list)
    exclude: list[PreviewField] = field(default_factory=list)
    mask: list[PreviewField] = field(default_factory=list)
    mask_string: str = "***"
    max_preview_bytes: int = 4096

    def __post_init__(self) -> None:
        check_member("PreviewConfig.mode", self.mode, PreviewMode)
        for rule in ("include", "exclude", "mask"):
            fields = getattr(self, rule)
            if isinstance(fields, str) or not all(isinstance(entry, PreviewField) for entry in fields):
                raise ValidationError(
                    f"PreviewConfig.{rule} was given {fields!r:.100}; it takes a list of PreviewField, "
                    f'such as [PreviewField("email")].'
                )
        if not isinstance(self.mask_string, str):
            raise ValidationError(
                f"PreviewConfig.mask_string was given {self.mask_string!r:.100}; it takes a text."
            )
        if type(self.max_preview_bytes) is not int:
            raise ValidationError(
                f"PreviewConfig.max_preview_bytes was given {self.max_preview_bytes!r:.100}; "
                "it takes a number of bytes."
            )


def build_preview(value: Any, config: PreviewConfig) -> dict[str, Any] | None:
    """Return the part of ``value`` that ``config`` shows, None if nothing is left or it is no dict.

    The preview has the nesting of the dicts in ``value``. The dicts in a list are merged at the
    path of the list, where the last one wins; other elements of lists are left out. So are fields
    whose names contain a dot, as dots separate the names in a path. Dates, times, Decimals and UUIDs
    are shown as text; fields with anything else that JSON does not know are left out.
    """
    if not isinstance(value, dict):
        return None
    preview: dict[str, Any] = {}
    size = len("{}")
    for path, shown in _visible_fields(value, "", config):
        size += len(f'"{path}":{json.dumps(shown)},'.encode(errors="surrogatepass"))
        if size > config.max_preview_bytes:
            break
        _put(preview, path, shown)
    return preview or None


def _visible_fields(container: Any, prefix: str, config: PreviewConfig) -> Iterator[tuple[str, Any]]:
    """Yield path and value of the fields to show, in their order."""
    if isinstance(container, list | tuple):
        for element in container:
            yield from _visible_fields(element, prefix, config)
    if not isinstance(container, dict):
        return
    for key, value in container.items():
        if "." in str(key):
            continue
        path = f"{prefix}.{key}" if prefix else str(key)
        if _is_named(path, config.exclude):
            continue
        if _is_named(path, config.mask):
            yield path, config.mask_string
        elif _has_fields(value):
            yield from _visible_fields(value, path, config)
        elif config.mode == PreviewMode.INCLUDE_ALL or _is_named(path, config.include):
            try:
                yield path, _as_json(value)
            except TypeError:
                continue


def _is_named(path: str, fields: list[PreviewField]) -> bool:
    names = path.split(".")
    return any(
        path == entry.name if entry.match == FieldMatchMode.PATH else entry.name in names for entry in fields
    )


def _has_fields(value: Any) -> bool:
    """Return whether ``value`` is looked into. A tuple is shown as it is unless rules apply inside it."""
    if isinstance(value, tuple):
        return any(_has_fields(element) for element in value)
    return isinstance(value, dict | list)


def _as_json(value: Any) -> Any:
    """Return ``value`` as JSON knows it.

    Raises:
        TypeError: it is something that might hold fields of its own, which no rule could hide.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    return json.loads(json.dumps(value, default=_text))


def _text(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError


def _put(preview: dict[str, Any], path: str, value: Any) -> None:
    """Set the field at ``path``. What is in the way, from another element of a list, gives way."""
    *parents, name = path.split(".")
    for parent in parents:
        inner = preview.get(parent)
        if not isinstance(inner, dict):
            inner = preview[parent] = {}
        preview = inner
    preview[name] = value
