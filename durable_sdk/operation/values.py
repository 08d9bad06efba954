"""Values: how one operation stores its values as text and reads them back."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from durable_sdk.identifier import OperationIdentifier
from durable_sdk.serdes import SerDes, deserialize, serialize
from durable_sdk.state import ExecutionState

T = TypeVar("T")


class Values(Generic[T]):
    """The serdes of an operation, told whose values they are. ``what`` names them: "result of step".

    A value that has been written is read back before user code sees it, so that the first run sees what
    every replay will.
    """

    __slots__ = ("_identifier", "_serdes", "_state", "_what")

    def __init__(
        self, state: ExecutionState, identifier: OperationIdentifier, serdes: SerDes[Any], what: str
    ) -> None:
        self._state = state
        self._identifier = identifier
        self._serdes = serdes
        self._what = what

    def __str__(self) -> str:
        return f"{self._what} {self._identifier.label}"

    def write(self, value: Any) -> str | None:
        """Return the text to store, None if the serdes stores nothing.

        Raises:
            SerDesError: the value cannot be stored.
            RetryableSerDesError: raised by the serdes.
        """
        return serialize(
            self._serdes, value, self._identifier.operation_id, self._state.durable_execution_arn, what=self
        )

    def read(self, text: str | None) -> T:
        """Return the value of a stored text, None if nothing was stored.

        Raises:
            SerDesError: it cannot be read.
            RetryableSerDesError: raised by the serdes.
        """
        value: T = deserialize(
            self._serdes, text, self._identifier.operation_id, self._state.durable_execution_arn
        )
        return value
