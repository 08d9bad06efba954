"""Botocore's model of Lambda: which operations there are, and where."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

# Those of them are answered that the installed botocore knows: pause, resume and delete came later.
_OPERATIONS = (
    "Invoke",
    "CheckpointDurableExecution",
    "GetDurableExecution",
    "GetDurableExecutionHistory",
    "GetDurableExecutionState",
    "ListDurableExecutionsByFunction",
    "StopDurableExecution",
    "SendDurableExecutionCallbackSuccess",
    "SendDurableExecutionCallbackFailure",
    "SendDurableExecutionCallbackHeartbeat",
    "PauseDurableExecution",
    "ResumeDurableExecution",
    "DeleteDurableExecution",
)

_LABEL = re.compile(r"\\\{(\w+)\\\}")


class Route(NamedTuple):
    """Where an operation is found. The groups of ``path`` are the labels of the URI, percent-encoded."""

    method: str
    path: re.Pattern[str]
    operation: OperationModel


@cache
def lambda_model() -> ServiceModel:
    """Return botocore's model of Lambda."""
    # A session that serves no request over HTTP needs no botocore, which takes long to import.
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")


@cache
def supported_operations() -> tuple[str, ...]:
    """Return the names of the operations that are answered."""
    known = lambda_model().operation_names
    return tuple(name for name in _OPERATIONS if name in known)


@cache
def operation_model(operation: str) -> OperationModel:
    """Return botocore's model of an operation."""
    return lambda_model().operation_model(operation)


@cache
def routes() -> tuple[Route, ...]:
    """Return where the operations are found that are answered."""
    found = []
    for name in supported_operations():
        operation = operation_model(name)
        pattern = _LABEL.sub(r"(?P<\1>[^/]*)", re.escape(operation.http["requestUri"]))
        found.append(Route(operation.http["method"], re.compile(pattern), operation))
    return tuple(found)
