"""Markers: their arguments, checked before anything runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk._duration import LONGEST_DELAY_SECONDS
from pytest_durable.durations import DurationLike, to_whole_seconds
from pytest_durable.errors import UsageError
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.invocation import Handler, demand_durable
from pytest_durable.simulator.options import DEFAULT_INVOCATION_TIMEOUT_SECONDS, DEFAULT_START, MODES
from pytest_durable.simulator.service.limits import Limits

DURABLE_EXECUTION = "durable_execution"

# What Lambda takes as the name of a function.
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

SCHEDULES = ("in-order", "random")

# A function is called "function" in the ARNs of a test that names none.
DEFAULT_FUNCTION_NAME = "function"


@dataclass(frozen=True, slots=True)
class DurableMark:
    """The arguments of ``@pytest.mark.durable_execution``."""

    handler: Handler
    lambda_function_name: str
    functions: dict[str, Callable[[Any, Any], Any]]
    start_time: datetime
    execution_timeout_seconds: int | None
    invocation_timeout_seconds: int
    skip_time: bool
    virtual_clock: bool
    limits: Limits
    seed: int | None
    schedule: str
    replay_check: str | None
    mode: str | None


@durable_execution
def _elsewhere(event: Any, context: DurableContext) -> Any:
    """Stand for a handler that is only known where it is deployed."""
    raise NotImplementedError("The handler of this test is not known here: its marker has no handler=.")


def durable_mark(item: pytest.Item, *, needs_handler: bool = True) -> DurableMark:
    """Return the checked marker of a test. A handler that runs elsewhere need not be there.

    Raises:
        UsageError: there is none, or an argument is wrong; it names the argument and the test.
    """
    marker = item.get_closest_marker(DURABLE_EXECUTION)
    if marker is None:
        raise UsageError(missing_mark(item))
    given = marker.kwargs
    needs_handler = needs_handler and given.get("mode") != "cloud"
    if not needs_handler and given.get("handler") is None:
        given = {**given, "handler": _elsewhere}
    try:
        return _parse(*marker.args, **given)
    except UsageError as error:
        raise UsageError(f"@pytest.mark.durable_execution of {item.nodeid}: {error}") from None
    except TypeError:
        known = ", ".join(inspect.signature(_parse).parameters)
        names = [*map(repr, marker.args), *marker.kwargs]
        raise UsageError(
            f"@pytest.mark.durable_execution of {item.nodeid} takes the keyword arguments {known}; "
            f"got {', '.join(names) or 'nothing'}."
        ) from None


def missing_mark(item: pytest.Item) -> str:
    """Return what is said of a test that needs the marker and has none."""
    return (
        f"{item.nodeid} uses durable_runner without a marker. "
        "Add @pytest.mark.durable_execution(handler=...)."
    )


def _parse(
    *,
    handler: Any = None,
    lambda_function_name: str | None = None,
    functions: Mapping[str, Callable[[Any, Any], Any]] | None = None,
    start_time: datetime | str = DEFAULT_START,
    execution_timeout: DurationLike | None = None,
    invocation_timeout: DurationLike = DEFAULT_INVOCATION_TIMEOUT_SECONDS,
    skip_time: bool = True,
    clock: str = "virtual",
    limits: Mapping[str, int] | None = None,
    seed: int | None = None,
    schedule: str = "in-order",
    replay_check: str | None = None,
    mode: str | None = None,
) -> DurableMark:
    _check("lambda_function_name", lambda_function_name, str | None, "a text")
    _check("skip_time", skip_time, bool, "True or False")
    _check("limits", limits, Mapping | None, "a mapping of names to integers")
    if seed is not None and type(seed) is not int:
        raise UsageError(f"seed is an integer, got {seed!r}.")
    execution_timeout_seconds = None
    if execution_timeout is not None:
        execution_timeout_seconds = _timeout("execution_timeout", execution_timeout, LONGEST_DELAY_SECONDS)
    return DurableMark(
        handler=_durable_handler(handler),
        lambda_function_name=_function_name(lambda_function_name),
        functions=_functions(functions),
        start_time=_aware(start_time),
        execution_timeout_seconds=execution_timeout_seconds,
        invocation_timeout_seconds=_timeout(
            "invocation_timeout", invocation_timeout, DEFAULT_INVOCATION_TIMEOUT_SECONDS
        ),
        skip_time=skip_time,
        virtual_clock=_one_of("clock", clock, ("virtual", "real")) == "virtual",
        limits=Limits.overridden(limits or {}),
        seed=seed,
        schedule=_one_of("schedule", schedule, SCHEDULES),
        replay_check=None if replay_check is None else _one_of("replay_check", replay_check, MODES),
        mode=None if mode is None else _one_of("mode", mode, ("local", "cloud")),
    )


def _check(name: str, value: object, kind: Any, expected: str) -> None:
    if not isinstance(value, kind):
        raise UsageError(f"{name} is {expected}, got {value!r}.")


def _timeout(name: str, timeout: DurationLike, maximum_seconds: int) -> int:
    seconds = to_whole_seconds(timeout, name)
    if seconds > maximum_seconds:
        raise UsageError(f"{name} is at most {maximum_seconds} seconds, got {timeout!r}.")
    return seconds


def _function_name(name: str | None) -> str:
    if name is None:
        return DEFAULT_FUNCTION_NAME
    if not _FUNCTION_NAME.fullmatch(name):
        raise UsageError(
            f"lambda_function_name has 1 to 64 letters, digits, hyphens and underscores, got {name!r}."
        )
    return name


def _functions(functions: Any) -> dict[str, Callable[[Any, Any], Any]]:
    _check("functions", functions, Mapping | None, "a mapping of names to handlers")
    handlers = dict(functions or {})
    # Found wrong here, before anything runs.
    Functions().register_all(handlers)
    return handlers


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise UsageError(f"{name} is one of {', '.join(map(repr, allowed))}, got {value!r}.")
    return value


def _durable_handler(handler: Any) -> Callable[[Any, Any], Any]:
    if handler is None:
        raise UsageError("handler is missing: the function decorated with @durable_execution.")
    demand_durable(handler)
    result: Callable[[Any, Any], Any] = handler
    return result


def _aware(moment: datetime | str) -> datetime:
    if not isinstance(moment, datetime):
        try:
            moment = datetime.fromisoformat(moment)
        except (TypeError, ValueError):
            raise UsageError(
                f"start_time is an aware datetime or ISO text such as '2026-01-01T00:00:00Z', got {moment!r}."
            ) from None
    if moment.tzinfo is None:
        raise UsageError(f"start_time needs a time zone, such as '2026-01-01T00:00:00Z', got {moment!r}.")
    return moment.astimezone(UTC)
