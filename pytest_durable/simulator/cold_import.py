"""Cold imports: a handler as a sandbox has it that has just been started, with its module executed anew."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from inspect import unwrap
from types import ModuleType
from typing import Any, cast

from pytest_durable.errors import UsageError
from pytest_durable.simulator.invocation import Handler

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


def import_anew(handler: Handler) -> Handler:
    """Execute the module of ``handler`` again, and return the handler of the module that this makes.

    Module-level state begins as in a new process. Modules that the module imports are not executed again,
    and whoever imports it afterwards gets the one from before.

    Raises:
        UsageError: the handler is local to a function, or its module cannot be executed again.
    """
    function: Callable[..., Any] = unwrap(handler)
    module = sys.modules.get(function.__module__)
    if module is None:
        raise UsageError(
            f"cold_start: handler {function.__qualname__} belongs to module {function.__module__!r}, "
            "which is not imported, so it cannot be imported anew."
        )
    path = _path_in(module, handler, function)
    return cast(Handler, _find(_executed_again(module), path, function))


def path_of(handler: Handler) -> tuple[ModuleType, str] | None:
    """Return the module of the handler and the name, dotted inside a class, by which an import finds it.

    None if no import makes it: it is local to a function, or its module is gone.
    """
    function: Callable[..., Any] = unwrap(handler)
    module = sys.modules.get(function.__module__)
    if module is None:
        return None
    for name, value in vars(module).items():
        if value is handler:
            return module, name
    path = function.__qualname__
    return None if "<locals>" in path else (module, path)


def _path_in(module: ModuleType, handler: Handler, function: Callable[..., Any]) -> str:
    found = path_of(handler)
    if found is None:
        path = function.__qualname__
        raise UsageError(
            f"cold_start: handler {path} is local to a function, so no import makes it anew. "
            f"Define it at the top level of {module.__name__}, or of a module that the test imports."
        )
    return found[1]


def _executed_again(module: ModuleType) -> ModuleType:
    name, spec = module.__name__, module.__spec__
    if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
        raise UsageError(
            f"cold_start: module {name!r} was not imported from a file, so it cannot be imported anew. "
            "Move the handler into a module that the test imports."
        )
    fresh = importlib.util.module_from_spec(spec)
    # Under its own name while it runs: dataclasses and pickle look themselves up there.
    sys.modules[name] = fresh
    try:
        spec.loader.exec_module(fresh)
    except Exception as error:
        raise UsageError(
            f"cold_start: module {name!r} cannot be imported anew: it raised "
            f"{type(error).__name__}: {error}. On Lambda it would fail in each new sandbox but the first."
        ) from error
    finally:
        sys.modules[name] = module
    return fresh


def _find(module: ModuleType, path: str, function: Callable[..., Any]) -> object:
    found: object = module
    for name in path.split("."):
        found = getattr(found, name, None)
    if not getattr(found, "__durable_execution__", False):
        raise UsageError(
            f"cold_start: module {module.__name__!r}, imported anew, has no durable handler {path!r}, "
            f"which is what {function.__qualname__} was found by."
        )
    return found
