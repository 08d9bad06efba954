"""Settings: what the command line and the configuration file say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.faults import Fault
from pytest_durable.profiles import PROFILES, checked_value, own_profiles
from pytest_durable.simulator.options import MODES

_key: pytest.StashKey[Settings] = pytest.StashKey()


@dataclass(frozen=True, slots=True)
class Level:
    """What one place says: the command line, or the configuration file.

    ``explores`` is None where nothing is said of it; ``exploring`` has arguments of explorations by name.
    """

    seed: int | None = None
    explores: bool | None = None
    exploring: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a test run. What the marker of a test says stands between the two levels.

    ``shard`` is (index from 0, count), ``replay`` a token.
    """

    command_line: Level
    ini: Level
    stall_seconds: float
    replay_check: str
    shard: tuple[int, int] | None
    replay: str | None

    @classmethod
    def of(cls, config: pytest.Config) -> Settings:
        """Return the settings of a test run, read once.

        Raises:
            UsageError: a value is malformed; it names the option or the key.
        """
        if _key not in config.stash:
            config.stash[_key] = cls._read(config)
        return config.stash[_key]

    @classmethod
    def _read(cls, config: pytest.Config) -> Settings:
        profiles = {**PROFILES, **own_profiles(config.getini("durable_profiles"))}
        names = ("seed", "schedules", "budget", "profile", "explore")
        # A flag that is not given says nothing.
        line = {name: _said(config.getoption(f"durable_{name}")) for name in names}
        ini = {name: _said(config.getini(f"durable_{name}")) for name in names}
        shard = _either(config, "shard")
        return cls(
            command_line=_level(line, profiles, "--durable-{}"),
            ini=_level(ini, profiles, "durable_{} in the configuration"),
            stall_seconds=_stall_seconds(config),
            replay_check=_replay_check(config),
            shard=None if shard is None else _shard(shard),
            replay=_either(config, "replay"),
        )

    def seed(self, marker_seed: int | None) -> int:
        """Return the seed of a test: the command line wins, then the marker, then the file, then 0."""
        for seed in (self.command_line.seed, marker_seed, self.ini.seed):
            if seed is not None:
                return seed
        return 0

    def exploration(
        self, marker: Mapping[str, Any] | None, kinds: tuple[type[Fault], ...] = ()
    ) -> ExplorationSettings | None:
        """Return how a test is explored, None if it is not. ``marker`` is None if it has no marker."""
        if marker is not None:
            is_explored = marker.get("enabled", True)
        else:
            is_explored = self.command_line.explores
            is_explored = self.ini.explores if is_explored is None else is_explored
        if not is_explored:
            return None
        arguments = {**self.ini.exploring, **(marker or {}), **self.command_line.exploring}
        arguments.pop("enabled", None)
        return ExplorationSettings(**arguments, kinds=kinds, shard=self.shard)


def _said(value: Any) -> Any:
    """Return None for what an option or a key that is not given has."""
    return None if value is False or value == "" else value


def _level(given: Mapping[str, Any], profiles: Mapping[str, Mapping[str, Any]], name_of: str) -> Level:
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name == "profile":
            if value not in profiles:
                raise UsageError(
                    f"{name_of.format('profile')} is one of {', '.join(profiles)}; durable_profiles in the "
                    f"configuration adds others. Got {value!r}."
                )
            # What is said by itself goes before what a profile says.
            values = {**profiles[value], **values}
        else:
            values[name] = checked_value(name, value, name_of.format(name))
    return Level(values.pop("seed", None), values.pop("explore", None), values)


def _either(config: pytest.Config, name: str) -> str | None:
    value = config.getoption(f"durable_{name}") or config.getini(f"durable_{name}")
    return value or None


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    try:
        shard = int(number), int(count)
    except ValueError:
        shard = 0, 0
    if not 1 <= shard[0] <= shard[1]:
        raise UsageError(f"--durable-shard is K/N with K from 1 to N, such as 1/4, got {text!r}.")
    return shard[0] - 1, shard[1]


def _replay_check(config: pytest.Config) -> str:
    mode: str = config.getini("durable_replay_check")
    if mode not in MODES:
        raise UsageError(
            f"durable_replay_check in the configuration is one of {', '.join(MODES)}, got {mode!r}."
        )
    return mode


def _stall_seconds(config: pytest.Config) -> float:
    ini = config.getini("durable_stall_seconds")
    try:
        seconds = float(ini)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise UsageError(f"durable_stall_seconds in the configuration is a positive number, got {ini!r}.")
    return seconds
