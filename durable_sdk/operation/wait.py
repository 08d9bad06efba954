"""Waits: the service counts the time, no invocation runs meanwhile."""

from __future__ import annotations

from durable_sdk import _updates
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Begin, Completed, Decision, Suspend

_ENDED: Completed[None] = Completed(None)


class WaitOperation:
    """A wait of ``seconds``."""

    __slots__ = ("_seconds", "identifier")

    def __init__(self, identifier: OperationIdentifier, seconds: int) -> None:
        self.identifier = identifier
        self._seconds = seconds

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[None]:
        """Begin, or suspend until the time that the service recorded, or go on."""
        if recorded is None:
            return Begin(_updates.start_wait(self.identifier, self._seconds), synchronous=True)
        if recorded.is_terminal:
            return _ENDED
        return Suspend(
            f"Wait {self.identifier.label} has not ended.",
            recorded.scheduled_end_at,
        )
