"""Effects: what a change of state implies for the future, returned as data and acted on by the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StartTimer:
    """The operation is to be looked at again at ``due`` (microseconds since the epoch)."""

    operation_id: str
    due: int


Effect: TypeAlias = StartTimer
