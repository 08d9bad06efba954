"""The deliberate differences of our public surface from AWS's, each with its reason.

This table is rendered into ``docs/explanation/api-differences.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Difference:
    """Names that are missing or different on purpose.

    ``names`` are patterns of module:Class.member(parameter). Both texts are for readers of the documentation.
    """

    names: tuple[str, ...]
    ours: str
    reason: str

    def allows(self, name: str) -> bool:
        """Return whether the entry is about that name, or about something inside it."""
        return any(fnmatchcase(name, pattern) for pattern in self.names)


DIFFERENCES: tuple[Difference, ...] = ()
