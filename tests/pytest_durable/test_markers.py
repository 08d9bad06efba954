"""The arguments of the marker, decoded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import corpus
import pytest

from durable_sdk.config import Duration
from pytest_durable.errors import UsageError
from pytest_durable.markers import DurableMark, durable_mark
from pytest_durable.simulator.options import DEFAULT_START


class Item:
    """What a test looks like to the marker: its name, and the marker itself."""

    nodeid = "test_it.py::test_it"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._marker = pytest.mark.durable_execution(*args, **kwargs).mark

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self._marker if name == self._marker.name else None


def mark(**arguments: Any) -> DurableMark:
    return durable_mark(Item(**{"handler": corpus.sequential} | arguments))  # type: ignore[arg-type]


def test_everything_but_the_handler_has_a_default() -> None:
    decoded = mark()
    assert decoded.handler is corpus.sequential
    assert decoded.lambda_function_name == "function"
    assert decoded.start_time == DEFAULT_START
    assert (decoded.execution_timeout_seconds, decoded.invocation_timeout_seconds) == (None, 900)
    assert (decoded.skip_time, decoded.virtual_clock, decoded.seed) == (True, True, None)


@pytest.mark.parametrize("duration", ["15m", 900, 900.0, timedelta(minutes=15), Duration.from_minutes(15)])
def test_durations_come_in_every_form(duration: Any) -> None:
    decoded = mark(execution_timeout=duration, invocation_timeout=duration)
    assert decoded.execution_timeout_seconds == decoded.invocation_timeout_seconds == 900


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T13:00:00+01:00",
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 7, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_a_start_is_any_aware_time(moment: Any) -> None:
    assert mark(start_time=moment).start_time == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_error_names_the_test() -> None:
    with pytest.raises(UsageError, match=r"durable_execution of test_it\.py::test_it: seed is an integer"):
        mark(seed="x")


def test_an_execution_timeout_beyond_the_services_maximum_is_refused() -> None:
    with pytest.raises(UsageError, match="execution_timeout"):
        mark(execution_timeout="400d")


def plain(event: Any, context: Any) -> Any:
    return event


def test_functions_to_invoke_are_kept_by_name() -> None:
    functions = {"durable": corpus.waiting, "plain:live": plain}
    assert mark(functions=functions).functions == functions
    assert mark().functions == {}


@pytest.mark.parametrize("functions", [3, [plain], {"a b": plain}, {"f": 3}, {3: plain}])
def test_functions_to_invoke_are_a_mapping_of_names_to_handlers(functions: Any) -> None:
    with pytest.raises(UsageError, match=r"functions is a mapping|registered under its name|is a function"):
        mark(functions=functions)
