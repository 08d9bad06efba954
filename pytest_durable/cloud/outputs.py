"""Outputs: the names of deployed functions, as the files of SAM, CDK and Terraform tell them.

=========== ==============================================================================
SAM         ``sam list stack-outputs --output json``: a list of OutputKey and OutputValue
            (``aws cloudformation describe-stacks`` likewise, with its Stacks around it)
CDK         ``cdk deploy --outputs-file``: an object of outputs for each stack
Terraform   ``terraform output -json``: an object of outputs, each with a value
=========== ==============================================================================

An output is about the function that a test calls ``name`` if its value is the name or ARN of a function, and

* its key is ``name``, or ``name`` with any of ``function``, ``qualified``, ``alias``, ``version``, ``arn``,
  ``name`` behind it, or that and the eight hexadecimal digits that CDK adds; or
* the function's own name, in its value, is ``name``.

Capitals, hyphens and underscores do not count. Of those that fit, values with a qualifier count alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_durable.errors import UsageError

_FUNCTION = re.compile(
    r"(?P<arn>arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:)?(?P<name>[A-Za-z0-9_-]{1,64})"
    r"(?P<qualifier>:(\$LATEST(\.PUBLISHED)?|[A-Za-z0-9_-]{1,128}))?"
)
_HASH = re.compile(r"[0-9A-F]{8}$")
_SUFFIX = re.compile(r"(function|qualified|alias|version|arn|name)+$")


class Output(NamedTuple):
    """One output of a file."""

    file: Path
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of all files."""

    all: Sequence[Output]

    @classmethod
    def of(cls, files: Sequence[Path]) -> Outputs:
        """Read the outputs of these files.

        Raises:
            UsageError: one cannot be read, or is of none of the forms; the message names it.
        """
        return cls([output for file in files for output in _read(file)])

    def find(self, name: str) -> str | None:
        """Return the qualified name or ARN of the function that a test calls ``name``; None if none is.

        Raises:
            UsageError: there are several, or it has no qualifier.
        """
        fitting = [output for output in self.all if _fits(output, name)]
        qualified = {output.value: output for output in fitting if _is_qualified(output.value)}
        if len(qualified) > 1:
            listed = ", ".join(f"{output.key}={output.value}" for output in qualified.values())
            raise UsageError(
                f"Several outputs may be the function {name!r}: {listed}. Say which one with "
                f'--durable-function-map=\'{{"{name}": "{next(iter(qualified))}"}}\'.'
            )
        if qualified:
            return next(iter(qualified))
        if fitting:
            found = fitting[0]
            raise UsageError(
                f"Output {found.key} of {found.file} is {found.value!r}, which has no qualifier: durable "
                "functions are invoked by version, alias or $LATEST. Let the stack put out the ARN of an "
                f'alias, or say --durable-function-map=\'{{"{name}": "{found.value}:$LATEST"}}\'.'
            )
        return None


def _read(file: Path) -> Iterator[Output]:
    try:
        decoded = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The outputs in {file} cannot be read: {error}") from None
    found = list(_pairs(decoded))
    if not found:
        raise UsageError(
            f"{file} has no outputs. It is what `sam list stack-outputs --output json`, "
            "`cdk deploy --outputs-file` or `terraform output -json` writes."
        )
    return (Output(file, key, value) for key, value in found)


def _pairs(decoded: Any) -> Iterator[tuple[str, str]]:
    """Yield the keys and values of any of the forms; what is no text is no name of a function."""
    if isinstance(decoded, list):
        for entry in decoded:
            if isinstance(entry, Mapping) and "OutputKey" in entry:
                yield str(entry["OutputKey"]), str(entry.get("OutputValue"))
    elif isinstance(decoded, Mapping) and isinstance(decoded.get("Stacks"), list):
        for stack in decoded["Stacks"]:
            yield from _pairs(stack.get("Outputs") if isinstance(stack, Mapping) else None)
    elif isinstance(decoded, Mapping):
        for key, inner in decoded.items():
            if not isinstance(inner, Mapping):
                continue
            if "value" in inner and ("type" in inner or "sensitive" in inner):
                yield from _terraform(str(key), inner["value"])
            else:
                yield from ((str(name), value) for name, value in inner.items() if isinstance(value, str))


def _terraform(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        # One output may hold a map of functions.
        yield from ((str(name), text) for name, text in value.items() if isinstance(text, str))


def _fits(output: Output, name: str) -> bool:
    function = _FUNCTION.fullmatch(output.value)
    if function is None:
        return False
    wanted = {_plain(name), _SUFFIX.sub("", _plain(name))} - {""}
    keys = [output.key, _HASH.sub("", output.key)]
    meant = {_plain(key) for key in keys} | {_SUFFIX.sub("", _plain(key)) for key in keys}
    by_key = bool(wanted & meant) and (function["arn"] is not None or _names_a_function(output))
    return by_key or _plain(function["name"]) == _plain(name)


def _names_a_function(output: Output) -> bool:
    """Return whether an output whose value is no ARN is the name of a function: any short text may be."""
    return _is_qualified(output.value) or "function" in _plain(output.key)


def _is_qualified(value: str) -> bool:
    function = _FUNCTION.fullmatch(value)
    return function is not None and function["qualifier"] is not None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
