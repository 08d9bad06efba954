"""When a batch has ended: how its branches stand in, the reason out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from durable_sdk._wording import shown
from durable_sdk.exceptions import ValidationError


class BatchItemStatus(Enum):
    """How a branch ended; STARTED ones had not when the batch did, and were abandoned."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STARTED = "STARTED"


class CompletionReason(Enum):
    """Why a batch ended."""

    ALL_COMPLETED = "ALL_COMPLETED"
    MIN_SUCCESSFUL_REACHED = "MIN_SUCCESSFUL_REACHED"
    FAILURE_TOLERANCE_EXCEEDED = "FAILURE_TOLERANCE_EXCEEDED"
    CUSTOM_COMPLETION_SUCCEEDED = "CUSTOM_COMPLETION_SUCCEEDED"
    CUSTOM_COMPLETION_FAILED = "CUSTOM_COMPLETION_FAILED"


class CompletionOutcome(Enum):
    """What a ``should_complete`` function makes of the batch that it ends."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class CompletionDecision:
    """What a ``should_complete`` function returns; `complete_batch` and `continue_batch` make it.

    Raises:
        ValidationError: it completes the batch without an outcome, or has one without completing it.
    """

    complete: bool
    outcome: CompletionOutcome | None = None

    def __post_init__(self) -> None:
        if self.outcome is not None and not isinstance(self.outcome, CompletionOutcome):
            raise ValidationError(
                f"CompletionDecision.outcome was given {shown(self.outcome)}; it takes a CompletionOutcome."
            )
        if self.complete and self.outcome is None:
            raise ValidationError("CompletionDecision: a batch that completes needs an outcome.")
        if not self.complete and self.outcome is not None:
            raise ValidationError(
                f"CompletionDecision: a batch that goes on has no outcome, got {self.outcome.name}."
            )


def complete_batch(outcome: CompletionOutcome = CompletionOutcome.SUCCEEDED) -> CompletionDecision:
    """Return the decision that the batch ends now; branches that still run are abandoned."""
    return CompletionDecision(True, outcome)


_CONTINUE = CompletionDecision(False)


def continue_batch() -> CompletionDecision:
    """Return the decision that the batch goes on."""
    return _CONTINUE


@dataclass(frozen=True, slots=True)
class CompletionItemStatus:
    """One branch as it stands. ``status`` is None before it starts, STARTED while it runs or waits.

    ``name`` is the name that the handler gave it, None if it gave none.
    """

    index: int
    name: str | None = None
    status: BatchItemStatus | None = None


@dataclass(frozen=True, slots=True)
class CompletionStatus:
    """A batch as it stands. ``items`` has every branch in order, those not started yet included."""

    success_count: int
    failure_count: int
    completed_count: int
    total_count: int
    items: tuple[CompletionItemStatus, ...] = ()


ShouldComplete = Callable[[CompletionStatus], CompletionDecision]
"""Decides whether a batch ends. Asked before the first branch starts and after each change of a branch;
a replay asks again, so it must depend on nothing else, and never take back that a batch is complete."""


class Criteria(Protocol):
    """What a batch is told about its completion: the fields of a CompletionConfig."""

    @property
    def min_successful(self) -> int | None: ...
    @property
    def tolerated_failure_count(self) -> int | None: ...
    @property
    def tolerated_failure_percentage(self) -> float | None: ...
    @property
    def should_complete(self) -> ShouldComplete | None: ...


@dataclass(frozen=True, slots=True)
class CompletionPolicy:
    """The completion criteria of a batch of ``total`` branches, those never started included."""

    total: int
    min_successful: int | None = None
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: float | None = None
    should_complete: ShouldComplete | None = None

    @classmethod
    def from_config(cls, config: Criteria, total: int) -> CompletionPolicy:
        """Return the policy that ``config`` means for ``total`` branches."""
        return cls(
            total,
            config.min_successful,
            config.tolerated_failure_count,
            config.tolerated_failure_percentage,
            config.should_complete,
        )

    def evaluate(
        self, succeeded: int, failed: int, items: Sequence[CompletionItemStatus] = ()
    ) -> CompletionReason | None:
        """Return why a batch with these counts has ended, None if it goes on.

        ``items`` is for ``should_complete`` alone, whatever it raises comes out.
        """
        if self.should_complete is not None:
            return self._ask(self.should_complete, succeeded, failed, items)
        # The order is part of the contract: a batch that breaks its tolerance with its last branch
        # failed, and one that reaches its minimum with its last branch simply ran to its end.
        if self._tolerance_is_broken(failed):
            return CompletionReason.FAILURE_TOLERANCE_EXCEEDED
        if succeeded + failed >= self.total:
            return CompletionReason.ALL_COMPLETED
        if self.min_successful is not None and succeeded >= self.min_successful:
            return CompletionReason.MIN_SUCCESSFUL_REACHED
        return None

    def _ask(
        self,
        should_complete: ShouldComplete,
        succeeded: int,
        failed: int,
        items: Sequence[CompletionItemStatus],
    ) -> CompletionReason | None:
        status = CompletionStatus(succeeded, failed, succeeded + failed, self.total, tuple(items))
        decision: object = should_complete(status)
        if decision is None:
            # A function that returns nothing has nothing against going on.
            decision = _CONTINUE
        if not isinstance(decision, CompletionDecision):
            raise TypeError(
                f"should_complete returned {shown(decision)}; "
                "it returns complete_batch(...) or continue_batch()."
            )
        if decision.outcome is CompletionOutcome.FAILED:
            return CompletionReason.CUSTOM_COMPLETION_FAILED
        if decision.complete:
            return CompletionReason.CUSTOM_COMPLETION_SUCCEEDED
        return CompletionReason.ALL_COMPLETED if succeeded + failed >= self.total else None

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
