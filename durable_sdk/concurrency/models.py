"""The result of a batch of branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from durable_sdk._wire.errors import ErrorObject, rebuild_error
from durable_sdk.concurrency.completion import (
    BatchItemStatus,
    CompletionItemStatus,
    CompletionPolicy,
    CompletionReason,
    Criteria,
)
from durable_sdk.exceptions import (
    ChildContextError,
    DurableOperationError,
    SerDesError,
    register_operation_error,
)

__all__ = ["BatchCompletionError", "BatchItem", "BatchItemStatus", "BatchResult", "CompletionReason"]

R = TypeVar("R")


class BatchCompletionError(DurableOperationError):
    """A ``should_complete`` function ended the batch as failed; ``completion_reason`` is the batch's."""

    def __init__(
        self,
        completion_reason: CompletionReason = CompletionReason.CUSTOM_COMPLETION_FAILED,
        message: str | None = None,
        error_type: str | None = None,
        data: str | None = None,
        stack_trace: list[str] | None = None,
    ) -> None:
        super().__init__(message, error_type, data, stack_trace)
        self.completion_reason = completion_reason

    @classmethod
    def from_error_fields(
        cls,
        error_type: str | None,
        message: str | None,
        data: str | None,
        stack_trace: list[str] | None,
    ) -> BatchCompletionError:
        """Rebuild it from the members that the service stores, which the reason is not among."""
        return cls(CompletionReason.CUSTOM_COMPLETION_FAILED, message, error_type, data, stack_trace)


register_operation_error(BatchCompletionError)


# Without slots: BatchItem[int](...) sets an attribute on what it makes, and on Python 3.11 a frozen
# dataclass with slots answers that with a TypeError.
@dataclass(frozen=True)
class BatchItem(Generic[R]):
    """One branch: its position among all, how it ended, and its result or its error."""

    index: int
    status: BatchItemStatus
    result: R | None = None
    error: ErrorObject | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the stored form. The result stays what it is."""
        return {
            "index": self.index,
            "status": self.status.value,
            "result": self.result,
            "error": None if self.error is None else self.error.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BatchItem[R]:
        """Read the stored form.

        Raises:
            SerDesError: it is not one.
        """
        index, error = data.get("index"), data.get("error")
        if type(index) is not int or index < 0:
            raise SerDesError(f"A batch item has the index {index!r}, which is no position.")
        if error is not None and not isinstance(error, Mapping):
            raise SerDesError(f"Batch item {index} has the error {error!r}, which is not an object.")
        return cls(
            index,
            _member(BatchItemStatus, data.get("status"), f"status of batch item {index}"),
            data.get("result"),
            None if error is None else ErrorObject.from_dict(dict(error)),
        )


@dataclass(frozen=True)
class BatchResult(Generic[R]):
    """What became of each branch of a batch.

    ``all`` holds the branches that were started, in their order; those that the batch ended before
    starting are missing. ``completion_reason`` tells why it ended.
    """

    all: list[BatchItem[R]]
    completion_reason: CompletionReason

    @property
    def success_count(self) -> int:
        """How many branches succeeded."""
        return len(self.succeeded())

    @property
    def failure_count(self) -> int:
        """How many branches failed."""
        return len(self.failed())

    @property
    def started_count(self) -> int:
        """How many branches were still unfinished."""
        return len(self.started())

    @property
    def total_count(self) -> int:
        """How many branches were started."""
        return len(self.all)

    @property
    def has_failure(self) -> bool:
        """Whether a branch failed."""
        return any(item.status is BatchItemStatus.FAILED for item in self.all)

    @property
    def status(self) -> BatchItemStatus:
        """What ``should_complete`` decided, if it did; else FAILED if a branch failed, or SUCCEEDED."""
        if self.completion_reason is CompletionReason.CUSTOM_COMPLETION_SUCCEEDED:
            return BatchItemStatus.SUCCEEDED
        if self.completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED or self.has_failure:
            return BatchItemStatus.FAILED
        return BatchItemStatus.SUCCEEDED

    def succeeded(self) -> list[BatchItem[R]]:
        """Return the branches that succeeded."""
        return self._with_status(BatchItemStatus.SUCCEEDED)

    def failed(self) -> list[BatchItem[R]]:
        """Return the branches that failed."""
        return self._with_status(BatchItemStatus.FAILED)

    def started(self) -> list[BatchItem[R]]:
        """Return the branches that were still unfinished."""
        return self._with_status(BatchItemStatus.STARTED)

    def get_results(self) -> list[R]:
        """Return the results of the branches that succeeded, None where a branch returned None."""
        # The cast is Any's: a branch whose R includes None has None as a proper result.
        results: list[Any] = [item.result for item in self.succeeded()]
        return results

    def get_errors(self) -> list[ErrorObject | None]:
        """Return the errors of the branches that failed, None where none was stored."""
        return [item.error for item in self.failed()]

    def throw_if_error(self) -> None:
        """Raise the error of the first branch that failed, or else that the batch was ended as failed.

        Raises:
            ChildContextError: the branch failed.
            SerDesError: it failed because a value could not be stored or read.
            BatchCompletionError: no branch failed, but ``should_complete`` ended the batch as failed.
        """
        for item in self.failed():
            if item.error is None:
                raise ChildContextError(f"Batch item {item.index} failed without an ErrorObject.")
            raise rebuild_error(item.error, ChildContextError)
        if self.completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED:
            raise BatchCompletionError(
                self.completion_reason,
                f"Batch completed as failed by should_complete ({self.completion_reason.value})",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the stored form. The results stay what they are."""
        return {
            "all": [item.to_dict() for item in self.all],
            "completionReason": self.completion_reason.value,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], completion_config: Criteria | None = None) -> BatchResult[R]:
        """Read the stored form. Without a completion reason it is inferred, as by `from_items`.

        Raises:
            SerDesError: it is not one.
        """
        entries = data.get("all")
        if not isinstance(entries, list) or not all(isinstance(item, Mapping) for item in entries):
            raise SerDesError(f"A batch result has the items {entries!r:.200}, not a list of objects.")
        items = [BatchItem[R].from_dict(entry) for entry in entries]
        stored = data.get("completionReason")
        if stored is None:
            return cls.from_items(items, completion_config)
        return cls(items, _member(CompletionReason, stored, "completion reason of a batch result"))

    @classmethod
    def from_items(
        cls, items: list[BatchItem[R]], completion_config: Criteria | None = None
    ) -> BatchResult[R]:
        """Return the result of a batch whose reason is not known: the one that its items make likely."""
        statuses = [item.status for item in items]
        succeeded = statuses.count(BatchItemStatus.SUCCEEDED)
        failed = statuses.count(BatchItemStatus.FAILED)
        policy = CompletionPolicy(len(items))
        if completion_config is not None:
            policy = CompletionPolicy.from_config(completion_config, len(items))
        seen = [CompletionItemStatus(item.index, None, item.status) for item in items]
        reason = policy.evaluate(succeeded, failed, seen)
        return cls(items, reason or CompletionReason.ALL_COMPLETED)

    def _with_status(self, status: BatchItemStatus) -> list[BatchItem[R]]:
        return [item for item in self.all if item.status is status]


_E = TypeVar("_E", bound=Enum)


def _member(enum: type[_E], value: object, what: str) -> _E:
    try:
        return enum(value)
    except ValueError:
        known = ", ".join(member.value for member in enum)
        raise SerDesError(f"The {what} is {value!r}, not one of {known}.") from None
