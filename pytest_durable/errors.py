"""Every exception of the plugin.

::

    DurableFunctionsTestError        AWS's name for the base, in pytest_durable.exceptions
      DurableTestError               base of ours
        UsageError                   a marker, option or call was wrong; nothing has run
        UnusedScriptError            a script did not come to use, or not as often as it says
          UnusedFaultError           a fault never struck
        DurableStuckError            the execution can make no progress
        CheckerError                 a property of every run does not hold
        NonDeterminismError          two runs that had to be equal differ
        HistoryError                 a recorded history does not make sense
        OperationNotFoundError       a result has no such operation
        ExecutionFailedError         raise_for_status() of an execution that did not succeed
        ServiceError                 the simulated service refuses a request, as that of AWS does
        CloudError                   something on the way to a deployed function fails
          RefusedError               the service refuses a request of cloud mode; a ServiceError, too
"""

from __future__ import annotations

from typing import Any

from pytest_durable.exceptions import DurableFunctionsTestError


class DurableTestError(DurableFunctionsTestError):
    """Base of the errors of pytest_durable."""


class UsageError(DurableTestError):
    """An argument was wrong. Raised before any handler runs."""


class UnusedScriptError(DurableTestError):
    """What a test decided beforehand did not come to use, or not as often as it says."""


class UnusedFaultError(UnusedScriptError):
    """A fault was injected and never struck."""


class DurableStuckError(DurableTestError):
    """The execution is unfinished and nothing that could move it on is going to happen."""


class CheckerError(DurableTestError):
    """A property that holds in every run of a sound SDK and service does not hold here."""


class NonDeterminismError(DurableTestError):
    """Two runs of the same handler on the same input, seed and schedule differ, or a replay from its run."""


class HistoryError(DurableTestError):
    """A recorded history does not make sense."""


class OperationNotFoundError(DurableTestError, LookupError):
    """A result has no operation of that name and kind."""


class ExecutionFailedError(DurableTestError):
    """The execution did not succeed; the message holds its status and error."""


class ServiceError(DurableTestError):
    """The service refuses a request. ``response`` is what botocore's ClientError carries.

    The text begins with the service's code, such as ``ResourceNotFoundException``.
    """

    code: str
    status: int

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def response(self) -> dict[str, Any]:
        """The error answer as botocore presents it."""
        return {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": self.status},
        }

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class CloudError(DurableTestError):
    """Something on the way to a deployed function fails. The message says what to do about it."""


class RefusedError(CloudError, ServiceError):
    """The service refuses a request of cloud mode. ``advice`` says what to do about it."""

    def __init__(self, code: str, status: int, message: str, what: str, advice: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        said = f"{self.code}: {self.what} is refused: {self.message}"
        if not self.advice:
            return said
        return f"{said if said.endswith(('.', '!', '?')) else f'{said}.'} {self.advice}"
