"""In order: everything happens in the order in which it arrived."""

from __future__ import annotations


class InOrder:
    """Always takes the ordinary option."""

    is_ordinary = True

    def pick(self, kind: str, options: int) -> int:
        """Return 0."""
        return 0
