"""The public surface of a package, as plain data: what its modules offer, with signatures, fields and values.

    python surface.py NAMES.json      describe AWS's packages in this interpreter, and write the description

The same functions describe ours, so that the two can be compared. Annotations are left out: a caller does not
depend on how they are spelled.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import json
import sys
import types
import typing
from pathlib import Path
from typing import Any

SDK = "aws_durable_execution_sdk_python"
TESTING = "aws_durable_execution_sdk_python_testing"

# Module of AWS's -> ours.
MODULES = {
    **{
        f"{SDK}{suffix}": f"durable_sdk{suffix}"
        for suffix in (
            "",
            ".concurrency.models",
            ".config",
            ".context",
            ".exceptions",
            ".execution",
            ".filesystem_serdes",
            ".identifier",
            ".lambda_service",
            ".logger",
            ".plugin",
            ".plugin_discovery",
            ".preview",
            ".retries",
            ".serdes",
            ".types",
            ".waits",
        )
    },
    **{
        f"{TESTING}{suffix}": f"pytest_durable{suffix}" for suffix in ("", ".exceptions", ".model", ".runner")
    },
}

# Found through the module that uses them, in AWS's packages, and relied on by its documentation or its users.
DOORS = (
    (f"{SDK}.concurrency.models", "BatchItemStatus"),
    (f"{SDK}.context", "StepContext"),
    (f"{SDK}.context", "WaitForCallbackContext"),
    (f"{SDK}.context", "WaitForConditionCheckContext"),
    (f"{SDK}.execution", "DurableExecutionInvocationOutput"),
    (f"{SDK}.execution", "InvocationStatus"),
    (f"{SDK}.waits", "JitterStrategy"),
    (f"{TESTING}.model", "Operation"),
    (f"{TESTING}.runner", "InvocationStatus"),
)

Described = dict[str, Any]


def describe_module(name: str) -> dict[str, Described]:
    """Describe what the module lists in ``__all__``, or defines, and the doors that lead through it."""
    module = importlib.import_module(name)
    names = set(getattr(module, "__all__", None) or _defined_names(module))
    names |= {door for owner, door in DOORS if owner == name}
    values = {found: getattr(module, found) for found in sorted(names)}
    # Type variables are of use to nobody outside.
    variables = (typing.TypeVar, typing.ParamSpec)
    return {found: describe(value) for found, value in values.items() if not isinstance(value, variables)}


def _defined_names(module: types.ModuleType) -> set[str]:
    """Return the public names that the module's own statements bind, other than imports."""
    names: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_") and name != "logger"}


def describe(value: Any) -> Described:
    """Describe a public value."""
    if isinstance(value, type):
        return _describe_class(value)
    if isinstance(value, types.FunctionType):
        return {"kind": "function", "parameters": _parameters(value)}
    if isinstance(value, (str, int, float, bool)):
        return {"kind": "constant", "value": value}
    if typing.get_origin(value) is not None or isinstance(value, types.UnionType):
        return {"kind": "alias"}
    return {"kind": "value"}


def _describe_class(cls: type) -> Described:
    described: Described = {"kind": "class"}
    if issubclass(cls, enum.Enum):
        return {"kind": "enum", "values": {member.name: member.value for member in cls}}
    if cls.__module__ == "builtins":
        return {"kind": "alias"}
    if dataclasses.is_dataclass(cls):
        described["fields"] = [field.name for field in dataclasses.fields(cls)]
    if issubclass(cls, BaseException):
        described["bases"] = [base.__name__ for base in cls.__mro__[1:] if base is not object]
    if not getattr(cls, "_is_protocol", False) and not inspect.isabstract(cls):
        described["parameters"] = _parameters(cls)
    members = sorted(_public_members(cls, described.get("fields", [])))
    described["members"] = {name: _describe_member(cls, name) for name in members}
    return described


def _public_members(cls: type, fields: list[str]) -> set[str]:
    inherited = set(dir(Exception if issubclass(cls, BaseException) else object))
    annotated = {name for base in cls.__mro__ for name in vars(base).get("__annotations__", {})}
    names = {name for name in {*dir(cls), *annotated} if not name.startswith("_")}
    return names - inherited - set(fields)


def _describe_member(cls: type, name: str) -> Described:
    value = inspect.getattr_static(cls, name, None)
    if isinstance(value, property):
        return {"kind": "attribute"}
    if isinstance(value, (staticmethod, classmethod)):
        return {"kind": "method", "parameters": _parameters(getattr(cls, name))}
    if isinstance(value, types.FunctionType):
        return {"kind": "method", "parameters": (_parameters(value) or [])[1:]}
    if isinstance(value, (str, int)):
        return {"kind": "attribute", "value": value}
    return {"kind": "attribute"}


def _parameters(callable_: Any) -> list[list[str]] | None:
    try:
        signature = inspect.signature(callable_)
    except ValueError:
        # Exceptions without a constructor of their own take anything.
        return None
    return [
        [parameter.name, parameter.kind.name, _default(parameter.default)]
        for parameter in signature.parameters.values()
    ]


def _default(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return "required"
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}"
    if default is None or isinstance(default, (str, int, float, bool, tuple)):
        return repr(default)
    return "<object>"


def written(surface: dict[str, dict[str, Described]]) -> str:
    """Return a surface as JSON text, one name a line."""
    modules = (
        f"{json.dumps(module)}: {{\n"
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(found)}" for name, found in names.items())
        + "\n}"
        for module, names in surface.items()
    )
    return "{\n" + ",\n".join(modules) + "\n}\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(written({name: describe_module(name) for name in MODULES}))
