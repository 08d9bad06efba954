"""Child contexts: a group of operations whose result is recorded as one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar

from durable_sdk import _updates
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject, rebuild_error
from durable_sdk._wire.operations import StoredOperation
from durable_sdk._wording import shown
from durable_sdk.exceptions import ChildContextError, ExecutionError, InvocationError
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Begin, Completed, Decision, Execute
from durable_sdk.serdes import SerDes, deserialize, serialize
from durable_sdk.state import ExecutionState

T = TypeVar("T")

# A result beyond this is not stored: its context runs again on replay, over the recorded children.
MAX_INLINE_CHARACTERS = 256 * 1024


class ContextOperation(Generic[T]):
    """One context.

    ``body`` runs what is inside, told whether an earlier run of it has been recorded. ``summarize`` makes the
    text stored in place of a result that is too large. ``rebuild`` makes such a result again on replay; by
    default it is the body, whose operations all answer from their records.
    """

    __slots__ = ("_body", "_rebuild", "_serdes", "_state", "_summarize", "identifier")

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        body: Callable[[bool], T],
        serdes: SerDes[Any],
        summarize: Callable[[T], str] | None = None,
        rebuild: Callable[[StoredOperation], T] | None = None,
    ) -> None:
        self.identifier = identifier
        self._state = state
        self._body = body
        self._serdes = serdes
        self._summarize = summarize
        self._rebuild = rebuild
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
            raise rebuild_error(recorded.error, ChildContextError)
        if recorded.replay_children:
            return Execute(partial(self._replay, recorded))
        return Completed(self._deserialize(recorded.result))

    def _run(self, is_rerun: bool) -> T:
        try:
            result = self._body(is_rerun)
            payload = self._serialize(result)
            # What a replay will see is what the first run sees: the value read back.
            value = self._deserialize(payload)
            is_large = payload is not None and len(payload) > MAX_INLINE_CHARACTERS
            if is_large:
                payload = self._summary(result)
        except ExecutionError:
            raise
        except InvocationError as error:
            if error.is_retryable():
                raise
            self._fail(error)
        except Exception as error:
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
        result = self._rebuild(recorded) if self._rebuild else self._body(True)
        return self._deserialize(self._serialize(result))

    def _fail(self, error: Exception) -> NoReturn:
        recorded = ErrorObject.from_exception(error).fitted()
        self._state.checkpoint(_updates.fail(self.identifier, recorded), synchronous=True)
        raise rebuild_error(recorded, ChildContextError)

    def _serialize(self, value: T) -> str | None:
        return serialize(
            self._serdes,
            value,
            self.identifier.operation_id,
            self._state.durable_execution_arn,
            f"result of context {self.identifier.name or self.identifier.operation_id!r}",
        )

    def _deserialize(self, payload: str | None) -> T:
        value: T = deserialize(
            self._serdes,
            payload,
            self.identifier.operation_id,
            self._state.durable_execution_arn,
        )
        return value
