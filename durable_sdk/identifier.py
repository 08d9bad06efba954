"""Identity of operations: from a position in the handler to an id, and from a record back to a position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from durable_sdk._wire.enums import OperationType
from durable_sdk.exceptions import NonDeterministicExecutionError


# Pure, and asked for the same few thousand positions by every replay.
@lru_cache(maxsize=1 << 16)
def operation_id(prefix: str | None, position: int) -> str:
    """Return the id of the ``position``-th operation of the context ``prefix`` (None is the root).

    64 hexadecimal characters that depend on nothing else, so a replay arrives at the same ids.
    """
    text = f"{prefix}-{position}" if prefix else str(position)
    return blake2b(text.encode()).hexdigest()[:64]


class Recorded(Protocol):
    """The part of a recorded operation that must not change from one invocation to the next."""

    @property
    def operation_type(self) -> OperationType: ...
    @property
    def sub_type(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def parent_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class OperationIdentifier:
    """What the handler is about to do: ``sub_type`` is what it was written as, ``parent_id`` the id of
    the nearest recorded context around it."""

    operation_id: str
    operation_type: OperationType
    sub_type: str
    parent_id: str | None = None
    name: str | None = None

    def validate_checkpoint(self, recorded: Recorded | None) -> None:
        """Check that the record at this id is of this operation.

        Raises:
            NonDeterministicExecutionError: another operation was recorded at this position. The message
                lists each member that differs.
        """
        if recorded is None or (
            recorded.operation_type is self.operation_type
            and recorded.sub_type == self.sub_type
            and (recorded.name or None) == (self.name or None)
            and (recorded.parent_id or None) == (self.parent_id or None)
        ):
            return
        members = (
            ("type", recorded.operation_type.value, self.operation_type.value),
            ("subtype", recorded.sub_type, str(self.sub_type)),
            ("name", recorded.name or None, self.name or None),
            ("parent_id", recorded.parent_id or None, self.parent_id or None),
        )
        differences = ", ".join(
            f"{member} checkpoint={then!r} current={now!r}" for member, then, now in members if then != now
        )
        raise NonDeterministicExecutionError(
            f"Non-deterministic operation identity at id={self.operation_id!r}: {differences}",
            step_id=self.operation_id,
        )
