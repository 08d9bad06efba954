"""The world that the handlers of the corpus act upon: a gateway, a mail server, a table, a file.

It outlives sandboxes, as such systems do, and each run of a test begins with an empty one. What is done to
it is written into the ledger `durable_effects`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytest_durable.effects import EffectLedger


class Outside:
    """Systems that handlers call."""

    ledger: EffectLedger

    def __init__(self) -> None:
        self.table: dict[str, Any] = {}
        self._seen: set[tuple[str, str]] = set()
        self.folder = Path(os.devnull)

    def begin(self, ledger: EffectLedger, folder: Path) -> None:
        """Become empty, and tell what is done to this ledger."""
        self.__init__()  # type: ignore[misc]
        self.ledger, self.folder = ledger, folder
        for entry in os.scandir(folder):
            os.unlink(entry)

    def do(self, name: str, key: str | None = None, **data: Any) -> None:
        """Do something that a second call would do again, unless it has the same ``key``."""
        if key is not None:
            if (name, key) in self._seen:
                return
            self._seen.add((name, key))
        self.ledger.record(name, key=key, **data)

    def read(self, row: str, default: Any = None) -> Any:
        """Read a row; what somebody else writes afterwards is not seen."""
        value = self.table.get(row, default)
        self.ledger.record(f"read {row}")
        return value

    def write(self, row: str, value: Any, key: str | None = None) -> None:
        """Write a row, whatever is there; with a ``key``, once for each."""
        if key is not None:
            if (row, key) in self._seen:
                return
            self._seen.add((row, key))
        self.table[row] = value
        self.ledger.record(f"write {row}", value=value)

    def add(self, row: str, amount: int, key: str, floor: int | None = None) -> bool:
        """Add to a row at a single stroke, once for each ``key``; refuse to come below ``floor``."""
        if (row, key) in self._seen:
            return True
        value = self.table.get(row, 0) + amount
        if floor is not None and value < floor:
            return False
        self._seen.add((row, key))
        self.table[row] = value
        self.ledger.record(f"add to {row}", key=key, value=value)
        return True


outside = Outside()
