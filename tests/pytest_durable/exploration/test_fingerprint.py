"""Failures of one cause have one fingerprint, whatever varies from run to run."""

from __future__ import annotations

import pytest

from pytest_durable.exploration.fingerprint import failure_of, normalised
from pytest_durable.exploration.trial import Failure


def is_users(path: str) -> bool:
    return path == __file__


def raising(kind: type[Exception], message: str) -> None:
    raise kind(message)


def asserting(message: str) -> None:
    raise AssertionError(message)


def failed(call: object, *arguments: object) -> Failure:
    try:
        call(*arguments)  # type: ignore[operator]
    except Exception as error:
        return failure_of(error, is_users)
    raise AssertionError("it has not failed")


def test_numbers_and_ids_in_the_message_do_not_count() -> None:
    one = failed(asserting, "invocation 3 charged twice at 2026-01-01T00:00:05Z")
    two = failed(asserting, "invocation 12 charged twice at 2026-01-03 10:20:00.5+00:00")
    assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (raising, (ValueError, "charged twice")),
        (asserting, ("shipped twice",)),
        (raising, (AssertionError, "charged twice")),
    ],
)
def test_another_type_message_or_place_is_another_cause(call: object, arguments: tuple[object, ...]) -> None:
    assert failed(call, *arguments).fingerprint != failed(asserting, "charged twice").fingerprint


def test_what_is_below_the_first_line_of_a_message_shows_values_only() -> None:
    assert (
        failed(asserting, "charged twice\n - a").fingerprint
        == failed(asserting, "charged twice\n + b").fingerprint
    )


def test_where_a_package_raises_counts_as_the_line_of_the_user_that_called_it() -> None:
    def one() -> None:
        int("x")

    def other() -> None:
        int("x")

    assert failed(one).fingerprint != failed(other).fingerprint


def test_an_error_that_no_line_of_the_user_raised_has_one_all_the_same() -> None:
    assert failed(int, "x").fingerprint == failed(int, "x").fingerprint
    assert failed(int, "x").fingerprint != failed(float, "x").fingerprint


def test_a_failure_has_a_line_and_all_of_its_text() -> None:
    failure = failed(asserting, "charged twice\nby 2 invocations")
    assert failure.summary == "AssertionError: charged twice"
    assert "by 2 invocations" in failure.details
    assert "asserting" in failure.details


def test_an_error_without_a_message_is_its_type() -> None:
    assert failed(asserting, "").summary == "AssertionError"


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("step 3 of 12.5 s", "step # of # s"),
        ("id 123e4567-e89b-12d3-a456-426614174000!", "id #!"),
        ("at 0x7f3a2c", "at #"),
        ("digest a1b2c3d4e5f6a7b8", "digest #"),
        ("no number, deadbeefcafe", "no number, deadbeefcafe"),
    ],
)
def test_what_varies_is_marked(message: str, left: str) -> None:
    assert normalised(message) == left
