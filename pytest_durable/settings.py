"""Settings: what the command line and the configuration file say."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.simulator.options import MODES


@dataclass(frozen=True, slots=True)
class Settings:
    """``seed`` is None unless the command line or the configuration file gives one."""

    command_line_seed: int | None
    ini_seed: int | None
    stall_seconds: float
    replay_check: str

    @classmethod
    def from_config(cls, config: pytest.Config) -> Settings:
        """Read the settings.

        Raises:
            UsageError: a value is malformed.
        """
        ini = config.getini("durable_seed")
        try:
            ini_seed = int(ini) if ini else None
        except ValueError:
            raise UsageError(f"durable_seed in the configuration is an integer, got {ini!r}.") from None
        return cls(config.getoption("durable_seed"), ini_seed, _stall_seconds(config), _replay_check(config))

    def seed(self, marker_seed: int | None) -> int:
        """Return the seed of a test: the command line wins, then the marker, then the file, then 0."""
        for seed in (self.command_line_seed, marker_seed, self.ini_seed):
            if seed is not None:
                return seed
        return 0


def _replay_check(config: pytest.Config) -> str:
    ini: str = config.getini("durable_replay_check")
    if ini not in MODES:
        raise UsageError(
            f"durable_replay_check in the configuration is one of {', '.join(MODES)}, got {ini!r}."
        )
    return ini


def _stall_seconds(config: pytest.Config) -> float:
    ini = config.getini("durable_stall_seconds")
    try:
        seconds = float(ini)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"durable_stall_seconds in the configuration is a positive number, got {ini!r}.")
    return seconds
