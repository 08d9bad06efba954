"""Identity of operations: from a position in the handler to an id, and from a record back to a position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Protocol, Self

from durable_sdk._wire.enums import OperationType
from durable_sdk._wire.operations import Identity
from durable_sdk.exceptions import NonDeterministicExecutionError


# Pure, and asked for the same few thousand positions by every replay.
@lru_cache(maxsize=1 << 16)
def operation_id(prefix: str | None, position: int) -> str:
    """Return the id of the ``position``-th operation of the context ``prefix`` (None is the root).

    64 hexadecimal characters that depend on nothing else, so a replay arrives at the same ids.
    """
    text = f"{prefix}-{position}" if prefix else str(position)
    return blake2b(text.encode()).hexdigest()[:64]


@dataclass(frozen=True, slots=True)
class OperationIdNamespace:
    """The ids of the operations of a context; ``prefix`` is the context's own id, None at the root."""

    prefix: str | None = None

    def create_id_for_step(self, step: int) -> str:
        """Return the id of the operation at a position, counted from 1."""
        return operation_id(self.prefix, step)


class Recorded(Protocol):
    """What tells of an operation which one it is."""

    @property
    def identity(self) -> Identity: ...


class _Members(NamedTuple):
    operation_id: str
    sub_type: str
    parent_id: str | None
    name: str | None
    operation_type: OperationType


# A named tuple is made in a third of the time of a frozen dataclass, and every operation makes one.
class OperationIdentifier(_Members):
    """What the handler is about to do: ``sub_type`` is what it was written as, ``parent_id`` the id of
    the nearest recorded context around it."""

    __slots__ = ()

    def __new__(
        cls,
        operation_id: str,
        sub_type: str,
        parent_id: str | None = None,
        name: str | None = None,
        *,
        operation_type: OperationType,
    ) -> Self:
        return tuple.__new__(cls, (operation_id, sub_type, parent_id, name, operation_type))

    def __getnewargs_ex__(self) -> tuple[tuple[str | None, ...], dict[str, OperationType]]:
        return self[:4], {"operation_type": self.operation_type}

    @property
    def type(self) -> OperationType:
        """The operation's type."""
        return self.operation_type

    @property
    def label(self) -> str:
        """What messages call it: its name, or its id if it has none, in quotes."""
        return repr(self.name or self.operation_id)

    def validate_checkpoint(self, checkpoint: Recorded | None) -> None:
        """Check that what is recorded at this id, if anything is, is of this operation.

        Raises:
            NonDeterministicExecutionError: another operation was recorded at this position. The message
                lists each member that differs.
        """
        if checkpoint is None:
            return
        current = (self.operation_type, self.sub_type, self.name or None, self.parent_id or None)
        if checkpoint.identity == current:
            return
        members = ("type", "subtype", "name", "parent_id")
        differences = ", ".join(
            f"{member} checkpoint={_text(then)!r} current={_text(now)!r}"
            for member, then, now in zip(members, checkpoint.identity, current, strict=True)
            if then != now
        )
        raise NonDeterministicExecutionError(
            f"Non-deterministic operation identity at id={self.operation_id!r}: {differences}",
            step_id=self.operation_id,
        )


def _text(member: OperationType | str | None) -> str | None:
    if isinstance(member, OperationType):
        return member.value
    return None if member is None else str(member)
