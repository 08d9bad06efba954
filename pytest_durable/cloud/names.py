"""Names of executions: one for each test, worker and call.

An invocation that is repeated under its name starts nothing: the service answers with the execution that has
the name. So each may be tried again, whatever became of the first attempt.
"""

from __future__ import annotations

import re
from itertools import count

# What the service takes, and how long at most.
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 64
_LONGEST_TEST = 30
_LONGEST_WORKER = 8


class ExecutionNames:
    """Names for the executions of one test. ``run`` is a text that no other test run has."""

    def __init__(self, test: str, run: str, worker: str = "main") -> None:
        short = _OTHER.sub("-", test).strip("-")[:_LONGEST_TEST] or "test"
        self._prefix = f"{short}-{_OTHER.sub('-', worker)[:_LONGEST_WORKER]}-{run}"
        self._numbers = count(1)

    def next(self) -> str:
        """Return a name that has not been used."""
        return f"{self._prefix}-{next(self._numbers)}"[-_LONGEST:]
