"""Names of executions: one for each call of each test.

An invocation that is repeated under its name starts nothing: the service answers with the execution that has
the name. So each may be tried again, whatever became of the first attempt; and if two calls had one name, the
second would invoke nothing, and the test see what the first has come to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

from pytest_durable.cloud.clock import unique_text

# What the service takes, and how long at most.
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 64
_LONGEST_TEST = 30
_LONGEST_WORKER = 8


class ExecutionNames:
    """Names for the executions of one test: what is shown of its own name, the worker, and a number.

    Others may show the same, as parameters of one test, tests of two classes and a test that is run again do,
    so each name has a text of its own, too. ``numbers`` are those of the whole run, where there are others.
    """

    def __init__(
        self,
        test: str,
        worker: str = "main",
        *,
        numbers: Iterator[int] | None = None,
        unique: Callable[[], str] = unique_text,
    ) -> None:
        short = _OTHER.sub("-", test).strip("-")[:_LONGEST_TEST] or "test"
        self._prefix = f"{short}-{_OTHER.sub('-', worker)[:_LONGEST_WORKER]}"
        self._numbers = count(1) if numbers is None else numbers
        self._unique = unique

    def next(self) -> str:
        """Return a name that nobody else has."""
        return f"{self._prefix}-{self._unique()}-{next(self._numbers)}"[-_LONGEST:]
