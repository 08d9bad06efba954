"""The check that the service accepts the token that it gave out last, once."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from pytest_durable.errors import CheckerError
from pytest_durable.simulator.checkers.tokens import TokenChecker


def answer(token: str | None) -> dict[str, Any]:
    return {"NewExecutionState": {}, **({} if token is None else {"CheckpointToken": token})}


@pytest.fixture
def checker(record: Any) -> TokenChecker:
    checker = TokenChecker()
    checker.invoked(record, {"CheckpointToken": "1"})
    return checker


def test_a_chain_of_tokens_passes(checker: TokenChecker, record: Any) -> None:
    checker.exchanged(record, {"CheckpointToken": "1"}, answer("2"))
    checker.exchanged(record, {"CheckpointToken": "2", "Marker": "m"}, {"Operations": []})
    checker.exchanged(record, {"CheckpointToken": "2"}, answer(None))


def test_it_fails_when_a_stale_token_is_accepted(checker: TokenChecker, record: Any) -> None:
    checker.exchanged(record, {"CheckpointToken": "1"}, answer("2"))
    with pytest.raises(CheckerError, match="accepted checkpoint token '1' for arn:order-1"):
        checker.exchanged(record, {"CheckpointToken": "1"}, answer("3"))


def test_it_fails_when_a_token_of_an_earlier_invocation_is_accepted(
    checker: TokenChecker, record: Any
) -> None:
    checker.invoked(record, {"CheckpointToken": "9"})
    with pytest.raises(CheckerError, match="gave out last is '9'"):
        checker.exchanged(record, {"CheckpointToken": "1"}, answer("2"))


def test_it_fails_when_a_token_is_accepted_after_the_end(checker: TokenChecker, record: Any) -> None:
    checker.exchanged(record, {"CheckpointToken": "1"}, answer(None))
    with pytest.raises(CheckerError, match="gave out last is None"):
        checker.exchanged(record, {"CheckpointToken": "1"}, answer("2"))


def test_it_fails_when_a_token_is_given_out_twice(checker: TokenChecker, record: Any) -> None:
    with pytest.raises(CheckerError, match="gave out checkpoint token '1' twice"):
        checker.exchanged(record, {"CheckpointToken": "1"}, answer("1"))


def test_it_fails_when_an_older_token_is_given_out_again(checker: TokenChecker, record: Any) -> None:
    checker.exchanged(record, {"CheckpointToken": "1"}, answer("2"))
    with pytest.raises(CheckerError, match="twice"):
        checker.exchanged(record, {"CheckpointToken": "2"}, answer("1"))


def test_a_request_that_repeats_its_client_token_passes_with_the_same_answer(
    checker: TokenChecker, record: Any
) -> None:
    request = {"CheckpointToken": "1", "ClientToken": "c"}
    checker.exchanged(record, request, answer("2"))
    checker.exchanged(record, request, answer("2"))
    checker.exchanged(record, {"CheckpointToken": "2"}, answer("3"))
    checker.exchanged(record, request, answer("2"))
    with pytest.raises(CheckerError, match="answered client token 'c' with"):
        checker.exchanged(record, request, answer("4"))


def test_a_client_token_means_nothing_to_the_next_invocation(checker: TokenChecker, record: Any) -> None:
    checker.exchanged(record, {"CheckpointToken": "1", "ClientToken": "c"}, answer("2"))
    checker.invoked(record, {"CheckpointToken": "9"})
    with pytest.raises(CheckerError, match="gave out last is '9'"):
        checker.exchanged(record, {"CheckpointToken": "2", "ClientToken": "c"}, answer("2"))


def test_a_refused_request_proves_nothing(checker: TokenChecker, record: Any) -> None:
    checker.exchanged(record, {"CheckpointToken": "stale"}, None)
    checker.exchanged(record, {"CheckpointToken": "1"}, answer("2"))


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_it_passes_on_the_corpus(case: corpus.Case) -> None:
    assert corpus.run_watched(case, TokenChecker()).closed
