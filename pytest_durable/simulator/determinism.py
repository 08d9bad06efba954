"""The self-check: the same run twice has to give the same history, byte for byte.

What it shows is that this input under this schedule depends on nothing but them, in this process. It cannot
show what another process would change, such as the order of a set of texts under another PYTHONHASHSEED.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_durable.errors import NonDeterminismError, UsageError
from pytest_durable.history.codec import canonical_text
from pytest_durable.result.diff import first_difference
from pytest_durable.result.execution import DurableFunctionTestResult

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


def check_deterministic(run: Callable[[], DurableFunctionTestResult], runs: int) -> DurableFunctionTestResult:
    """Call ``run`` several times and compare the histories; return the first result.

    Raises:
        NonDeterminismError: two differ.
        UsageError: fewer than two runs were asked for.
    """
    if type(runs) is not int or runs < 2:
        raise UsageError(f"Comparing takes at least 2 runs, got {runs!r}.")
    first = run()
    expected = _whole_history(first)
    for number in range(2, runs + 1):
        other = _whole_history(run())
        if canonical_text(other) != canonical_text(expected):
            difference = first_difference(expected, other)
            raise NonDeterminismError(
                f"Run {number} differs from run 1 although input, seed and schedule are the same. "
                "The handler depends on something that neither decides: the machine, a generator "
                "that the seed does not reach, or state that outlives a run.\n"
                f"{difference}"
            )
    return first


def _whole_history(result: DurableFunctionTestResult) -> list[dict[str, Any]]:
    """Return the events of an execution, then those of the executions that it has invoked."""
    return [*result.history, *(event for invoked in result.invoked for event in _whole_history(invoked))]
