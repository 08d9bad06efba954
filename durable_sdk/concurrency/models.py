"""The result of a batch of branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from durable_sdk._wire.errors import ErrorObject, rebuild_error
from durable_sdk.exceptions import ChildContextError, SerDesError

R = TypeVar("R")


# Here rather than in config, which re-exports it: config lies above this module.
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
        """FAILED if a branch failed, else SUCCEEDED."""
        return BatchItemStatus.FAILED if self.has_failure else BatchItemStatus.SUCCEEDED

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
        """Raise the error of the first branch that failed, if one did.

        Raises:
            ChildContextError: the branch failed.
            SerDesError: it failed because a value could not be stored or read.
        """
        for item in self.failed():
            if item.error is None:
                raise ChildContextError(f"Batch item {item.index} failed without an ErrorObject.")
            raise rebuild_error(item.error, ChildContextError)

    def to_dict(self) -> dict[str, Any]:
        """Return the stored form. The results stay what they are."""
        return {
            "all": [item.to_dict() for item in self.all],
            "completionReason": self.completion_reason.value,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BatchResult[R]:
        """Read the stored form. Without a completion reason, the items tell the likely one.

        Raises:
            SerDesError: it is not one.
        """
        entries = data.get("all")
        if not isinstance(entries, list) or not all(isinstance(item, Mapping) for item in entries):
            raise SerDesError(f"A batch result has the items {entries!r:.200}, not a list of objects.")
        items = [BatchItem[R].from_dict(entry) for entry in entries]
        stored = data.get("completionReason")
        if stored is not None:
            reason = _member(CompletionReason, stored, "completion reason of a batch result")
        elif any(item.status is BatchItemStatus.FAILED for item in items):
            reason = CompletionReason.FAILURE_TOLERANCE_EXCEEDED
        else:
            reason = CompletionReason.ALL_COMPLETED
        return cls(items, reason)

    def _with_status(self, status: BatchItemStatus) -> list[BatchItem[R]]:
        return [item for item in self.all if item.status is status]


_E = TypeVar("_E", bound=Enum)


def _member(enum: type[_E], value: object, what: str) -> _E:
    try:
        return enum(value)
    except ValueError:
        known = ", ".join(member.value for member in enum)
        raise SerDesError(f"The {what} is {value!r}, not one of {known}.") from None
