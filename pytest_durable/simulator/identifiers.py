"""Identifiers: names of executions and invocations in the service's forms, the same in every run."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

from pytest_durable.errors import UsageError

# The pattern of the API's model.
EXECUTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_.-]{1,140}")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")

PARTITION = "aws"
REGION = "us-east-1"
ACCOUNT_ID = "123456789012"


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """A function as it is deployed."""

    name: str
    version: str = "$LATEST"
    qualifier: str | None = None
    """The alias by which it was called, if it was not by its version."""
    region: str = REGION
    account_id: str = ACCOUNT_ID

    def __post_init__(self) -> None:
        """Check what ARNs are made of.

        Raises:
            UsageError: a part is none.
        """
        parts: tuple[tuple[str, object, re.Pattern[str], str], ...] = (
            ("function_name", self.name, _FUNCTION_NAME, "1 to 140 letters, digits, and any of -_."),
            ("region", self.region, _REGION, "a region such as 'us-east-1'"),
            ("account_id", self.account_id, _ACCOUNT_ID, "a text of 12 digits"),
        )
        for part, value, pattern, form in parts:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise UsageError(f"{part} is {form}, got {value!r}.")

    @property
    def arn(self) -> str:
        """The qualified ARN."""
        qualifier = self.qualifier or self.version
        return f"arn:{PARTITION}:lambda:{self.region}:{self.account_id}:function:{self.name}:{qualifier}"


class Identifiers:
    """Makes identifiers that depend on the seed and on what they name."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _uuid(self, *parts: object) -> str:
        text = "/".join(str(part) for part in (self._seed, *parts))
        digits = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        # A random UUID, version 4 of RFC 9562, written without the detour over an object.
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def execution_name(self, number: int) -> str:
        """Return the name of the ``number``-th execution, for one that was given none."""
        return self._uuid("name", number)

    def execution_id(self, function: FunctionVersion, name: str, number: int) -> str:
        """Return the id of an execution, which is also that of its EXECUTION operation."""
        return self._uuid("execution", function.arn, name, number)

    def invoked_name(self, execution_id: str, operation_id: str) -> str:
        """Return the name of the execution that an operation of another one starts."""
        return self._uuid("invoked", execution_id, operation_id)

    def call_id(self, execution_id: str, operation_id: str) -> str:
        """Return the Lambda request id of the call of a plain function for an operation."""
        return self._uuid("call", execution_id, operation_id)

    def request_id(self, execution_id: str, invocation: int) -> str:
        """Return the Lambda request id of an invocation."""
        return self._uuid("request", execution_id, invocation)


def execution_arn(function: FunctionVersion, name: str, execution_id: str) -> str:
    """Return the ARN of an execution, which holds the version that runs and never an alias."""
    version = replace(function, qualifier=None)
    return f"{version.arn}/durable-execution/{name}/{execution_id}"
