"""The functions that can be invoked, and what is refused before anything runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import corpus
import pytest

from pytest_durable.errors import UsageError
from pytest_durable.simulator.functions import Functions


def plain(event: Any, context: Any) -> Any:
    return event


def test_the_first_known_name_counts() -> None:
    functions = Functions()
    functions.register_plain("f", plain)
    functions.register_durable("f:live", corpus.sequential, "2m", 1)
    found = functions.find(["f:live", "f"])
    assert found is not None
    assert (found.handler, found.is_durable, found.execution_timeout_seconds) == (
        corpus.sequential,
        True,
        120,
    )
    assert functions.find(["f:other", "f"]).handler is plain  # type: ignore[union-attr]
    assert functions.find(["g"]) is None
    assert functions.names == ["f", "f:live"]


def test_a_mapping_tells_durable_and_plain_functions_apart_by_their_decorator() -> None:
    functions = Functions()
    functions.register_all({"durable": corpus.sequential, "plain": plain})
    assert [functions.find([name]).is_durable for name in ("durable", "plain")] == [True, False]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b:c", "arn:aws:lambda:us-east-1:1:function:x", "x" * 65, 3, None]
)
def test_a_name_has_the_form_of_lambda(name: Any) -> None:
    with pytest.raises(UsageError, match="A function is registered under its name"):
        Functions().register_plain(name, plain)


@pytest.mark.parametrize("name", ["f", "my-function_2", "f:$LATEST", "f:$LATEST.PUBLISHED", "f:7", "f:live"])
def test_names_and_qualified_names_are_taken(name: str) -> None:
    functions = Functions()
    functions.register_plain(name, plain)
    assert functions.names == [name]


def test_a_plain_function_is_no_durable_one_and_the_other_way_round() -> None:
    with pytest.raises(UsageError, match="not a durable handler"):
        Functions().register_durable("f", plain, 120, 1)
    with pytest.raises(UsageError, match="Register it with register_durable_function"):
        Functions().register_plain("f", corpus.sequential)
    with pytest.raises(UsageError, match="is a function, got 'text'"):
        Functions().register_plain("f", "text")


@pytest.mark.parametrize("timeout", [0, "soon", -5, timedelta(days=400)])
def test_the_execution_timeout_is_a_duration_within_the_services_limit(timeout: Any) -> None:
    with pytest.raises(UsageError, match="execution_timeout"):
        Functions().register_durable("f", corpus.sequential, timeout, 1)


@pytest.mark.parametrize("days", [0, -1, 1.5, "1"])
def test_the_retention_period_is_a_positive_integer(days: Any) -> None:
    with pytest.raises(UsageError, match="retention_period_days"):
        Functions().register_durable("f", corpus.sequential, 120, days)
