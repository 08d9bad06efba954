"""A callback id stands for one callback, and whatever was not given out is none."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_durable.simulator.service.callbacks import (
    CallbackAnswer,
    CallbackCall,
    make_callback_id,
    parse_callback_id,
    parse_failure,
    parse_heartbeat,
    parse_success,
)
from pytest_durable.simulator.service.errors import InvalidParameterValueException, ResourceNotFoundException

ids = st.text("abcXYZ019_-", min_size=1, max_size=64)
MODEL = re.compile(r"[A-Za-z0-9+/]+={0,2}")

ID = make_callback_id("execution", "operation")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@given(ids, ids, st.sampled_from(CallbackCall))
def test_an_id_says_which_callback_it_is(execution_id: str, operation_id: str, call: CallbackCall) -> None:
    callback_id = make_callback_id(execution_id, operation_id)
    assert MODEL.fullmatch(callback_id)
    assert len(callback_id) <= 1024
    assert parse_callback_id(callback_id, call) == (execution_id, operation_id)


@pytest.mark.parametrize("callback_id", ["", " ", "\t\n"], ids=repr)
def test_a_blank_id_is_refused(callback_id: str) -> None:
    for parse in (
        parse_heartbeat,
        lambda text: parse_success(text, None),
        lambda text: parse_failure(text, None),
    ):
        with pytest.raises(InvalidParameterValueException) as caught:
            parse(callback_id)
        assert caught.value.message == "callback_id is required"


@pytest.mark.parametrize(
    "callback_id",
    [
        "no base64!",
        "abc",
        f"{encoded('e:op').rstrip('=')}",
        f" {ID}",
        f"{ID}\n",
        "A" * 1025,
        "ümlaut",
        encoded("without a colon"),
        encoded("execution:"),
        encoded(":operation"),
        encoded("one:two:three"),
        encoded("execution:no spaces"),
        encoded("execution:ü"),
        encoded(f"execution:{'x' * 65}"),
        # Base64 may carry bits that mean nothing; an id that was given out has none.
        f"{encoded('e:op')[:-3]}B==",
    ],
    ids=repr,
)
@pytest.mark.parametrize("call", CallbackCall)
def test_an_id_that_was_never_given_out_is_not_found(callback_id: str, call: CallbackCall) -> None:
    with pytest.raises(ResourceNotFoundException) as caught:
        parse_callback_id(callback_id, call)
    assert caught.value.message.startswith(f"Failed to process callback {call.value}: ")
    assert "is no callback id" in caught.value.message


@pytest.mark.parametrize(
    ("result", "text"),
    [(None, None), (b"", None), (b"yes", "yes"), ('"jä"'.encode(), '"jä"'), (b"null", "null")],
)
def test_a_result_is_text_and_an_empty_one_is_none(result: bytes | None, text: str | None) -> None:
    assert parse_success(ID, result) == CallbackAnswer(CallbackCall.SUCCESS, "execution", "operation", text)


def test_a_result_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ResourceNotFoundException, match=r"Failed to process callback success: .*not UTF-8"):
        parse_success(ID, b"\xff")


@pytest.mark.parametrize("error", [None, {}, {"ErrorType": "E"}])
def test_a_failure_without_an_error_has_an_empty_one(error: dict[str, str] | None) -> None:
    answer = parse_failure(ID, error)
    assert answer == CallbackAnswer(CallbackCall.FAILURE, "execution", "operation", None, error or {})


def test_a_heartbeat_says_nothing_but_that() -> None:
    assert parse_heartbeat(ID) == CallbackAnswer(CallbackCall.HEARTBEAT, "execution", "operation")
