"""Runs of pytest in processes of their own, forked from one that has imported it and the plugin already.

A new interpreter takes most of a second to import them, and the tests of the documentation need hundreds.
Run as a script, this is that process: a line of JSON for each run comes in, its exit code goes out.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

# What nearly every run imports, but for the plugin itself: pytest rewrites the assertions of what it loads.
_PRELOADED = (
    "pytest",
    "_pytest.assertion.rewrite",
    "durable_sdk",
    "freezegun",
    "pytest_durable.fixtures",
    "pytest_durable.campaign.durable_test",
    "pytest_durable.campaign.telling",
    "pytest_durable.simulator.trials",
)


class Done(NamedTuple):
    """What became of a run."""

    returncode: int
    output: str


class Zygote:
    """The process that runs are forked from; started at the first run."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def pytest(self, arguments: list[str], folder: Path, environment: Mapping[str, str]) -> Done:
        """Run pytest in a folder and an environment, as ``python -m pytest`` does."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            atexit.register(self._end)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        output = folder / ".output"
        job = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(environment),
            "output": str(output),
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that runs are forked from has ended"
        text = output.read_text(encoding="utf-8", errors="replace")
        output.unlink()
        return Done(int(answer), text)

    def _end(self) -> None:
        assert self._process is not None
        # Its input ends, and so does it.
        self._process.communicate()


def _run(job: dict[str, object]) -> int:
    """Be the process of one run."""
    import pytest

    output = os.open(str(job["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(job["environment"])  # type: ignore[call-overload]
    os.chdir(str(job["folder"]))
    sys.path[0] = str(job["folder"])
    sys.argv = ["pytest", *map(str, job["arguments"])]  # type: ignore[call-overload]
    return int(pytest.main(list(job["arguments"])))  # type: ignore[call-overload]


def main() -> None:
    """Fork a process for each run that is asked for, one after the other."""
    for module in _PRELOADED:
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                code = _run(json.loads(line))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
