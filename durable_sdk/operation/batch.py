"""Batches: a context whose branches run at the same time, each a context of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from durable_sdk._wire.enums import OperationStatus, OperationSubType, OperationType
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.concurrency.completion import (
    BatchItemStatus,
    CompletionItemStatus,
    CompletionPolicy,
    CompletionReason,
)
from durable_sdk.concurrency.executor import BranchExecutor, recorded_error
from durable_sdk.concurrency.models import BatchItem, BatchResult
from durable_sdk.concurrency.record import BatchRecord
from durable_sdk.config import MapConfig, NestingType, ParallelConfig
from durable_sdk.exceptions import (
    ChildContextError,
    NonDeterministicExecutionError,
    OrphanedChildException,
    SerDesError,
    SuspendExecution,
)
from durable_sdk.identifier import OperationIdentifier, operation_id
from durable_sdk.operation.base import perform
from durable_sdk.operation.child import ContextOperation, VirtualContextOperation
from durable_sdk.serdes import DEFAULT_SERDES
from durable_sdk.state import ExecutionState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BatchKind:
    """What tells map and parallel apart: what they and their branches are written as, and their record."""

    sub_type: OperationSubType
    branch_sub_type: OperationSubType
    branch_prefix: str
    record_type: str


MAP = BatchKind(OperationSubType.MAP, OperationSubType.MAP_ITERATION, "map-item", "MapResult")
PARALLEL = BatchKind(
    OperationSubType.PARALLEL, OperationSubType.PARALLEL_BRANCH, "parallel-branch", "ParallelResult"
)


class BranchPlan(NamedTuple, Generic[T]):
    """A branch before it runs: the name that the handler gave it, if any, and what runs inside the context
    that the identifier stands for, told whether an earlier run of it has been recorded."""

    given_name: str | None
    body: Callable[[OperationIdentifier, bool], T]

    def name(self, kind: BatchKind, index: int) -> str:
        """Return the name in the record: an empty one that was given counts."""
        return f"{kind.branch_prefix}-{index}" if self.given_name is None else self.given_name


class BatchOperation(Generic[T]):
    """The branches of one call of map or parallel, and the context around them."""

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        kind: BatchKind,
        plans: Sequence[BranchPlan[T]],
        config: ParallelConfig | MapConfig[Any],
    ) -> None:
        self._state = state
        self._kind = kind
        self._config = config
        self._is_flat = config.nesting_type is NestingType.FLAT
        self._policy = CompletionPolicy.from_config(config.completion_config, len(plans))
        self._given_names = [plan.given_name for plan in plans]
        self._branches = [self._branch(identifier, index, plan) for index, plan in enumerate(plans)]
        self.operation: ContextOperation[BatchResult[T]] = ContextOperation(
            state,
            identifier,
            self._run,
            config.serdes or DEFAULT_SERDES,
            self._summarize,
            self._rebuild,
        )

    def _branch(
        self, identifier: OperationIdentifier, index: int, plan: BranchPlan[T]
    ) -> ContextOperation[T] | VirtualContextOperation[T]:
        branch = OperationIdentifier(
            operation_id(identifier.operation_id, index),
            self._kind.branch_sub_type,
            identifier.operation_id,
            plan.name(self._kind, index),
            operation_type=OperationType.CONTEXT,
        )
        serdes = self._config.item_serdes or self._config.serdes or DEFAULT_SERDES
        if self._is_flat:
            return VirtualContextOperation(
                self._state, branch, lambda: plan.body(branch, False), serdes, is_branch=True
            )
        # The summary generator describes batches: a large branch stores nothing in place of its result.
        return ContextOperation(self._state, branch, lambda is_rerun: plan.body(branch, is_rerun), serdes)

    def _run(self, is_rerun: bool) -> BatchResult[T]:
        return BranchExecutor(
            self._state, self._branches, self._policy, self._config.max_concurrency, self._given_names
        ).run()

    def _summarize(self, result: BatchResult[T]) -> str:
        """Describe a result that is too large to store, so that replay can rebuild just what it was."""
        generator = self._config.summary_generator
        summary = None if generator is None else str(generator(result))
        return BatchRecord.of(result).to_text(self._kind.record_type, result, summary)

    def _rebuild(self, recorded: StoredOperation) -> BatchResult[T]:
        record = BatchRecord.parse(recorded.result, self._kind.record_type)
        if record is None:
            return self._infer()
        if record.total > len(self._branches):
            batch_id = self.operation.identifier.operation_id
            raise NonDeterministicExecutionError(
                f"Non-deterministic batch at id={batch_id!r}: {record.total} branches were recorded, "
                f"and the handler now has {len(self._branches)}.",
                batch_id,
            )
        items = [
            self._unfinished(index) if index in record.started else self._ended(index)
            for index in range(record.total)
        ]
        return BatchResult(items, record.reason)

    def _unfinished(self, index: int) -> BatchItem[T]:
        self._recorded_branch(index)
        return BatchItem(index, BatchItemStatus.STARTED)

    def _recorded_branch(self, index: int) -> StoredOperation | None:
        """Return the record of a branch, having checked that it is of this one."""
        branch = self._branches[index]
        recorded = self._state.peek(branch.identifier.operation_id)
        if recorded is not None:
            if isinstance(branch, VirtualContextOperation):
                branch.refuse()
            branch.identifier.validate_checkpoint(recorded)
        return recorded

    def _infer(self) -> BatchResult[T]:
        """Rebuild from the branches alone, when the context holds no record of ours."""
        items: list[BatchItem[T]] = []
        for index, branch in enumerate(self._branches):
            recorded = self._recorded_branch(index)
            if isinstance(branch, VirtualContextOperation):
                items += self._rerun(index)
            elif recorded is not None:
                items.append(self._ended(index) if recorded.is_terminal else self._unfinished(index))
        statuses = {item.index: item.status for item in items}
        counts = Counter(statuses.values())
        seen = [
            CompletionItemStatus(index, name, statuses.get(index))
            for index, name in enumerate(self._given_names)
        ]
        reason = self._policy.evaluate(
            counts[BatchItemStatus.SUCCEEDED], counts[BatchItemStatus.FAILED], seen
        )
        return BatchResult(items, reason or CompletionReason.ALL_COMPLETED)

    def _rerun(self, index: int) -> list[BatchItem[T]]:
        """Run a branch without a record over its recorded operations; nothing if it had not begun one."""
        try:
            return [self._ended(index)]
        except SuspendExecution:
            return [BatchItem(index, BatchItemStatus.STARTED)]
        except OrphanedChildException:
            return []

    def _ended(self, index: int) -> BatchItem[T]:
        branch = self._branches[index]
        recorded = self._recorded_branch(index)
        if not self._is_flat and (recorded is None or not recorded.is_terminal):
            status = None if recorded is None else recorded.status.value
            branch_id = branch.identifier.operation_id
            raise NonDeterministicExecutionError(
                f"Non-deterministic branch nesting at id={branch_id!r}: recorded terminal branch "
                f"requires a terminal NESTED branch context checkpoint, got status={status!r}",
                branch_id,
            )
        if self._state.runtime.watches_operations:
            self._state.tell_called(branch.identifier, branch.identifier.parent_id, index, {})
        try:
            value = perform(branch, recorded, self._state)
        except (ChildContextError, SerDesError) as error:
            if recorded is not None and recorded.status is OperationStatus.SUCCEEDED:
                raise
            return BatchItem(index, BatchItemStatus.FAILED, error=recorded_error(error))
        return BatchItem(index, BatchItemStatus.SUCCEEDED, value)
