"""Every exception of the plugin.

::

    Exception
      DurableTestError               base
        UsageError                   a marker, option or call was wrong; nothing has run
        UnusedScriptError            a script did not come to use, or not as often as it says
        DurableStuckError            the execution can make no progress
        CheckerError                 a property of every run does not hold
        NonDeterminismError          two runs that had to be equal differ
        HistoryError                 a recorded history does not make sense
        OperationNotFoundError       a result has no such operation
        ExecutionFailedError         raise_for_status() of an execution that did not succeed
"""

from __future__ import annotations


class DurableTestError(Exception):
    """Base of the errors of pytest_durable."""


class UsageError(DurableTestError):
    """An argument was wrong. Raised before any handler runs."""


class UnusedScriptError(DurableTestError):
    """What a test decided beforehand did not come to use, or not as often as it says."""


class DurableStuckError(DurableTestError):
    """The execution is unfinished and nothing that could move it on is going to happen."""


class CheckerError(DurableTestError):
    """A property that holds in every run of a sound SDK and service does not hold here."""


class NonDeterminismError(DurableTestError):
    """Two runs of the same handler on the same input, seed and schedule differ."""


class HistoryError(DurableTestError):
    """A recorded history does not make sense."""


class OperationNotFoundError(DurableTestError, LookupError):
    """A result has no operation of that name and kind."""


class ExecutionFailedError(DurableTestError):
    """The execution did not succeed; the message holds its status and error."""
