"""Tokens: the service accepts each checkpoint token once, and only the one that it gave out last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_durable.errors import CheckerError
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.records import ExecutionRecord


class TokenChecker(Checker):
    """Follows the tokens of each execution."""

    def __init__(self) -> None:
        self._given: dict[str, str | None] = {}

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        """Take note of the token of a new invocation."""
        self._given[record.arn] = event["CheckpointToken"]

    def exchanged(
        self,
        record: ExecutionRecord,
        request: Mapping[str, Any],
        answer: Mapping[str, Any] | None,
    ) -> None:
        """Check the token of an accepted request, and take note of the new one."""
        if answer is None:
            return
        used, given = request["CheckpointToken"], self._given.get(record.arn)
        if used != given:
            raise CheckerError(
                f"The service accepted checkpoint token {used!r} for {record.arn}, "
                f"but the one that it gave out last is {given!r}."
            )
        if "NewExecutionState" in answer:
            following = answer.get("CheckpointToken")
            if following == given:
                raise CheckerError(f"The service gave out checkpoint token {given!r} twice.")
            self._given[record.arn] = following
