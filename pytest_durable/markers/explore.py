"""The marker ``durable_explore``: under which schedules a test runs again."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.markers.wording import did_you_mean, wrong

DURABLE_EXPLORE = "durable_explore"

# What tests may say of an exploration; kinds come from hooks, and the shard from the command line.
ARGUMENTS = (
    "crashes",
    "interleavings",
    "api_faults",
    "callbacks",
    "budget",
    "schedules",
    "depth",
    "orders",
    "preemptions",
    "advances",
)


def exploration_arguments(item: pytest.Item) -> dict[str, Any] | None:
    """Return the arguments of the closest marker; None if there is none.

    Under ``enabled`` stands False if the test is not to be explored, whatever the command line says.

    Raises:
        UsageError: an argument is wrong; it names the argument and the test.
    """
    marker = item.get_closest_marker(DURABLE_EXPLORE)
    if marker is None:
        return None
    if marker.args:
        given = ", ".join(map(repr, marker.args))
        raise wrong(
            DURABLE_EXPLORE, item, f"takes the arguments {', '.join(ARGUMENTS)} by name; got {given}."
        )
    arguments = dict(marker.kwargs)
    for name in arguments:
        if name not in (*ARGUMENTS, "enabled"):
            raise wrong(
                DURABLE_EXPLORE,
                item,
                f"there is no argument {name!r}.{did_you_mean(name, ARGUMENTS)} It takes "
                f"{', '.join(ARGUMENTS)}.",
            )
    if not isinstance(arguments.get("enabled", True), bool):
        raise wrong(DURABLE_EXPLORE, item, f"enabled is True or False, got {arguments['enabled']!r}.")
    try:
        ExplorationSettings(**{name: value for name, value in arguments.items() if name != "enabled"})
    except UsageError as error:
        raise wrong(DURABLE_EXPLORE, item, error) from None
    return arguments
