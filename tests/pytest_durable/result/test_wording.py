"""Durations, words and values, as people read them."""

from __future__ import annotations

import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.result.wording import error_text, kind_of, passing, shortened, span

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (30, "30s"),
        (0.25, "0.25s"),
        (60, "1m"),
        (3_661, "1h 1m 1s"),
        (2 * 86_400 + 3 * 3_600, "2d 3h"),
        (-5, "-5s"),
    ],
)
def test_a_span_is_short_and_exact(seconds: float, text: str) -> None:
    assert span(round(seconds * SECOND)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second passes"),
        (5, "5 seconds pass"),
        (1.5, "1.5 seconds pass"),
        (30 * 86_400, "30 days pass"),
        (86_400 + 60, "1 day 1 minute pass"),
    ],
)
def test_passing_time_is_written_out(seconds: float, text: str) -> None:
    assert passing(round(seconds * SECOND)) == text


def test_a_text_that_fits_is_not_cut() -> None:
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 57 + "..."
    assert shortened("a\n\n  b") == "a b"
    assert len(shortened("a" + " " * 10_000 + "b")) <= 60


@pytest.mark.parametrize(
    ("operation_type", "sub_type", "word"),
    [
        (OperationType.STEP, "Step", "step"),
        (OperationType.STEP, None, "step"),
        (OperationType.STEP, "WaitForCondition", "wait for condition"),
        (OperationType.CONTEXT, "RunInChildContext", "context"),
        (OperationType.CONTEXT, "MapIteration", "map iteration"),
        (OperationType.CHAINED_INVOKE, "ChainedInvoke", "invoke"),
    ],
)
def test_an_operation_is_called_what_the_handler_wrote(
    operation_type: OperationType, sub_type: str | None, word: str
) -> None:
    assert kind_of(operation_type, sub_type) == word


def test_an_error_is_told_as_far_as_it_has_members() -> None:
    assert error_text({"ErrorType": "E", "ErrorMessage": "m"}) == "E: m"
    assert error_text({"ErrorMessage": "m"}) == "m"
    assert error_text({}) == "an error without a message"
