"""Child contexts: a group of operations whose result is recorded as one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar

from durable_sdk import _updates
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject, Surface, rebuild_error
from durable_sdk._wire.operations import StoredOperation
from durable_sdk._wording import shown
from durable_sdk.exceptions import (
    ChildContextError,
    DurableOperationError,
    NonDeterministicExecutionError,
    OrphanedChildException,
    ends_more_than_an_operation,
)
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Begin, Completed, Decision, Execute, run_user_function
from durable_sdk.operation.values import Values
from durable_sdk.serdes import SerDes
from durable_sdk.state import ExecutionState

T = TypeVar("T")

# A result beyond this is not stored: its context runs again on replay, over the recorded children.
MAX_INLINE_CHARACTERS = 256 * 1024


class ContextOperation(Generic[T]):
    """One context.

    ``body`` runs what is inside, told whether an earlier run of it has been recorded. ``summarize`` makes the
    text stored in place of a result that is too large. ``rebuild`` makes such a result again on replay; by
    default it is the body, whose operations all answer from their records. ``surface`` is the class of the
    error that leaves the context.
    """

    __slots__ = ("_body", "_rebuild", "_state", "_summarize", "_surface", "_values", "identifier")

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        body: Callable[[bool], T],
        serdes: SerDes[Any],
        summarize: Callable[[T], str] | None = None,
        rebuild: Callable[[StoredOperation], T] | None = None,
        surface: type[DurableOperationError] | Surface = ChildContextError,
    ) -> None:
        self.identifier = identifier
        self._state = state
        self._body = body
        self._values: Values[T] = Values(state, identifier, serdes, "result of context")
        self._summarize = summarize
        self._rebuild = rebuild
        self._surface = surface
        state.lineage.add(identifier.operation_id, identifier.parent_id, identifier.name)

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[T]:
        """Begin, run the body from its top, rebuild a large result, or answer from the record."""
        if recorded is None:
            if begun:
                return Execute(partial(self._run, False))
            return Begin(_updates.start(self.identifier), synchronous=False)
        if not recorded.is_terminal:
            # Another branch's answer may have told of a start that was sent a moment ago.
            return Execute(partial(self._run, not begun))
        if recorded.status is not OperationStatus.SUCCEEDED:
            raise rebuild_error(recorded.error, self._surface)
        if recorded.replay_children:
            return Execute(partial(self._replay, recorded))
        return Completed(self._values.read(recorded.result))

    def _run(self, is_rerun: bool) -> T:
        try:
            result = run_user_function(
                self._state, self.identifier, self._body, is_rerun, attempt=None if is_rerun else 1
            )
            payload = self._values.write(result)
            value = self._values.read(payload)
            is_large = payload is not None and len(payload) > MAX_INLINE_CHARACTERS
            if is_large:
                payload = self._summary(result)
        except Exception as error:
            if ends_more_than_an_operation(error):
                raise
            self._fail(error)
        self._state.checkpoint(
            _updates.succeed_context(self.identifier, payload, replay_children=is_large),
            synchronous=True,
        )
        return value

    def _summary(self, result: T) -> str:
        summary = self._summarize(result) if self._summarize else ""
        if not isinstance(summary, str):
            raise TypeError(f"A summary generator returns a text, got {shown(summary)}.")
        return summary

    def _replay(self, recorded: StoredOperation) -> T:
        def make(is_rerun: bool) -> T:
            return self._rebuild(recorded) if self._rebuild else self._body(is_rerun)

        lineage, operation_id = self._state.lineage, self.identifier.operation_id
        lineage.end(operation_id)
        try:
            result = run_user_function(
                self._state, self.identifier, make, True, attempt=None, is_replay_children=True
            )
            value = self._values.read(self._values.write(result))
        except OrphanedChildException as orphan:
            if lineage.ended_above(self.identifier.parent_id):
                raise
            raise NonDeterministicExecutionError(
                f"Non-deterministic child context at id={operation_id!r}: it has ended, and now calls an "
                f"operation that was not recorded, at id={orphan.operation_id!r}",
                operation_id,
            ) from None
        except Exception as error:
            if ends_more_than_an_operation(error):
                raise
            described = ErrorObject.from_exception(error).fitted()
        else:
            if self._state.plugins is not None:
                self._state.plugins.on_child_context_end(
                    self.identifier, OperationStatus.SUCCEEDED, is_replayed=True
                )
            return value
        # Raised here, as `from None` would take away the cause that stands for the original error.
        raise rebuild_error(described, self._surface)

    def _fail(self, error: Exception) -> NoReturn:
        recorded = ErrorObject.from_exception(error).fitted()
        self._state.checkpoint(_updates.fail(self.identifier, recorded), synchronous=True)
        raise rebuild_error(recorded, self._surface)


class VirtualContextOperation(Generic[T]):
    """A context without a record of its own, whose operations lie in the nearest context that has one.

    Its body runs on every replay. What leaves it is wrapped and read back as that of a recorded one.
    """

    __slots__ = ("_body", "_is_branch", "_state", "_values", "identifier")

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        body: Callable[[], T],
        serdes: SerDes[Any],
        *,
        is_branch: bool = False,
    ) -> None:
        self.identifier = identifier
        self._state = state
        self._body = body
        self._values: Values[T] = Values(state, identifier, serdes, "result of context")
        self._is_branch = is_branch

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[T]:
        """Run the body; a record says that the handler was another when it was made."""
        if recorded is not None:
            self.refuse()
        return Execute(self._run, leaves_record=False)

    def refuse(self) -> NoReturn:
        """Raise the error that says that a record exists where there must be none."""
        operation_id = self.identifier.operation_id
        if self._is_branch:
            what = f"branch nesting at id={operation_id!r}: checkpoint contains a NESTED branch context"
            raise NonDeterministicExecutionError(
                f"Non-deterministic {what} but current nesting is FLAT", operation_id
            )
        raise NonDeterministicExecutionError(
            f"Non-deterministic child context at id={operation_id!r}: checkpoint contains a non-virtual "
            "child context but current child context is virtual",
            operation_id,
        )

    def _run(self) -> T:
        try:
            result = run_user_function(self._state, self.identifier, lambda _: self._body(), None, attempt=1)
            value = self._values.read(self._values.write(result))
        except Exception as error:
            if ends_more_than_an_operation(error):
                raise
            described = ErrorObject.from_exception(error).fitted()
            self._tell_end(OperationStatus.FAILED, described)
        else:
            self._tell_end(OperationStatus.SUCCEEDED)
            return value
        # Raised here, as `from None` would take away the cause that stands for the original error.
        raise rebuild_error(described, ChildContextError)

    def _tell_end(self, status: OperationStatus, error: ErrorObject | None = None) -> None:
        if self._state.plugins is not None:
            self._state.plugins.on_child_context_end(self.identifier, status, error=error)
