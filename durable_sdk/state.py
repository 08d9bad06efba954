"""ExecutionState: what one invocation knows of its execution, and its way to record more."""

from __future__ import annotations

from collections.abc import Mapping

from durable_sdk._branch_tasks import BranchTasks
from durable_sdk._checkpointing import Checkpointing
from durable_sdk._client import CheckpointClient
from durable_sdk._lineage import Lineage
from durable_sdk._plugins.executor import PluginExecutor
from durable_sdk._runtime import OperationCall, Runtime
from durable_sdk._updates import UpdateJson
from durable_sdk._wire.enums import OperationType
from durable_sdk._wire.invocation import InvocationEvent, StatePage
from durable_sdk._wire.operations import OperationJson, StoredOperation
from durable_sdk.identifier import OperationIdentifier, operation_id

# How many virtual contexts that begin with a virtual context are looked into for a record.
_DEEPEST_VIRTUAL_CONTEXT = 8


class ExecutionState:
    """The operations recorded so far, by id. Every answer of the service is merged into it."""

    def __init__(self, invocation: InvocationEvent, client: CheckpointClient, runtime: Runtime) -> None:
        self.durable_execution_arn = invocation.durable_execution_arn
        self.updated_operation_ids = invocation.updated_operation_ids
        self.runtime = runtime
        self.plugins: PluginExecutor | None = None
        """What tells the plugins of what happens, None if there are none."""
        self.lineage = Lineage()
        self.branch_tasks = BranchTasks(runtime)
        self.news = 0
        """How often an answer of the service has told something."""
        self._operations: dict[str, OperationJson] = {}
        self._initial_page = invocation.initial_execution_state
        self._checkpointing = Checkpointing(
            client,
            runtime,
            invocation.durable_execution_arn,
            invocation.checkpoint_token,
            self.lineage,
            self._absorb,
        )

    def load(self) -> None:
        """Read the state that the invocation began with, all pages of it.

        Raises:
            GetExecutionStateError: a page could not be read.
        """
        self._checkpointing.read_state(self._initial_page)

    def watch(self, plugins: PluginExecutor) -> None:
        """Tell ``plugins`` from now on what happens."""
        self.plugins = plugins
        self._checkpointing.after_sending = plugins.announce_changes

    @property
    def operations(self) -> dict[str, StoredOperation]:
        """A snapshot of every operation, by id."""
        recorded = self._operations.copy()
        return {operation_id: StoredOperation(operation) for operation_id, operation in recorded.items()}

    def _absorb(self, page: StatePage) -> None:
        if self.plugins is not None:
            # Before anybody can read it: whoever finds an operation ended finds that it is to be reported.
            self.plugins.on_operation_update([StoredOperation(operation) for operation in page.operations])
        for operation in page.operations:
            self._operations[operation["Id"]] = operation
        self.news += bool(page.operations)

    @property
    def execution(self) -> StoredOperation | None:
        """The EXECUTION operation, which holds the input."""
        for operation in self._operations.values():
            if operation["Type"] == OperationType.EXECUTION.value:
                return StoredOperation(operation)
        return None

    @property
    def has_history(self) -> bool:
        """Whether any operation has been recorded: an earlier invocation got that far."""
        return any(
            operation["Type"] != OperationType.EXECUTION.value for operation in self._operations.values()
        )

    @property
    def token_revoked(self) -> bool:
        """Whether the service has withdrawn the token, so that this invocation can only end."""
        return self._checkpointing.token_revoked

    def has(self, operation_id: str) -> bool:
        """Return whether anything is recorded at ``operation_id``."""
        return operation_id in self._operations

    def has_run(self, id_of_operation: str) -> bool:
        """Return whether the operation has been called in an earlier invocation, or in this one.

        A virtual context leaves no record, but its first operation does, unless that is virtual, too.
        """
        if id_of_operation in self._operations:
            return True
        for _ in range(1, _DEEPEST_VIRTUAL_CONTEXT):
            id_of_operation = operation_id(id_of_operation, 1)
            if id_of_operation in self._operations:
                return True
        return False

    def peek(self, operation_id: str) -> StoredOperation | None:
        """Return what is recorded at ``operation_id``, whatever operation it is of."""
        operation = self._operations.get(operation_id)
        return None if operation is None else StoredOperation(operation)

    def find(self, identifier: OperationIdentifier) -> StoredOperation | None:
        """Return what is recorded of the operation.

        Raises:
            NonDeterministicExecutionError: something else is recorded at its position.
        """
        operation = self._operations.get(identifier.operation_id)
        if operation is None:
            return None
        recorded = StoredOperation(operation)
        identifier.validate_checkpoint(recorded)
        return recorded

    def tell_called(
        self,
        identifier: OperationIdentifier,
        context_id: str | None,
        position: int,
        inputs: Mapping[str, object],
    ) -> None:
        """Tell the runtime, which watches, that an operation is called: before what is recorded is judged."""
        recorded = self.peek(identifier.operation_id)
        self.runtime.operation_called(
            OperationCall(
                identifier.operation_id,
                identifier.operation_type,
                identifier.sub_type,
                identifier.name,
                identifier.parent_id,
                context_id,
                position,
                self.lineage.path(identifier.parent_id, identifier.name),
                None if recorded is None else recorded.status,
                recorded is not None and recorded.is_terminal,
                inputs,
            )
        )

    def demand_open(self, identifier: OperationIdentifier) -> None:
        """Check that every context above the operation is open; see `Lineage.demand_open`."""
        self.lineage.demand_open(identifier.operation_id, identifier.parent_id, identifier.name)

    def demand_intact(self) -> None:
        """Check that nothing has been lost on the way to the service; see `Checkpointing.demand_intact`."""
        self._checkpointing.demand_intact()

    def checkpoint(self, update: UpdateJson, *, synchronous: bool) -> None:
        """Record ``update``; see `Checkpointing.submit`."""
        self._checkpointing.submit(update, synchronous=synchronous)

    def refresh(self) -> None:
        """Ask the service what is new, and merge it."""
        self._checkpointing.submit(None, synchronous=True)
