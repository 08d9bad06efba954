"""The command that runs a test again as it was run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import pytest


def rerun_command(item: pytest.Item, *more: str, options: Sequence[str] = ()) -> str:
    """Return the command for one test: with ``more``, and those of the ``options`` that were given.

    What the configuration and the environment say holds for it anyway.
    """
    return shlex.join(["pytest", item.nodeid, *more, *_given(item.config, options)])


def _given(config: pytest.Config, options: Sequence[str]) -> list[str]:
    given = []
    for option in options:
        values = config.getoption(option)
        for value in values if isinstance(values, list) else [values]:
            if value is not None:
                given.append(f"{option}={value}")
    return given
