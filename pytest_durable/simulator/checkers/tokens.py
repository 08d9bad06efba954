"""Tokens: the service accepts each checkpoint token once, and only the one that it gave out last.

A request that repeats its client token is no further use of its checkpoint token: its answer must be that
which the first one got.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_durable.errors import CheckerError
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.records import ExecutionRecord


class TokenChecker(Checker):
    """Follows the tokens of each execution."""

    def __init__(self) -> None:
        self._current: dict[str, str | None] = {}
        self._given: dict[str, set[str]] = {}
        self._answers: dict[str, dict[str, Mapping[str, Any]]] = {}

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        """Take note of the token of a new invocation."""
        self._answers.pop(record.arn, None)
        self._give(record, event["CheckpointToken"])

    def exchanged(
        self,
        record: ExecutionRecord,
        request: Mapping[str, Any],
        answer: Mapping[str, Any] | None,
    ) -> None:
        """Check the token of an accepted request, and take note of the new one."""
        if answer is None:
            return
        client_token = request.get("ClientToken")
        if client_token is not None:
            answers = self._answers.setdefault(record.arn, {})
            if client_token in answers:
                self._check_repeated(client_token, answers[client_token], answer)
                return
            answers[client_token] = answer
        used, current = request["CheckpointToken"], self._current.get(record.arn)
        if used != current:
            raise CheckerError(
                f"The service accepted checkpoint token {used!r} for {record.arn}, "
                f"but the one that it gave out last is {current!r}."
            )
        if "NewExecutionState" in answer:
            self._give(record, answer.get("CheckpointToken"))

    @staticmethod
    def _check_repeated(client_token: str, first: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if first != answer:
            raise CheckerError(
                f"The service answered client token {client_token!r} with {first!r} and then with {answer!r}."
            )

    def _give(self, record: ExecutionRecord, token: str | None) -> None:
        self._current[record.arn] = token
        if token is None:
            return
        given = self._given.setdefault(record.arn, set())
        if token in given:
            raise CheckerError(f"The service gave out checkpoint token {token!r} twice.")
        given.add(token)
