"""Identifiers have the service's forms and depend on the seed and on what they name alone."""

from __future__ import annotations

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.simulator.identifiers import FunctionVersion, Identifiers, execution_arn

FUNCTION = FunctionVersion("orders")


def all_of(seed: int) -> list[str]:
    identifiers = Identifiers(seed)
    return [
        identifiers.execution_name(1),
        identifiers.execution_name(2),
        identifiers.execution_id(FUNCTION, "a", 1),
        identifiers.execution_id(FUNCTION, "a", 2),
        identifiers.execution_id(FUNCTION, "b", 1),
        identifiers.execution_id(FunctionVersion("orders", "7"), "a", 1),
        identifiers.request_id("id", 1),
        identifiers.request_id("id", 2),
    ]


@given(st.integers())
def test_identifiers_repeat_and_are_distinct(seed: int) -> None:
    assert all_of(seed) == all_of(seed)
    assert len({*all_of(seed), *all_of(seed + 1)}) == 16


@given(st.integers())
def test_identifiers_are_version_4_uuids(seed: int) -> None:
    assert {uuid.UUID(text).version for text in all_of(seed)} == {4}


def test_the_arn_of_a_function_is_qualified() -> None:
    assert FUNCTION.arn == "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST"
    assert FunctionVersion("orders", "7").arn.endswith(":function:orders:7")


def test_the_arn_of_an_execution_has_the_form_of_the_services_model() -> None:
    arn = execution_arn(FUNCTION, "order-1", "id-1")
    pattern = (
        r"arn:([a-zA-Z0-9-]+):lambda:([a-zA-Z0-9-]+):(\d{12}):function:([a-zA-Z0-9_-]+):"
        r"(\$LATEST(?:\.PUBLISHED)?|[0-9]+)/durable-execution/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)"
    )
    matched = re.fullmatch(pattern, arn)
    assert matched is not None
    assert matched.group(4, 5, 6, 7) == ("orders", "$LATEST", "order-1", "id-1")


def test_the_arn_of_an_execution_holds_the_version_and_no_alias() -> None:
    """So says the service's model, and an alias may stand for another version tomorrow."""
    by_alias = FunctionVersion("orders", "7", "live")
    assert execution_arn(by_alias, "a", "b") == execution_arn(FunctionVersion("orders", "7"), "a", "b")
    assert by_alias.arn.endswith(":function:orders:live")
