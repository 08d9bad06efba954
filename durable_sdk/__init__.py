"""durable_sdk: durable functions on AWS Lambda.

A durable handler is ordinary Python that survives crashes and waits for days: every finished operation is
checkpointed, and after each wait, retry or crash the handler runs again from the top, finished operations
answering from their checkpoints.
"""

from durable_sdk._version import __version__
from durable_sdk.concurrency.models import BatchResult
from durable_sdk.config import BatchItemStatus, ParallelBranch
from durable_sdk.context import (
    DurableContext,
    StepContext,
    durable_step,
    durable_with_child_context,
)
from durable_sdk.exceptions import (
    ChildContextError,
    DurableExecutionsError,
    DurableOperationError,
    ExecutionError,
    InvocationError,
    RetryableSerDesError,
    SerDesError,
    StepError,
    ValidationError,
)
from durable_sdk.execution import durable_execution

__all__ = [
    "BatchItemStatus",
    "BatchResult",
    "ChildContextError",
    "DurableContext",
    "DurableExecutionsError",
    "DurableOperationError",
    "ExecutionError",
    "InvocationError",
    "ParallelBranch",
    "RetryableSerDesError",
    "SerDesError",
    "StepContext",
    "StepError",
    "ValidationError",
    "__version__",
    "durable_execution",
    "durable_step",
    "durable_with_child_context",
]
