"""Lineage: which contexts lie inside which, and which of them have ended."""

from __future__ import annotations

from durable_sdk.exceptions import OrphanedChildException


class Lineage:
    """Finds the ended context above an operation, however deep the operation lies.

    Work below an ended context (a branch that its batch no longer waits for) must not be recorded: a
    replay answers from the context's own record and would never see it. Asking by ancestor, not by the
    ids seen so far, also refuses operations that such a branch begins afterwards.
    """

    def __init__(self) -> None:
        self._parents: dict[str, str | None] = {}
        self._names: dict[str, str | None] = {}
        self._ended: set[str] = set()

    def add(self, context_id: str, parent_id: str | None, name: str | None = None) -> None:
        """Record that ``context_id`` lies inside ``parent_id`` (None is the root), and what it is called."""
        self._parents[context_id] = parent_id
        self._names[context_id] = name

    def path(self, parent_id: str | None, name: str | None) -> tuple[str | None, ...]:
        """Return the names of the contexts around an operation, outermost first, and its own."""
        names = [name]
        while parent_id is not None:
            names.append(self._names.get(parent_id))
            parent_id = self._parents.get(parent_id)
        return tuple(reversed(names))

    def end(self, context_id: str) -> None:
        """Record that the context has ended."""
        self._ended.add(context_id)

    def ended_above(self, parent_id: str | None) -> str | None:
        """Return the nearest ended context at or above ``parent_id``, None if all are open."""
        if not self._ended:
            return None
        while parent_id is not None:
            if parent_id in self._ended:
                return parent_id
            parent_id = self._parents.get(parent_id)
        return None

    def demand_open(self, operation_id: str, parent_id: str | None, name: str | None) -> None:
        """Check that every context above an operation is open.

        Raises:
            OrphanedChildException: one has ended.
        """
        ended = self.ended_above(parent_id)
        if ended is not None:
            raise OrphanedChildException(
                f"Operation {name or operation_id!r} lies below context {ended!r}, which has ended.",
                operation_id,
            )
