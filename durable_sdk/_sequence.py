"""OperationSequence: the operations of one context, numbered in the order in which they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from durable_sdk._checks import check_name
from durable_sdk._wire.enums import OperationType
from durable_sdk.exceptions import ExecutionError
from durable_sdk.identifier import OperationIdentifier, operation_id
from durable_sdk.operation.base import DurableOperation, perform, running_step
from durable_sdk.state import ExecutionState

T = TypeVar("T")


class Replay:
    """Whether the operations of one context are being replayed, or are new.

    ``is_rebuild``: the context has ended and its body runs only to make its result again, so nothing in
    it is new.
    """

    __slots__ = ("active", "is_rebuild")

    def __init__(self, active: bool, is_rebuild: bool) -> None:
        self.active = active or is_rebuild
        self.is_rebuild = is_rebuild

    def __call__(self) -> bool:
        return self.active

    def end(self) -> None:
        """What follows is new."""
        self.active = self.is_rebuild


class OperationSequence:
    """Gives each operation of a context its identity, and performs it.

    ``context_id`` is what the ids of the operations are derived from, ``record_id`` the context that they
    lie in as far as the service knows. They differ in a virtual context, which also knows the sequence
    ``around`` it. Both are None at the root.
    """

    __slots__ = ("_around", "_lock", "_position", "context_id", "record_id", "replay", "state")

    def __init__(
        self,
        state: ExecutionState,
        context_id: str | None,
        record_id: str | None,
        replay: Replay,
        around: OperationSequence | None = None,
    ) -> None:
        self.state = state
        self.context_id = context_id
        self.record_id = record_id
        self.replay = replay
        self._around = around
        self._lock = state.runtime.lock()
        self._position = 0

    @classmethod
    def root(cls, state: ExecutionState, *, replaying: bool) -> OperationSequence:
        """Return the sequence of a handler."""
        return cls(state, None, None, Replay(replaying, False))

    @property
    def is_virtual(self) -> bool:
        """Whether the context has no record of its own."""
        return self.context_id != self.record_id

    def child(self, identifier: OperationIdentifier, is_rerun: bool) -> OperationSequence:
        """Return the sequence of a context that lies in this one and has a record.

        ``is_rerun`` says whether an earlier run of it has been recorded.
        """
        recorded = self.state.peek(identifier.operation_id)
        is_rebuild = recorded is not None and recorded.is_terminal
        context_id = identifier.operation_id
        return OperationSequence(self.state, context_id, context_id, Replay(is_rerun, is_rebuild))

    def virtual_child(self, identifier: OperationIdentifier) -> OperationSequence:
        """Return the sequence of a context that lies in this one and has no record."""
        context_id, record_id = identifier.operation_id, identifier.parent_id
        around = None if record_id is None else self.state.peek(record_id)
        is_rebuild = around is not None and around.is_terminal
        replaying = self.state.has_run(operation_id(context_id, 1))
        return OperationSequence(self.state, context_id, record_id, Replay(replaying, is_rebuild), self)

    def identify(self, operation_type: OperationType, sub_type: str, name: str | None) -> OperationIdentifier:
        """Return the identity of the next operation.

        Raises:
            ValidationError: the name cannot be one.
            ExecutionError: this is called inside the body of a step.
        """
        step = running_step.get()
        if step is not None:
            # No retry of the step would mend it.
            raise ExecutionError(
                f"An operation was called inside the body of step {step.identifier.label}, which is recorded "
                "as a whole. Call it in the handler, or group operations with run_in_child_context."
            )
        if name is not None:
            check_name(name)
        with self._lock:
            self._position += 1
            position = self._position
        return OperationIdentifier(
            operation_id(self.context_id, position),
            sub_type,
            self.record_id,
            name,
            operation_type=operation_type,
        )

    def perform(self, operation: DurableOperation[T], inputs: Mapping[str, object]) -> T:
        """Carry out an operation, and take note where the replay of the context ends.

        ``inputs`` is what the handler gave to it, for those who watch.
        """
        if self.state.runtime.watches_operations:
            self.state.tell_called(operation.identifier, self.context_id, self._position, inputs)
        recorded = self.state.find(operation.identifier)
        if not self.replay.active:
            return perform(operation, recorded, self.state)
        if recorded is None or (not recorded.is_terminal and recorded.operation_type is OperationType.STEP):
            # User code runs that has not run before.
            self.replay.end()
        try:
            return perform(operation, recorded, self.state)
        finally:
            self._look_ahead()

    def perform_virtual(self, operation: DurableOperation[T], inputs: Mapping[str, object]) -> T:
        """Carry out an operation that leaves no record of its own, so that only the next one tells."""
        if self.state.runtime.watches_operations:
            self.state.tell_called(operation.identifier, self.context_id, self._position, inputs)
        try:
            return perform(operation, self.state.find(operation.identifier), self.state)
        finally:
            self._look_ahead()

    def _look_ahead(self) -> None:
        """End the replay behind the last operation that has run before, however it ended.

        A failure may be caught, and a callback that goes on may have been followed by more.
        """
        if self.replay.active and not self._next_has_run():
            self.replay.end()

    def _next_has_run(self) -> bool:
        """Return whether what is called next has been called before.

        Behind the last operation of a virtual context that is what follows the context.
        """
        if self.state.has_run(operation_id(self.context_id, self._position + 1)):
            return True
        return self._around is not None and self._around._next_has_run()
