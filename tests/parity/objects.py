"""What the structures of the API are in the service's form: one of each, full and as small as can be.

    python objects.py FILE.json       write what AWS's classes make of them, in this interpreter

The same functions build ours, so that both can be compared.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import json
import sys
import types
import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SDK = "aws_durable_execution_sdk_python"
TESTING = "aws_durable_execution_sdk_python_testing"

# Module of AWS's -> ours.
MODULES = {
    f"{SDK}.lambda_service": "durable_sdk.lambda_service",
    f"{SDK}.execution": "durable_sdk.execution",
    f"{TESTING}.model": "pytest_durable.model",
}

# Not structures of the API.
LEFT_OUT = {"DurableExecutionInvocationInputWithClient", "EventCreationContext", "HistoryEventTypeConfig"}

A_TIME = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)


def structures(module: types.ModuleType) -> dict[str, type]:
    """Return the structures that the module defines or re-exports, by name."""
    return {
        name: cls
        for name, cls in sorted(vars(module).items())
        if isinstance(cls, type) and dataclasses.is_dataclass(cls) and name not in LEFT_OUT
    }


def build(cls: type, names: list[str] | None, *, full: bool) -> Any:
    """Return an instance with all fields in ``names`` (None for all) set, or with the required ones alone."""
    hints = _hints(cls)
    values = {
        field.name: _value(hints[field.name], field.name, full=full)
        for field in dataclasses.fields(cls)
        if (names is None or field.name in names) and (full or _is_required(field))
    }
    return cls(**values)


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except NameError:
        # AWS's modules import some names for type checkers only.
        scope: dict[str, Any] = {}
        for module in MODULES:
            scope |= vars(sys.modules[module])
        return typing.get_type_hints(cls, localns=scope | {"datetime": sys.modules["datetime"]})


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value(annotation: Any, name: str, *, full: bool) -> Any:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        (annotation,) = (part for part in typing.get_args(annotation) if part is not type(None))
        return _value(annotation, name, full=full)
    if origin is list:
        return [_value(typing.get_args(annotation)[0], name, full=full)]
    if annotation is dict or origin is dict:
        return {"key": name}
    if dataclasses.is_dataclass(annotation):
        # Our extensions of a structure inside another one would show, so they are left unset there.
        return build(typing.cast("type", annotation), FIELDS.get(annotation.__name__), full=full)
    if issubclass(annotation, enum.Enum):
        return list(annotation)[-1]
    return {bool: True, int: 7, str: f"{name}!", bytes: b"bytes", datetime: A_TIME}[annotation]


# The fields of AWS's classes, for building ours; empty where AWS's are built.
FIELDS: dict[str, list[str]] = {}


def forms(instance: Any) -> dict[str, Any]:
    """Return what the instance's encoders make of it, by name."""
    return {
        name: plain(getattr(instance, name)())
        for name in ("to_dict", "to_json_dict")
        if hasattr(instance, name)
    }


def plain(value: Any) -> Any:
    """Return a structure in JSON, with times and bytes marked as such."""
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": value.decode()}
    if isinstance(value, dict):
        return {key: plain(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [plain(inside) for inside in value]
    return value


def _described(cls: type) -> dict[str, Any]:
    return {
        "fields": [field.name for field in dataclasses.fields(cls)],
        "full": forms(build(cls, None, full=True)),
        "least": forms(build(cls, None, full=False)),
    }


if __name__ == "__main__":
    modules = {name: importlib.import_module(name) for name in MODULES}
    described = {
        f"{name}:{found}": _described(cls)
        for name, module in modules.items()
        for found, cls in structures(module).items()
        if cls.__module__ == name
    }
    lines = (f"{json.dumps(name)}: {json.dumps(found, sort_keys=True)}" for name, found in described.items())
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + "\n}\n")
