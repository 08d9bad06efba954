"""Registration: which objects are plugin factories, which of them exclude each other, and telling them so.

A factory class opts in to more than `create_plugin` with ``__durable_registration_api__ = 1``. It may then
name an ``exclusive_group``, of which one factory may be registered, and have
``on_registration_result(registered)`` called. Without the marker attributes of these names mean nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from inspect import Parameter, getattr_static, isfunction, isroutine, signature
from typing import Any

from durable_sdk._plugins.base import DurableInstrumentationPlugin, DurableInstrumentationPluginFactory
from durable_sdk._plugins.infos import InvocationStartInfo
from durable_sdk.exceptions import PluginLoadError, qualified_name

_logger = logging.getLogger("durable_sdk.plugin")

_MARKER = "__durable_registration_api__"
_VERSION = 1


class _InstanceFactory:
    """Hands out one plugin for every invocation."""

    def __init__(self, plugin: DurableInstrumentationPlugin) -> None:
        self._plugin = plugin

    def create_plugin(self, info: InvocationStartInfo, /) -> DurableInstrumentationPlugin:
        return self._plugin


def as_factory(value: object, where: str) -> DurableInstrumentationPluginFactory:
    """Return ``value`` if it is a factory, and a factory for it if it is a plugin.

    Raises:
        PluginLoadError: it is neither; ``where`` says which one it is.
    """
    if is_factory(value):
        return value  # type: ignore[return-value]
    if isinstance(value, DurableInstrumentationPlugin):
        return _InstanceFactory(value)
    raise PluginLoadError(f"{where} is {described(value)}, which is no plugin factory: {_reason(value)}")


def is_factory(value: object) -> bool:
    """Return whether ``value.create_plugin`` can be called with one argument. It is not called."""
    create_plugin = getattr(value, "create_plugin", None)
    if not callable(create_plugin):
        return False
    if isinstance(value, type) and _needs_an_instance(value, create_plugin):
        return False
    return _takes_one_argument(create_plugin)


def _needs_an_instance(cls: type, create_plugin: object) -> bool:
    """Return whether it is an ordinary method, which would take the info for its ``self``."""
    declared = getattr_static(cls, "create_plugin", None)
    return isfunction(create_plugin) and not isinstance(declared, staticmethod)


def _takes_one_argument(func: Any) -> bool:
    try:
        shape = signature(func)
    except (TypeError, ValueError):
        # Written in C, most likely: there is nothing to read, so the benefit of the doubt.
        return True
    try:
        shape.bind(Parameter.empty)
    except TypeError:
        return False
    return True


def _reason(value: object) -> str:
    """Say what is wrong with ``value``, and what to pass instead."""
    if isinstance(value, type) and issubclass(value, DurableInstrumentationPlugin):
        return "pass an object whose create_plugin(info) returns a plugin, or a plugin itself."
    create_plugin = getattr(value, "create_plugin", None)
    if create_plugin is None:
        return "a factory is an object with a method create_plugin(info) that returns a plugin."
    if not callable(create_plugin):
        return f"its create_plugin is {described(create_plugin)}, and cannot be called."
    if isinstance(value, type) and _needs_an_instance(value, create_plugin):
        return f"create_plugin is a method of its instances; pass an instance: {value.__name__}(...)."
    return "its create_plugin cannot be called with one argument, the InvocationStartInfo."


def described(value: object) -> str:
    """Name a value in a message: classes and functions by their own names, others by that of their type."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {qualified_name(value)}"
    if isroutine(value):
        module = getattr(value, "__module__", None) or "builtins"
        return f"the function {module}.{getattr(value, '__qualname__', '?')}"
    return f"an object of type {qualified_name(type(value))}"


def check_exclusive_groups(factories: Sequence[object]) -> None:
    """Check that no two factories are of the same exclusive group.

    Raises:
        PluginLoadError: two are, or a group is no text.
    """
    owners: dict[str, type] = {}
    for factory in factories:
        cls = _class_of(factory)
        for group in _groups(cls):
            other = owners.setdefault(group, cls)
            if other is not cls:
                raise PluginLoadError(
                    f"Plugin factories {qualified_name(other)} and {qualified_name(cls)} are mutually "
                    f"exclusive (group {group!r}). Keep one of them in plugins and "
                    "DURABLE_EXECUTION_PLUGINS."
                )
        duplicates = [earlier for earlier in factories if _class_of(earlier) is cls]
        if _groups(cls) and len(duplicates) > 1:
            raise PluginLoadError(
                f"Plugin factory {qualified_name(cls)} is registered more than once in exclusive group "
                f"{_groups(cls)[0]!r}. Keep one of them in plugins and DURABLE_EXECUTION_PLUGINS."
            )


def tell_result(candidates: Sequence[object], *, registered: bool) -> None:
    """Call ``on_registration_result`` of every candidate that opted in, once. What it raises is logged."""
    told: list[object] = []
    for candidate in candidates:
        if any(candidate is other for other in told):
            continue
        told.append(candidate)
        try:
            callback = _result_callback(candidate)
            if callable(callback):
                callback(registered)
        except Exception:
            _logger.exception("on_registration_result of %s raised; ignored.", described(candidate))


def _class_of(factory: object) -> type:
    return factory if isinstance(factory, type) else type(factory)


def _opted_in(namespace: dict[str, Any] | Any) -> bool:
    # True equals 1; only the number itself is the marker.
    version = namespace.get(_MARKER)
    return type(version) is int and version == _VERSION


def _contract_of(cls: type) -> type | None:
    """Return the class whose marker decides: the first in the method resolution order that has one."""
    for base in cls.__mro__:
        if _MARKER in vars(base):
            return base if _opted_in(vars(base)) else None
    return None


def _groups(cls: type) -> list[str]:
    """Return the exclusive groups that the class and its bases have opted in to."""
    if _contract_of(cls) is None:
        return []
    groups: list[str] = []
    for base in cls.__mro__:
        if not _opted_in(vars(base)):
            continue
        group = getattr(base, "exclusive_group", None)
        if group is None:
            continue
        if not isinstance(group, str) or not group.strip():
            raise PluginLoadError(
                f"Plugin factory {qualified_name(cls)} has the exclusive_group {group!r}; "
                "it is a text that is not blank, or None."
            )
        if group not in groups:
            groups.append(group)
    return groups


def _result_callback(factory: object) -> object | None:
    """Return the callback of the class that opted in; a subclass's method of that name is its own affair."""
    contract = _contract_of(_class_of(factory))
    if contract is None:
        return None
    if contract is _class_of(factory):
        return getattr(factory, "on_registration_result", None)
    for base in contract.__mro__:
        callback = vars(base).get("on_registration_result")
        if callback is not None:
            bind = getattr(callback, "__get__", None)
            bound: object = callback if bind is None else bind(factory, type(factory))
            return bound
    return None
