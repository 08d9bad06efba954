"""wait_for_callback: a child context that creates a callback, hands out its id in a step, and waits."""

from __future__ import annotations

from durable_sdk.exceptions import (
    CallbackError,
    CallbackSubmitterError,
    ChildContextError,
    DurableOperationError,
    StepError,
    operation_error_class,
)


def callback_name(name: str | None) -> str:
    """Return the name of the callback inside a wait_for_callback of that name."""
    return f"{name} create callback id" if name else "create callback id"


def submitter_name(name: str | None) -> str:
    """Return the name of the step inside a wait_for_callback of that name."""
    return f"{name} submitter" if name else "submitter"


def surface(error_type: str | None) -> type[DurableOperationError]:
    """Return the error that leaves a wait_for_callback for what left its inside."""
    cls = operation_error_class(error_type)
    if issubclass(cls, CallbackError):
        return cls
    return CallbackSubmitterError if cls is StepError else ChildContextError
