"""Callbacks: the handler goes on at once, and waits where it asks for the result."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from durable_sdk import _updates
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.config import CallbackConfig
from durable_sdk.exceptions import CallbackError, CallbackExternalError, CallbackTimeoutError
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Begin, Completed, Decision, suspend
from durable_sdk.operation.values import Values
from durable_sdk.serdes import PassThroughSerDes, SerDes
from durable_sdk.state import ExecutionState

T = TypeVar("T")

PASS_THROUGH_SERDES: SerDes[Any] = PassThroughSerDes()


class CallbackOperation:
    """The creation of a callback, whose result is its id.

    It never fails for what became of the callback: that is for whoever asks for the result, so the code
    between the two runs on every replay alike.
    """

    __slots__ = ("_config", "identifier")

    def __init__(self, identifier: OperationIdentifier, config: CallbackConfig) -> None:
        self.identifier = identifier
        self._config = config

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[str]:
        """Begin, and take the id that the service answers."""
        if recorded is None:
            config = self._config
            return Begin(
                _updates.start_callback(
                    self.identifier, config.timeout_seconds, config.heartbeat_timeout_seconds
                ),
                synchronous=True,
            )
        if not recorded.callback_id:
            raise CallbackError(f"The service sent no id for callback {self.identifier.label}.")
        return Completed(recorded.callback_id)


class Callback(Generic[T]):
    """A callback that has been created: hand ``callback_id`` to whoever is to answer it.

    They call SendDurableExecutionCallbackSuccess, -Failure or -Heartbeat of the Lambda API with it.
    """

    def __init__(
        self, callback_id: str, identifier: OperationIdentifier, state: ExecutionState, serdes: SerDes[T]
    ) -> None:
        self.callback_id = callback_id
        self._identifier = identifier
        self._state = state
        self._values: Values[T | None] = Values(state, identifier, serdes, "result of callback")

    def __repr__(self) -> str:
        return f"<Callback {self._identifier.label}>"

    @property
    def operation_id(self) -> str:
        """The id of the operation."""
        return self._identifier.operation_id

    def result(self) -> T | None:
        """Return what the outside answered; None if it sent nothing. Waits for it if need be.

        Raises:
            CallbackTimeoutError: no answer, or no heartbeat, came in time.
            CallbackExternalError: the outside reported a failure.
            SerDesError: the answer could not be read.
        """
        recorded = self._state.find(self._identifier)
        if recorded is None or not recorded.is_terminal:
            suspend(f"Callback {self._identifier.label} has not been answered.")
        if self._state.plugins is not None:
            self._state.plugins.claim_end_hook(self.operation_id)
        if recorded.status is not OperationStatus.SUCCEEDED:
            raise _failure(recorded)
        return self._values.read(recorded.result)


def _failure(recorded: StoredOperation) -> CallbackError:
    error = recorded.error or ErrorObject(None, None, None, None)
    if recorded.status is OperationStatus.TIMED_OUT:
        return CallbackTimeoutError(
            error.message or "Callback timed out", None, error.data, error.stack_trace
        )
    return CallbackExternalError(error.message or "Callback failed", None, error.data, error.stack_trace)
