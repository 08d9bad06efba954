"""Tokens are base64 text, all different, and only the current one is accepted."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.tokens import check_token, make_token

numbers = st.integers(1, 10**9)


@given(numbers, numbers)
def test_a_token_has_the_form_of_the_services_model(invocation: int, sequence: int) -> None:
    assert base64.b64decode(make_token("execution", invocation, sequence), validate=True)


@given(st.sets(st.tuples(numbers, numbers), max_size=20))
def test_no_two_tokens_of_an_execution_are_equal(pairs: set[tuple[int, int]]) -> None:
    assert len({make_token("execution", *pair) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("current", [None, "other", ""])
def test_any_other_token_is_refused_in_the_services_words(current: str | None) -> None:
    check_token("token", "token")
    with pytest.raises(InvalidParameterValueException) as caught:
        check_token("token", current)
    assert caught.value.message == "Invalid checkpoint token"
