"""CheckpointClient: the two calls that the SDK makes to the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from durable_sdk._updates import UpdateJson
from durable_sdk._wire.invocation import StatePage


@dataclass(frozen=True, slots=True)
class CheckpointOutput:
    """The answer to a checkpoint: the token for the next request, None if there must be none, and
    every operation that has changed since the SDK was last told."""

    checkpoint_token: str | None
    new_execution_state: StatePage


class CheckpointClient(Protocol):
    """The service, as the SDK sees it. Real and simulated clients implement it."""

    def checkpoint(
        self, durable_execution_arn: str, checkpoint_token: str, updates: Sequence[UpdateJson]
    ) -> CheckpointOutput:
        """Record ``updates``, all or none; an empty sequence only asks what is new.

        Raises:
            CheckpointError: the service refused or could not be reached.
        """
        ...

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str
    ) -> StatePage:
        """Return the page of operations at ``next_marker``.

        Raises:
            GetExecutionStateError: the service refused or could not be reached.
        """
        ...
