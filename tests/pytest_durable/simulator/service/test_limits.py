"""Limits have the service's values unless a test replaces them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.simulator.service.limits import Limits, fits


def test_the_values_are_the_services() -> None:
    limits = Limits()
    assert limits.checkpoint_payload_bytes == 6_291_456
    assert limits.checkpoint_error_bytes == 32_768
    assert limits.checkpoint_updates == 250
    assert limits.delay_seconds == 31_622_400
    assert (limits.callback_result_bytes, limits.invoke_payload_bytes) == (1_048_576, 1_048_576)
    assert limits.callback_timeout_seconds == 99_999_999
    assert limits.function_name_characters == 256
    assert (limits.history_page_items, limits.history_page_items_max) == (100, 1000)
    assert limits.name_characters == 256
    assert limits.state_page_items == 1000
    assert (limits.failed_invocations, limits.invalid_pending_answers, limits.retry_seconds) == (5, 3, 5)


def test_overrides_replace_what_they_name_only() -> None:
    limits = Limits.overridden({"checkpoint_payload_bytes": 1000})
    assert limits.checkpoint_payload_bytes == 1000
    assert limits.checkpoint_updates == Limits().checkpoint_updates
    assert Limits.overridden({}) == Limits()


def test_an_unknown_limit_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UsageError) as caught:
        Limits.overridden({"payload": 1})
    assert "there is no limit 'payload'" in str(caught.value)
    assert all(field.name in str(caught.value) for field in fields(Limits))


@pytest.mark.parametrize("value", [0, -1, "1000", 1.5, None, True])
def test_a_limit_is_a_positive_integer(value: Any) -> None:
    with pytest.raises(UsageError, match="'retry_seconds' is a positive integer"):
        Limits.overridden({"retry_seconds": value})


@pytest.mark.parametrize(
    ("text", "limit_bytes", "expected"),
    [
        ("", 0, True),
        ("abc", 3, True),
        ("abc", 2, False),
        ("ä", 2, True),
        ("ä", 1, False),
        ("\ud800", 3, True),
    ],
)
def test_a_text_is_measured_in_bytes_of_utf8(text: str, limit_bytes: int, expected: bool) -> None:
    assert fits(text, limit_bytes) is expected
