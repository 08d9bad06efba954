"""Checks of the fields of configs. Each raises a ValidationError that names the field and the value."""

from __future__ import annotations

import re
from enum import StrEnum
from math import isfinite
from typing import Protocol

from durable_sdk._backoff import JitterStrategy
from durable_sdk._duration import Duration
from durable_sdk._wording import shown
from durable_sdk.exceptions import ValidationError

_SUB_TYPE = re.compile(r"[A-Za-z0-9_-]{1,32}")

# The service's limit.
MAX_NAME_CHARACTERS = 256


def check_name(name: object) -> None:
    """Raise a ValidationError if it cannot be the name of an operation."""
    if not isinstance(name, str):
        raise ValidationError(f"The name of an operation is a text, got {shown(name)}.")
    if len(name) > MAX_NAME_CHARACTERS or not (name.isascii() and name.isprintable()):
        raise ValidationError(
            f"The name of an operation has at most {MAX_NAME_CHARACTERS} printable ASCII "
            f"characters, got {len(name)}: {name!r:.100}"
        )


def check_sub_type(owner: str, sub_type: object) -> None:
    """Raise a ValidationError if it is no label that the service takes."""
    if sub_type is None or sub_type == "":
        return
    if not isinstance(sub_type, str) or _SUB_TYPE.fullmatch(sub_type) is None:
        raise ValidationError(
            f"{owner}.sub_type must be 1 to 32 characters from A-Z, a-z, 0-9, hyphen, and "
            f"underscore, got: {sub_type!r}"
        )


def check_retry_strategy(field_name: str, strategy: object) -> None:
    """Raise a ValidationError if it is neither None nor a function."""
    if strategy is not None and not callable(strategy):
        raise ValidationError(
            f"{field_name} was given {strategy!r:.100}; it takes a function, such as "
            "create_retry_strategy(config) or RetryPresets.none()."
        )


def check_bool(field_name: str, value: object) -> None:
    """Raise a ValidationError if it is neither True nor False."""
    if not isinstance(value, bool):
        raise ValidationError(f"{field_name} was given {value!r:.100}; it takes True or False.")


def check_member(field_name: str, value: object, enum: type[StrEnum]) -> None:
    """Raise a ValidationError if it is neither a member of ``enum`` nor the text of one."""
    if value not in list(enum):
        members = " or ".join(f"{enum.__name__}.{member.name}" for member in enum)
        raise ValidationError(f"{field_name} was given {value!r:.100}; it takes {members}.")


def check_int(field_name: str, value: object, minimum: int) -> None:
    """Raise a ValidationError if it is neither None nor an int of at least ``minimum``."""
    if value is not None and (type(value) is not int or value < minimum):
        raise ValidationError(f"{field_name} was given {value!r}; it takes an int of at least {minimum}.")


def check_callable(field_name: str, value: object) -> None:
    """Raise a ValidationError if it is neither None nor a function."""
    if value is not None and not callable(value):
        raise ValidationError(f"{field_name} was given {value!r:.100}; it takes a function.")


class Attempts(Protocol):
    """The fields that every configured strategy has."""

    @property
    def max_attempts(self) -> int: ...
    @property
    def initial_delay(self) -> Duration: ...
    @property
    def max_delay(self) -> Duration: ...
    @property
    def jitter_strategy(self) -> JitterStrategy: ...


def invalid(config: object, field: str, value: object, rule: str) -> ValidationError:
    """Return the error that says what a field of a config was given, and what it takes."""
    return ValidationError(f"{type(config).__name__}.{field} was given {value!r}; {rule}.")


def check_duration(owner: str, field: str, value: object) -> None:
    """Raise a ValidationError if it is no Duration."""
    if not isinstance(value, Duration):
        raise ValidationError(
            f"{owner}.{field} was given {value!r}; it takes a Duration, such as Duration.from_seconds(5)."
        )


def check_attempts(config: Attempts) -> None:
    """Raise a ValidationError if the attempts, the delays or the jitter of a strategy are none."""
    attempts = config.max_attempts
    if type(attempts) is not int or attempts < 1:
        raise invalid(config, "max_attempts", attempts, "it takes an int of at least 1")
    check_duration(type(config).__name__, "initial_delay", config.initial_delay)
    check_duration(type(config).__name__, "max_delay", config.max_delay)
    jitter: object = config.jitter_strategy
    if not isinstance(jitter, JitterStrategy):
        raise invalid(config, "jitter_strategy", jitter, "it takes a JitterStrategy")


def check_backoff_rate(config: object, rate: object) -> None:
    """Raise a ValidationError if delays cannot be multiplied by it."""
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise invalid(config, "backoff_rate", rate, "it takes a number")
    if not isfinite(rate) or rate <= 0:
        raise invalid(config, "backoff_rate", rate, "it must be finite and above 0")
