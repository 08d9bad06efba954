"""Invoke: another function does the work, and no invocation of this one runs meanwhile."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from durable_sdk import _updates
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import rebuild_error
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.config import InvokeConfig
from durable_sdk.exceptions import InvokeError
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Begin, Completed, Decision, Suspend
from durable_sdk.operation.values import Values
from durable_sdk.serdes import DEFAULT_JSON_SERDES
from durable_sdk.state import ExecutionState

R = TypeVar("R")


class InvokeOperation(Generic[R]):
    """One call of a function."""

    __slots__ = ("_config", "_function_name", "_payload", "_state", "identifier")

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        function_name: str,
        payload: Any,
        config: InvokeConfig[Any, R],
    ) -> None:
        self.identifier = identifier
        self._state = state
        self._function_name = function_name
        self._payload = payload
        self._config = config

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[R]:
        """Begin, wait for the function to end, or answer from the record."""
        if recorded is None:
            return Begin(self._start(), synchronous=True)
        if not recorded.is_terminal:
            return Suspend(f"Function {self._function_name!r} has not ended.")
        if recorded.status is not OperationStatus.SUCCEEDED:
            raise rebuild_error(recorded.error, InvokeError)
        values: Values[R] = Values(
            self._state,
            self.identifier,
            self._config.serdes_result or DEFAULT_JSON_SERDES,
            f"result of function {self._function_name!r} in",
        )
        return Completed(values.read(recorded.result))

    def _start(self) -> _updates.UpdateJson:
        payload: Values[Any] = Values(
            self._state,
            self.identifier,
            self._config.serdes_payload or DEFAULT_JSON_SERDES,
            f"payload for function {self._function_name!r} in",
        )
        return _updates.start_invoke(
            self.identifier,
            self._function_name,
            payload.write(self._payload),
            self._config.tenant_id,
        )
