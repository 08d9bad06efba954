"""Which plugin factories a handler uses: those passed to it, and those that the environment names."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points

from durable_sdk._plugins.base import DurableInstrumentationPlugin, DurableInstrumentationPluginFactory
from durable_sdk._plugins.registration import (
    as_factory,
    check_exclusive_groups,
    described,
    is_factory,
    tell_result,
)
from durable_sdk.exceptions import PluginLoadError

__all__ = ["PLUGIN_ENTRY_POINT_GROUP", "PLUGIN_ENVIRONMENT_VARIABLE", "load_configured_plugins"]

_logger = logging.getLogger(__name__)

PLUGIN_ENTRY_POINT_GROUP = "aws_durable_execution.plugins"
"""The group of entry points under which packages offer plugin factories."""

PLUGIN_ENVIRONMENT_VARIABLE = "DURABLE_EXECUTION_PLUGINS"
"""The environment variable that names the offered factories to use: comma-separated, case-sensitive."""


def load_configured_plugins(
    explicit_plugins: Sequence[DurableInstrumentationPluginFactory | DurableInstrumentationPlugin] | None,
    *,
    environment: Mapping[str, str] | None = None,
) -> list[DurableInstrumentationPluginFactory]:
    """Return the factories to use: ``explicit_plugins`` first, then those that the environment names.

    A plugin among ``explicit_plugins`` serves every invocation itself. A factory that the environment
    names and that was passed, too, is used once. ``environment`` defaults to that of the process.

    Raises:
        PluginLoadError: one of them cannot be used.
    """
    if explicit_plugins is not None and not isinstance(explicit_plugins, Sequence):
        raise PluginLoadError(f"plugins takes a list, got {described(explicit_plugins)}: plugins=[...].")
    explicit = list(explicit_plugins or ())
    candidates: list[object] = list(explicit)
    try:
        factories = [as_factory(value, f"plugins[{index}]") for index, value in enumerate(explicit)]
        for name, entry_point in _named_entry_points(os.environ if environment is None else environment):
            factory = _load(name, entry_point, candidates)
            if any(factory is other for other in factories):
                _logger.warning(
                    "%s names plugin %r, which is in plugins=[...] or was named already; it is used once.",
                    PLUGIN_ENVIRONMENT_VARIABLE,
                    name,
                )
            else:
                factories.append(factory)
        check_exclusive_groups(factories)
    except BaseException:
        tell_result(candidates, registered=False)
        raise
    tell_result(factories, registered=True)
    return factories


def _named_entry_points(environment: Mapping[str, str]) -> list[tuple[str, EntryPoint]]:
    setting = environment.get(PLUGIN_ENVIRONMENT_VARIABLE, "")
    if not setting.strip():
        return []
    names = [name.strip() for name in setting.split(",")]
    for index, name in enumerate(names):
        where = f"{PLUGIN_ENVIRONMENT_VARIABLE}={setting!r}: the name at position {index}"
        if not name:
            raise PluginLoadError(f"{where} is empty. Separate plugin names by single commas.")
        if name in names[:index]:
            raise PluginLoadError(f"{where}, {name!r}, is a duplicate. Name each plugin once.")
    offered = _offered_entry_points()
    return [(name, _only_offer(name, index, offered)) for index, name in enumerate(names)]


def _offered_entry_points() -> list[EntryPoint]:
    try:
        return list(entry_points(group=PLUGIN_ENTRY_POINT_GROUP))
    except Exception as error:
        raise PluginLoadError(
            f"The installed entry points of group {PLUGIN_ENTRY_POINT_GROUP!r} cannot be read: {error}"
        ) from error


def _only_offer(name: str, index: int, offered: Sequence[EntryPoint]) -> EntryPoint:
    offers = [entry_point for entry_point in offered if entry_point.name == name]
    if len(offers) == 1:
        return offers[0]
    where = f"{PLUGIN_ENVIRONMENT_VARIABLE} names plugin {name!r} at position {index}"
    if offers:
        distributions = ", ".join(sorted(_distribution(offer) for offer in offers))
        raise PluginLoadError(
            f"{where}, which several installed distributions offer: {distributions}. Remove all but one."
        )
    installed = ", ".join(sorted({entry_point.name for entry_point in offered})) or "none"
    raise PluginLoadError(
        f"{where}, which no installed distribution offers in entry point group "
        f"{PLUGIN_ENTRY_POINT_GROUP!r}. Installed: {installed}. Add the package that offers it to the "
        "function or to a layer of it."
    )


def _load(
    name: str, entry_point: EntryPoint, candidates: list[object]
) -> DurableInstrumentationPluginFactory:
    where = f"Plugin {name!r} ({entry_point.value} of {_distribution(entry_point)})"
    try:
        factory = entry_point.load()
    except Exception as error:
        raise PluginLoadError(f"{where} cannot be imported: {error}") from error
    # It may own something by now, so it is told, too, if the registration comes to nothing.
    candidates.append(factory)
    if not is_factory(factory):
        raise PluginLoadError(
            f"{where} is {described(factory)}. The entry point has to name a factory: an object with a "
            "method create_plugin(info) that returns a plugin."
        )
    return factory  # type: ignore[no-any-return]


def _distribution(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else "an unknown distribution"
