"""Settings of cloud mode: what options, environment and configuration say, read once."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from pytest_durable.cloud.targets import Said, Targets
from pytest_durable.durations import to_microseconds
from pytest_durable.errors import UsageError

# What is asked for on the command line, and only the simulator can do. In the configuration file it is
# for the runs in local mode.
_FOR_THE_SIMULATOR = ("explore", "mutate", "replay", "shard", "report")

PLACE_OPTIONS = (
    "--durable-function-map",
    "--durable-outputs",
    "--durable-region",
    "--durable-endpoint",
    "--durable-cloud-timeout",
)
"""What tells, on the command line, which functions are meant, where they are, and how long to wait."""


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """Where the deployed functions are, and how long calls wait that are given no timeout."""

    targets: Targets
    timeout_seconds: float

    @classmethod
    def of(cls, config: pytest.Config) -> CloudSettings:
        """Return the settings of a test run.

        Raises:
            UsageError: a value is malformed, or an option needs the simulator.
        """
        for name in _FOR_THE_SIMULATOR:
            if config.getoption(f"durable_{name}"):
                raise UsageError(
                    f"--durable-{name} needs the simulator, and --runner-mode=cloud runs deployed functions: "
                    "leave one of them out."
                )
        command_line = Said(
            function_map=config.getoption("durable_function_map"),
            region=config.getoption("durable_region"),
            endpoint=config.getoption("durable_endpoint"),
            outputs=config.getoption("durable_outputs") or (),
        )
        ini = Said(
            function_map=config.getini("durable_function_map"),
            region=config.getini("durable_region"),
            endpoint=config.getini("durable_endpoint"),
            outputs=config.getini("durable_outputs"),
        )
        targets = Targets.of(command_line, ini, os.environ, config.rootpath)
        return cls(targets, _timeout_seconds(config))


def _timeout_seconds(config: pytest.Config) -> float:
    line, ini = config.getoption("durable_cloud_timeout"), config.getini("durable_cloud_timeout")
    name = "--durable-cloud-timeout" if line else "durable_cloud_timeout in the configuration"
    text = line or ini
    # A number is seconds.
    duration = float(text) if text.replace(".", "", 1).isdigit() else text
    seconds = to_microseconds(duration, name) / 1_000_000
    if seconds == 0:
        raise UsageError(f"{name} must be longer than zero.")
    return seconds
