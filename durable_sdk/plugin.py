"""Instrumentation plugins: observe executions without taking part in them.

A plugin is a subclass of `DurableInstrumentationPlugin`; a factory makes one for each invocation and is
given to ``durable_execution(plugins=[...])``, or is installed and named in DURABLE_EXECUTION_PLUGINS.
"""

from durable_sdk._plugins.base import DurableInstrumentationPlugin, DurableInstrumentationPluginFactory
from durable_sdk._plugins.executor import PluginExecutor, PluginHost
from durable_sdk._plugins.infos import (
    InvocationEndInfo,
    InvocationInfo,
    InvocationStartInfo,
    InvocationStatus,
    OperationChangeInfo,
    OperationEndInfo,
    OperationInfo,
    OperationStartInfo,
    OperationType,
    PropagationInput,
    PropagationMetadata,
    UserFunctionEndInfo,
    UserFunctionOutcome,
    UserFunctionStartInfo,
)

__all__ = [
    "DurableInstrumentationPlugin",
    "DurableInstrumentationPluginFactory",
    "InvocationEndInfo",
    "InvocationInfo",
    "InvocationStartInfo",
    "InvocationStatus",
    "OperationChangeInfo",
    "OperationEndInfo",
    "OperationInfo",
    "OperationStartInfo",
    "OperationType",
    "PluginExecutor",
    "PluginHost",
    "PropagationInput",
    "PropagationMetadata",
    "UserFunctionEndInfo",
    "UserFunctionOutcome",
    "UserFunctionStartInfo",
]
