"""ExecutionRecord: what the service holds of one execution. Only the loop changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.history.codec import operation_size_bytes, operation_to_json
from pytest_durable.history.events import Event, EventType, Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.history.log import EventLog
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.requests import CheckpointRequest
from pytest_durable.simulator.service.tokens import make_token


@dataclass(slots=True)
class ExecutionRecord:
    """The log of the execution, and what the service has told the SDK of it.

    The sets are dicts without values, because a set's order is not the order of insertion.
    """

    arn: str
    execution: Subject
    timeout_seconds: int
    limits: Limits
    log: EventLog = field(default_factory=EventLog)

    token: str | None = None
    """What the next request must carry; None while no invocation runs."""

    token_sequence: int = 0

    invocations: int = 0
    """How many invocations have begun."""

    untold: dict[str, None] = field(default_factory=dict)
    """Operations that have changed since the SDK was last told."""

    completed_outside: dict[str, None] = field(default_factory=dict)
    """Of these, the ones that the service itself completed or readied."""

    changed_outside: bool = False
    """Whether the service completed or readied any since the invocation's input was built."""

    pending: dict[str, None] = field(default_factory=dict)
    """Operations on which the service, not the handler, has the next move."""

    answered: tuple[str, ...] = ()
    """What the last answer to a checkpoint had to tell, of which later pages may still be asked for."""

    is_invoked: bool = False
    """Whether another execution has invoked it, which bounds its result."""

    client_tokens: dict[str, tuple[CheckpointRequest, dict[str, Any]]] = field(default_factory=dict)
    """Requests of this invocation that came with a client token, and their answers."""

    _encoded: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)

    closed: bool = False
    """Whether the execution has ended."""

    @property
    def operation(self) -> RecordedOperation:
        """The EXECUTION operation."""
        return self.log.operations[self.execution.operation_id]

    def commit(self, event: Event, operation: RecordedOperation | None = None) -> None:
        """Append an event; ``operation`` is what it makes of its operation, where that is known already."""
        self.log.append(event, operation)
        if event.subject is None:
            return
        operation_id = event.subject.operation_id
        operation = self.log.operations[operation_id]
        self.untold[operation_id] = None
        self._encoded.pop(operation_id, None)
        if operation.is_terminal and event.subject is self.execution:
            self.closed = True
        if _is_pending(operation):
            self.pending[operation_id] = None
        else:
            self.pending.pop(operation_id, None)

    def commit_outside(self, event: Event) -> None:
        """Append an event that comes from outside: the service completes or readies an operation."""
        if event.type is EventType.CALLBACK_HEARTBEAT:
            # Nothing changes that the SDK could see.
            self.log.append(event)
            return
        self.commit(event)
        if event.subject is not None:
            self.completed_outside[event.subject.operation_id] = None
            self.changed_outside = True

    def begin_invocation(self) -> list[str]:
        """Count an invocation, replace the token, and take note that its input tells everything.

        Returns the operations that the service completed or readied since the invocation before.
        """
        updated = list(self.completed_outside)
        self.invocations += 1
        self.token_sequence = 0
        self.next_token()
        self.untold.clear()
        self.completed_outside.clear()
        self.changed_outside = False
        self.client_tokens.clear()
        return updated

    def next_token(self) -> str:
        """Replace the token by a new one."""
        self.token_sequence += 1
        self.token = make_token(self.execution.operation_id, self.invocations, self.token_sequence)
        return self.token

    def begin_answer(self) -> None:
        """Take note that the answer to a checkpoint tells everything that was untold."""
        self.answered = tuple(self.untold)
        self.untold.clear()
        self.completed_outside.clear()

    def remember(self, request: CheckpointRequest, answer: dict[str, Any]) -> None:
        """Keep the answer to a request with a client token, for the request to be repeated."""
        if request.client_token is not None:
            self.client_tokens[request.client_token] = request, answer

    def encoded(self, operation_ids: Sequence[str], room_bytes: int) -> list[dict[str, Any]]:
        """Return operations in the service's JSON: as many as there is room for, but one at least."""
        page: list[dict[str, Any]] = []
        known = self._encoded
        for operation_id in operation_ids:
            encoded, size_bytes = known.get(operation_id) or self._encode(operation_id)
            room_bytes -= size_bytes
            if page and room_bytes < 0:
                break
            page.append(encoded)
        return page

    def _encode(self, operation_id: str) -> tuple[dict[str, Any], int]:
        """Encode an operation, once a change, and tell its size in bytes at most."""
        operation = self.log.operations[operation_id]
        encoded = operation_to_json(operation), operation_size_bytes(operation)
        self._encoded[operation_id] = encoded
        return encoded


def _is_pending(operation: RecordedOperation) -> bool:
    match operation.subject.operation_type:
        case OperationType.STEP:
            return operation.status in (OperationStatus.PENDING, OperationStatus.READY)
        case OperationType.WAIT | OperationType.CALLBACK | OperationType.CHAINED_INVOKE:
            return operation.status is OperationStatus.STARTED
        case _:
            return False
