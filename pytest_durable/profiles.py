"""Profiles: named sets of settings, those of this package and those of the configuration file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from pytest_durable.errors import UsageError
from pytest_durable.exploration.settings import ExplorationSettings

PROFILES: Final[Mapping[str, Mapping[str, Any]]] = {
    # Bounded by a count alone, with one seed, so that a build does the same on every machine.
    "ci": {"seed": 0, "schedules": 300},
    # For a machine that has the night. The time is for each test.
    "nightly": {
        "explore": True,
        "crashes": "pairs",
        "interleavings": 2_000,
        "callbacks": ("duplicate", "late", "early", "reordered"),
        "schedules": 50_000,
        "budget": "10m",
    },
}
"""The profiles of this package. Their figures are in the documentation."""

_INTEGERS = ("seed", "schedules", "depth", "orders", "preemptions", "advances")
_TEXTS = ("crashes", "api_faults", "budget")
KEYS = ("explore", "interleavings", "callbacks", *_INTEGERS, *_TEXTS)
"""What a profile may set."""

_TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False}


def own_profiles(lines: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parse lines such as ``thorough: crashes=pairs budget=5m``.

    Raises:
        UsageError: a line is malformed; it shows the line.
    """
    profiles: dict[str, dict[str, Any]] = {}
    for line in lines:
        name, colon, rest = line.partition(":")
        pairs = [pair.partition("=") for pair in rest.split()]
        if not (colon and name.strip() and pairs and all(equals for _, equals, _ in pairs)):
            raise UsageError(
                "A line of durable_profiles in the configuration is a name and settings, such as "
                f"'thorough: crashes=pairs budget=5m', got {line!r}."
            )
        source = f"profile {name.strip()!r} in the configuration"
        profiles[name.strip()] = {key: checked_value(key, text, source) for key, _, text in pairs}
    return profiles


def checked_value(key: str, value: Any, source: str) -> Any:
    """Return the value of a setting, which may be given as text; ``source`` names where it stands.

    Raises:
        UsageError: there is no such setting, or it takes other values.
    """
    if key not in KEYS:
        near = get_close_matches(key, KEYS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"{source}: there is no setting {key!r}.{hint} There are {', '.join(KEYS)}.")
    # The source may be the option or the ini key of this very setting.
    is_named = source.replace("-", "_").split()[0].endswith(f"durable_{key}")
    named = source if is_named else f"{source}: {key}"
    if isinstance(value, str):
        value = _parsed(key, value, named)
    if key not in ("seed", "explore"):
        try:
            ExplorationSettings(**{key: value})
        except UsageError as error:
            raise UsageError(f"{source}: {error}") from None
    return value


def _parsed(key: str, text: str, named: str) -> Any:
    if key == "explore":
        if text.lower() not in _TRUTHS:
            raise UsageError(f"{named} is true or false, got {text!r}.")
        return _TRUTHS[text.lower()]
    if key == "callbacks":
        return tuple(text.split(","))
    if key in _INTEGERS or (key == "interleavings" and text != "exhaustive"):
        try:
            return int(text)
        except ValueError:
            kind = "a number or 'exhaustive'" if key == "interleavings" else "an integer"
            raise UsageError(f"{named} is {kind}, got {text!r}.") from None
    return text
