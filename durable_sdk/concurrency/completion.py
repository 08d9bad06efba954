"""When a batch has ended: counts in, the reason out."""

from __future__ import annotations

from dataclasses import dataclass

from durable_sdk.concurrency.models import CompletionReason
from durable_sdk.config import CompletionConfig


@dataclass(frozen=True, slots=True)
class CompletionPolicy:
    """The completion criteria of a batch of ``total`` branches, those never started included."""

    total: int
    min_successful: int | None = None
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: float | None = None

    @classmethod
    def from_config(cls, config: CompletionConfig, total: int) -> CompletionPolicy:
        """Return the policy that ``config`` means for ``total`` branches."""
        return cls(
            total,
            config.min_successful,
            config.tolerated_failure_count,
            config.tolerated_failure_percentage,
        )

    def evaluate(self, succeeded: int, failed: int) -> CompletionReason | None:
        """Return why a batch with these counts has ended, None if it goes on."""
        # The order is part of the contract: a batch that breaks its tolerance with its last branch
        # failed, and one that reaches its minimum with its last branch simply ran to its end.
        if self._tolerance_is_broken(failed):
            return CompletionReason.FAILURE_TOLERANCE_EXCEEDED
        if succeeded + failed >= self.total:
            return CompletionReason.ALL_COMPLETED
        if self.min_successful is not None and succeeded >= self.min_successful:
            return CompletionReason.MIN_SUCCESSFUL_REACHED
        return None

    def _tolerance_is_broken(self, failed: int) -> bool:
        if not failed:
            return False
        count, percentage = self.tolerated_failure_count, self.tolerated_failure_percentage
        if count is None and percentage is None:
            # A minimum alone says nothing about failures; no criteria at all tolerate none.
            return self.min_successful is None
        return (count is not None and failed > count) or (
            percentage is not None and 100 * failed / self.total > percentage
        )
