"""Function names: what a handler may write to say which function it invokes.

The grammar is that of NamespacedFunctionName in the API's model: a name, perhaps qualified, a partial or a
full ARN.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_durable.simulator.service.errors import InvalidParameterValueException

LATEST = "$LATEST"
_LATEST_PUBLISHED = "$LATEST.PUBLISHED"

_NAME = re.compile(
    r"(?P<arn>arn:(?:aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account_id>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9\-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9\-_]+))?",
    re.ASCII,
)


class FunctionName(NamedTuple):
    """A function as it was named. What the name leaves out is None."""

    name: str
    qualifier: str | None = None
    account_id: str | None = None
    region: str | None = None

    @property
    def candidates(self) -> tuple[str, ...]:
        """The names under which the function may be registered, the one that counts most first."""
        return (self.name,) if self.qualifier is None else (f"{self.name}:{self.qualifier}", self.name)

    @property
    def version(self) -> str:
        """The version that runs. Nothing is known of aliases, so they stand for ``$LATEST``."""
        qualifier = self.qualifier or LATEST
        return qualifier if qualifier.isdecimal() or qualifier == _LATEST_PUBLISHED else LATEST


class Home(NamedTuple):
    """Where an execution runs."""

    region: str
    account_id: str


def home_of(execution_arn: str) -> Home:
    """Return region and account of the ARN of an execution."""
    _, _, _, region, account_id, _ = execution_arn.split(":", 5)
    return Home(region, account_id)


def parse_function_name(text: str, characters_max: int = 256) -> FunctionName:
    """Decode a name.

    Raises:
        InvalidParameterValueException: it does not follow the grammar, or is too long.
    """
    found = _NAME.fullmatch(text) if len(text) <= characters_max else None
    if found is None or (found["arn"] and not (found["region"] and found["account_id"])):
        raise InvalidParameterValueException(f"Invalid function ARN '{text}'")
    return FunctionName(found["name"], found["qualifier"], found["account_id"], found["region"])


def check_home(function: FunctionName, home: Home) -> None:
    """Refuse a function that lies elsewhere; a name that does not say where means here.

    Raises:
        InvalidParameterValueException: it is in another account or region.
    """
    if function.account_id not in (None, home.account_id):
        raise InvalidParameterValueException(
            "Cannot start a CHAINED_INVOKE on a function in another account."
        )
    if function.region not in (None, home.region):
        raise InvalidParameterValueException("Cannot start a CHAINED_INVOKE on a function in another region.")
