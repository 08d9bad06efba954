"""Parallel: a context whose branches run at the same time, each a context of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from durable_sdk._wire.enums import OperationStatus, OperationSubType, OperationType
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.concurrency.completion import CompletionPolicy
from durable_sdk.concurrency.executor import BranchExecutor, recorded_error
from durable_sdk.concurrency.models import BatchItem, BatchItemStatus, BatchResult, CompletionReason
from durable_sdk.config import ParallelConfig
from durable_sdk.exceptions import ChildContextError, NonDeterministicExecutionError, SerDesError
from durable_sdk.identifier import OperationIdentifier, operation_id
from durable_sdk.operation.base import perform
from durable_sdk.operation.child import ContextOperation
from durable_sdk.serdes import SerDes
from durable_sdk.state import ExecutionState

T = TypeVar("T")

_RECORD_TYPE = "ParallelResult"

Branch = tuple[str, Callable[[OperationIdentifier, bool], T]]
"""The name of a branch, and what runs inside the context that the identifier stands for, told whether an
earlier run of it has been recorded."""


class ParallelOperation(Generic[T]):
    """The branches of one call of parallel, and the context around them."""

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        branches: Sequence[Branch[T]],
        config: ParallelConfig,
        serdes: SerDes[Any],
        item_serdes: SerDes[Any],
    ) -> None:
        self._state = state
        self._config = config
        self._policy = CompletionPolicy.from_config(config.completion_config, len(branches))
        self._branches = [
            self._branch(identifier, index, name, body, item_serdes)
            for index, (name, body) in enumerate(branches)
        ]
        self.operation: ContextOperation[BatchResult[T]] = ContextOperation(
            state, identifier, self._run, serdes, self._record, self._rebuild
        )

    def _branch(
        self,
        identifier: OperationIdentifier,
        index: int,
        name: str,
        body: Callable[[OperationIdentifier, bool], T],
        serdes: SerDes[Any],
    ) -> ContextOperation[T]:
        branch = OperationIdentifier(
            operation_id(identifier.operation_id, index),
            OperationType.CONTEXT,
            OperationSubType.PARALLEL_BRANCH,
            identifier.operation_id,
            name,
        )
        return ContextOperation(
            self._state,
            branch,
            lambda is_rerun: body(branch, is_rerun),
            serdes,
            self._config.summary_generator,
        )

    def _run(self, is_rerun: bool) -> BatchResult[T]:
        return BranchExecutor(self._state, self._branches, self._policy, self._config.max_concurrency).run()

    def _record(self, result: BatchResult[T]) -> str:
        """Describe a result that is too large to store, so that replay can rebuild just what it was."""
        started = [item.index for item in result.started()]
        completed = [item.index for item in result.all if item.status is not BatchItemStatus.STARTED]
        record: dict[str, Any] = {
            "type": _RECORD_TYPE,
            "totalCount": result.total_count,
            "completionReason": result.completion_reason.value,
        }
        if len(started) <= len(completed):
            record["startedIndexes"] = started
        else:
            record["completedIndexes"] = completed
        record |= {
            "startedCount": result.started_count,
            "successCount": result.success_count,
            "failureCount": result.failure_count,
            "status": result.status.value,
        }
        if self._config.summary_generator is not None:
            record["summary"] = str(self._config.summary_generator(result))
        return json.dumps(record)

    def _rebuild(self, recorded: StoredOperation) -> BatchResult[T]:
        record = _parse_record(recorded.result)
        if record is None:
            return self._infer()
        total, completed, reason = record
        if total > len(self._branches):
            batch_id = self.operation.identifier.operation_id
            raise NonDeterministicExecutionError(
                f"Non-deterministic batch at id={batch_id!r}: {total} branches were recorded, "
                f"and the handler now has {len(self._branches)}.",
                batch_id,
            )
        items = [
            self._ended(index) if index in completed else self._unfinished(index) for index in range(total)
        ]
        return BatchResult(items, reason)

    def _unfinished(self, index: int) -> BatchItem[T]:
        self._state.find(self._branches[index].identifier)
        return BatchItem(index, BatchItemStatus.STARTED)

    def _infer(self) -> BatchResult[T]:
        """Rebuild from the branches alone, when the context holds no record of ours."""
        items: list[BatchItem[T]] = []
        for index, branch in enumerate(self._branches):
            recorded = self._state.find(branch.identifier)
            if recorded is None:
                continue
            items.append(self._ended(index) if recorded.is_terminal else self._unfinished(index))
        succeeded = sum(item.status is BatchItemStatus.SUCCEEDED for item in items)
        failed = sum(item.status is BatchItemStatus.FAILED for item in items)
        reason = self._policy.evaluate(succeeded, failed) or CompletionReason.ALL_COMPLETED
        return BatchResult(items, reason)

    def _ended(self, index: int) -> BatchItem[T]:
        branch = self._branches[index]
        recorded = self._state.find(branch.identifier)
        if recorded is None or not recorded.is_terminal:
            status = None if recorded is None else recorded.status.value
            branch_id = branch.identifier.operation_id
            raise NonDeterministicExecutionError(
                f"Non-deterministic branch nesting at id={branch_id!r}: recorded terminal branch "
                f"requires a terminal NESTED branch context checkpoint, got status={status}",
                branch_id,
            )
        try:
            value = perform(branch, recorded, self._state)
        except (ChildContextError, SerDesError) as error:
            if recorded.status is OperationStatus.SUCCEEDED:
                raise
            return BatchItem(index, BatchItemStatus.FAILED, error=recorded_error(error))
        return BatchItem(index, BatchItemStatus.SUCCEEDED, value)


def _parse_record(text: str | None) -> tuple[int, frozenset[int], CompletionReason] | None:
    """Return the total, the indexes of the branches that ended, and the reason, if there is a record."""
    try:
        record = json.loads(text or "")
        if record["type"] != _RECORD_TYPE:
            return None
        total = record["totalCount"]
        reason = CompletionReason(record["completionReason"])
        started = record.get("startedIndexes")
        indexes = record["completedIndexes"] if started is None else started
    except (ValueError, KeyError, TypeError):
        return None
    numbers = [total, *indexes] if isinstance(indexes, list) else [None]
    if any(type(number) is not int or number < 0 for number in numbers):
        return None
    if any(index >= total for index in indexes):
        return None
    everything = frozenset(range(total))
    return total, everything - frozenset(indexes) if started is not None else frozenset(indexes), reason
