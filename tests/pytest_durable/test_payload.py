"""Inputs become the text that the service stores."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.errors import UsageError
from pytest_durable.payload import encode_input

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values.filter(lambda value: value is not None and not isinstance(value, str)))
def test_a_json_value_is_encoded(value: Any) -> None:
    encoded = encode_input(value)
    assert encoded is not None
    assert json.loads(encoded) == value


@given(json_values)
def test_text_that_is_json_passes_as_it_is(value: Any) -> None:
    text = json.dumps(value, indent=1)
    assert encode_input(text) == text


@pytest.mark.parametrize("text", ["", "hello", "{", "{'a': 1}", "[1,"])
def test_other_text_is_encoded(text: str) -> None:
    assert encode_input(text) == json.dumps(text)


def test_no_input_stays_none() -> None:
    assert encode_input(None) is None


NOT_JSON = [object(), {1, 2}, b"bytes", math.nan, math.inf, {"when": ...}, {(1, 2): 3}]


@pytest.mark.parametrize("value", NOT_JSON, ids=lambda value: type(value).__name__)
def test_what_is_not_json_is_refused_with_the_value(value: Any) -> None:
    with pytest.raises(UsageError, match="input must be JSON"):
        encode_input(value)


def test_an_input_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UsageError, match="Circular"):
        encode_input(endless)


def test_an_input_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UsageError, match="input must be JSON"):
        encode_input(deep)


@pytest.mark.parametrize("text", ["NaN", "Infinity", '{"a": -Infinity}'])
def test_text_that_only_python_takes_for_json_is_encoded(text: str) -> None:
    assert encode_input(text) == json.dumps(text)
