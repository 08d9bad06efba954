"""The vocabulary of the durable execution service: operations, updates, clients, statuses and errors."""

from durable_sdk._operation_update import (
    CallbackOptions,
    ChainedInvokeOptions,
    ContextOptions,
    OperationUpdate,
    StepOptions,
    WaitOptions,
)
from durable_sdk._service_client import DurableServiceClient, LambdaClient
from durable_sdk._wire.codec import TimestampConverter
from durable_sdk._wire.enums import (
    InvocationStatus,
    OperationAction,
    OperationStatus,
    OperationSubType,
    OperationType,
)
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import DurableExecutionInvocationOutput
from durable_sdk._wire.messages import (
    CallbackDetails,
    CallbackTimeoutType,
    ChainedInvokeDetails,
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    ContextDetails,
    ExecutionDetails,
    Operation,
    OperationPayload,
    ReplayChildren,
    StateOutput,
    StepDetails,
    TimeoutSeconds,
    WaitDetails,
)

__all__ = [
    "CallbackDetails",
    "CallbackOptions",
    "CallbackTimeoutType",
    "ChainedInvokeDetails",
    "ChainedInvokeOptions",
    "CheckpointOutput",
    "CheckpointUpdatedExecutionState",
    "ContextDetails",
    "ContextOptions",
    "DurableExecutionInvocationOutput",
    "DurableServiceClient",
    "ErrorObject",
    "ExecutionDetails",
    "InvocationStatus",
    "LambdaClient",
    "Operation",
    "OperationAction",
    "OperationPayload",
    "OperationStatus",
    "OperationSubType",
    "OperationType",
    "OperationUpdate",
    "ReplayChildren",
    "StateOutput",
    "StepDetails",
    "StepOptions",
    "TimeoutSeconds",
    "TimestampConverter",
    "WaitDetails",
    "WaitOptions",
]
