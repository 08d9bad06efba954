"""The vocabulary of the durable execution service: types, statuses and errors of operations."""

from durable_sdk._wire.enums import (
    InvocationStatus,
    OperationAction,
    OperationStatus,
    OperationSubType,
    OperationType,
)
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import (
    DurableExecutionInvocationInput,
    DurableExecutionInvocationOutput,
)

__all__ = [
    "DurableExecutionInvocationInput",
    "DurableExecutionInvocationOutput",
    "ErrorObject",
    "InvocationStatus",
    "OperationAction",
    "OperationStatus",
    "OperationSubType",
    "OperationType",
]
