"""pytest_durable: deterministic tests for AWS Lambda durable functions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_durable._version import __version__

if TYPE_CHECKING:
    from pytest_durable.endpoint.mocking import mock_durable
    from pytest_durable.runner import (
        DurableChildContextTestRunner,
        DurableFunctionCloudTestRunner,
        DurableFunctionTestResult,
        DurableFunctionTestRunner,
    )

__all__ = [
    "DurableChildContextTestRunner",
    "DurableFunctionCloudTestRunner",
    "DurableFunctionTestResult",
    "DurableFunctionTestRunner",
    "__version__",
    "mock_durable",
]

_HOMES = {"mock_durable": "pytest_durable.endpoint.mocking"}


def __getattr__(name: str) -> Any:
    # pytest imports this package with the plugin, before it is known whether any test needs the rest.
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "pytest_durable.runner")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
