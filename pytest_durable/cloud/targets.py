"""Targets: which deployed function a test means, and where it is.

What is said explicitly goes before what is found in files, and of the former the command line before the
environment before the configuration file:

1. ``--durable-function-map``
2. ``LAMBDA_FUNCTION_TEST_NAME`` with ``QUALIFIED_FUNCTION_NAME``, for one function
3. ``PYTEST_FUNCTION_NAME_MAP``
4. the ini key ``durable_function_map``
5. the files of ``--durable-outputs``, or else of the ini key ``durable_outputs``

Region and endpoint: the option, then ``AWS_REGION`` (or ``AWS_DEFAULT_REGION``) and ``LAMBDA_ENDPOINT``, then
the ini key. Without any the region is that of boto3's own configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_durable.cloud.outputs import Outputs
from pytest_durable.errors import UsageError

_QUALIFIED = re.compile(
    r"(arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?"
    r"[A-Za-z0-9_-]{1,64}:(\$LATEST(\.PUBLISHED)?|[A-Za-z0-9_-]{1,128})"
)
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_ARN_PREFIX = re.compile(r"arn:[a-z-]+:lambda:(?P<region>[a-z0-9-]+):")


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line or the configuration file says; None where it says nothing."""

    function_map: str | None = None
    region: str | None = None
    endpoint: str | None = None
    outputs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Targets:
    """Where functions are, and which one each name stands for. ``region`` of None leaves it to boto3."""

    region: str | None
    endpoint: str | None
    names: Mapping[str, str]
    outputs: Outputs

    @classmethod
    def of(cls, command_line: Said, ini: Said, environment: Mapping[str, str], root: Path) -> Targets:
        """Return the targets of a test run. Relative paths begin at ``root``.

        Raises:
            UsageError: a value is malformed, or a file is; the message names the option or variable.
        """
        # The weakest first: the others overwrite it.
        names = _map(ini.function_map, "durable_function_map in the configuration", root)
        names |= _map(environment.get("PYTEST_FUNCTION_NAME_MAP"), "PYTEST_FUNCTION_NAME_MAP", root)
        names |= _single(environment)
        names |= _map(command_line.function_map, "--durable-function-map", root)
        files = command_line.outputs or ini.outputs
        return cls(
            _region(command_line, ini, environment),
            _endpoint(command_line, ini, environment),
            names,
            Outputs.of([root / file for file in files]),
        )

    def find(self, name: str) -> str | None:
        """Return the qualified name of the function that a test calls ``name``; None if nothing tells.

        Raises:
            UsageError: a file tells of several functions that it may be, or of one without a qualifier.
        """
        return self.names.get(name) or self.outputs.find(name)

    def region_of(self, function_name: str) -> str | None:
        """Return the region of a function: that of its ARN, or else what has been said."""
        arn = _ARN_PREFIX.match(function_name)
        return self.region if arn is None else arn["region"]

    def unmapped(self, name: str) -> str:
        """Return why a test with this name cannot run in the cloud, and what would change that."""
        known = ", ".join(sorted(self.names)) or "none"
        example = json.dumps({name: "MyFunction:live"})
        return (
            f"no deployed function is known for lambda_function_name={name!r}: set QUALIFIED_FUNCTION_NAME "
            f"and LAMBDA_FUNCTION_TEST_NAME={name}, or PYTEST_FUNCTION_NAME_MAP='{example}', or "
            f"--durable-function-map or --durable-outputs (known: {known})"
        )


def is_qualified(function_name: str) -> bool:
    """Return whether a name or ARN of a function says which version of it is meant."""
    return _QUALIFIED.fullmatch(function_name) is not None


def _map(text: str | None, source: str, root: Path) -> dict[str, str]:
    if not text:
        return {}
    if text.startswith("file://"):
        path = root / text.removeprefix("file://")
        source = f"{source} ({path})"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{source} cannot be read: {error}") from None
    expected = f'{source} is JSON such as {{"my_function": "MyFunction:live"}}'
    try:
        decoded: Any = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{expected}: {error}. Got {text!r}.") from None
    if not isinstance(decoded, dict):
        raise UsageError(f"{expected}, got {text!r}.")
    return {name: _qualified(value, f"{source} for {name!r}") for name, value in decoded.items()}


def _single(environment: Mapping[str, str]) -> dict[str, str]:
    qualified = environment.get("QUALIFIED_FUNCTION_NAME")
    name = environment.get("LAMBDA_FUNCTION_TEST_NAME")
    if bool(qualified) != bool(name):
        given, missing = "QUALIFIED_FUNCTION_NAME", "LAMBDA_FUNCTION_TEST_NAME"
        if name:
            given, missing = missing, given
        raise UsageError(
            f"{given} is set and {missing} is not. The first says which deployed function it is, the second "
            "which lambda_function_name of a marker means it; set both or neither."
        )
    return {name: _qualified(qualified, "QUALIFIED_FUNCTION_NAME")} if name else {}


def _qualified(value: Any, source: str) -> str:
    """Return the name of a function with its qualifier."""
    if isinstance(value, str) and value.endswith(":"):
        # In double quotes a shell makes nothing of $LATEST, and nothing else would be left empty.
        value += "$LATEST"
    if not isinstance(value, str) or not is_qualified(value):
        hint = ""
        if isinstance(value, str) and is_qualified(f"{value}:live"):
            hint = " It has no qualifier: durable functions are invoked by version, alias or $LATEST."
        raise UsageError(
            f"{source} is the qualified name or ARN of a function, such as 'MyFunction:live' or "
            f"'MyFunction:$LATEST', got {value!r}.{hint}"
        )
    return value


def _region(command_line: Said, ini: Said, environment: Mapping[str, str]) -> str | None:
    sources = (
        ("--durable-region", command_line.region),
        ("AWS_REGION", environment.get("AWS_REGION")),
        ("AWS_DEFAULT_REGION", environment.get("AWS_DEFAULT_REGION")),
        ("durable_region in the configuration", ini.region),
    )
    for source, region in sources:
        if region:
            if not _REGION.fullmatch(region):
                raise UsageError(f"{source} is a region such as 'us-west-2', got {region!r}.")
            return region
    return None


def _endpoint(command_line: Said, ini: Said, environment: Mapping[str, str]) -> str | None:
    sources = (
        ("--durable-endpoint", command_line.endpoint),
        ("LAMBDA_ENDPOINT", environment.get("LAMBDA_ENDPOINT")),
        ("durable_endpoint in the configuration", ini.endpoint),
    )
    for source, endpoint in sources:
        if endpoint:
            return _checked_url(endpoint, source)
    return None


def _checked_url(url: str, source: str) -> str:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_url = False
    if not is_url:
        raise UsageError(f"{source} is a URL such as 'http://127.0.0.1:9000', got {url!r}.")
    return url
