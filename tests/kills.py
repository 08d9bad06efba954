"""Kills sandboxes and servers at random moments, and sees whether anything that was acknowledged is lost.

``python -m kills SANDBOXES SERVERS [SEED]`` kills so many of each, and prints what came of it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from served import Caller, Command, serving

from pytest_durable.endpoint.server.platform import RemoteSandbox
from pytest_durable.simulator.world import World

STAGES = 4
STEPS_OF_A_STAGE = 4

# The service gives up an execution after five failed invocations in a row.
_KILLS_IN_A_ROW = 3

# How many bodies run between two kills, at most.
_RUNS_BETWEEN_KILLS = 5


@dataclass
class Counts:
    """What a campaign has done and found."""

    kills: int = 0
    executions: int = 0
    steps: int = 0
    runs: int = 0
    """Runs of bodies; more than steps where a death came before the acknowledgement."""
    lost: list[str] = field(default_factory=list)
    """Results that a handler was told and the history does not have."""
    repeated: list[str] = field(default_factory=list)
    """Steps whose body ran after their result had been acknowledged."""

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost and nothing repeated."""
        return not self.lost and not self.repeated

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.executions} executions, {self.steps} steps in {self.runs} runs: "
            f"{len(self.lost)} acknowledged results lost, {len(self.repeated)} finished steps run again"
        )


def kill_sandboxes(kills: int, seed: int, directory: Path) -> Counts:
    """Kill processes that run handlers, in the middle of executions, until there were so many kills."""
    chance, counts = random.Random(seed), Counts()
    with serving({"journey": "served_functions_with_boto3:journey"}, processes=2) as server:
        api = Caller(server.url)
        while counts.kills < kills:
            logs = {_start(api, log): log for log in _new_logs(directory, counts.executions)}
            while any(api.status(arn) == "RUNNING" for arn in logs):
                _let_some_time_pass(chance, list(logs.values()))
                pids = server.engine.look(_pids_that_may_die).result()
                if pids and counts.kills < kills:
                    with suppress(ProcessLookupError):
                        os.kill(chance.choice(pids), signal.SIGKILL)
                        counts.kills += 1
            _judge(api, logs, counts)
        api.close()
    return counts


def _pids_that_may_die(world: World) -> list[int]:
    found = []
    for execution in world.executions.by_arn.values():
        invocation = execution.invocation
        if invocation is not None and execution.crashes < _KILLS_IN_A_ROW:
            assert isinstance(invocation.sandbox, RemoteSandbox)
            ticket = invocation.sandbox.ticket
            if ticket is not None and ticket.process is not None:
                found.append(ticket.process.pid)
    return found


def kill_servers(kills: int, seed: int, directory: Path) -> Counts:
    """Kill the command, and start it again on its store, until there were so many kills."""
    chance, counts = random.Random(seed), Counts()
    arguments = [
        "served_functions_with_boto3:journey",
        "--time",
        "skipped",
        "--store",
        str(directory / "store"),
    ]
    server = Command(*arguments)
    logs: dict[str, Path] = {}
    try:
        while counts.kills < kills:
            api = Caller(server.url)
            if not any(api.status(arn) == "RUNNING" for arn in logs):
                logs |= {_start(api, log): log for log in _new_logs(directory, len(logs))}
            _let_some_time_pass(chance, list(logs.values())[-2:])
            api.close()
            server.kill()
            counts.kills += 1
            server = Command(*arguments, "--port", server.port)
        api = Caller(server.url)
        _judge(api, logs, counts)
        api.close()
    finally:
        server.stop()
    return counts


def _new_logs(directory: Path, so_far: int) -> list[Path]:
    """Return files for two executions more; each has one of its own."""
    return [directory / f"log-{number}" for number in (so_far, so_far + 1)]


def _start(api: Caller, log: Path) -> str:
    log.touch(exist_ok=False)
    return api.start("journey", {"log": str(log), "stages": STAGES})


def _let_some_time_pass(chance: random.Random, logs: list[Path]) -> None:
    """Let the handlers run some bodies, and then a moment more; now and then not even that."""
    most = _runs(logs) + chance.randrange(_RUNS_BETWEEN_KILLS)
    until = time.monotonic() + (chance.uniform(0, 1) if chance.random() < 0.2 else 5)
    while _runs(logs) <= most and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.006))


def _runs(logs: list[Path]) -> int:
    return sum(log.read_bytes().count(b"run ") for log in logs)


def _judge(api: Caller, logs: dict[str, Path], counts: Counts) -> None:
    for arn, log in logs.items():
        ended = api.ended(arn, 120)
        assert ended["Status"] == "SUCCEEDED", ended
        kept = _results(api.history(arn))
        told: dict[str, str] = {}
        runs: Counter[str] = Counter()
        for line in log.read_text().splitlines():
            match line.split():
                case ["run", name]:
                    runs[name] += 1
                    if name in told:
                        counts.repeated.append(f"{arn} {name}")
                case ["told", name, value]:
                    told[name] = value
                    if kept.get(name) != [value]:
                        counts.lost.append(f"{arn} {name}: told {value}, kept {kept.get(name)}")
        assert len(told) == STAGES * STEPS_OF_A_STAGE, told
        for name, value in zip(_names(), json.loads(ended["Result"]), strict=True):
            if told[name] != value:
                counts.lost.append(f"{arn} {name}: told {told[name]}, returned {value}")
        counts.executions += 1
        counts.steps += len(told)
        counts.runs += runs.total()


def _names() -> list[str]:
    sides = ("first", "second", "left", "right")
    return [f"{stage}-{side}" for stage in range(STAGES) for side in sides]


def _results(history: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for event in history:
        if event["EventType"] == "StepSucceeded":
            payload = event["StepSucceededDetails"]["Result"]["Payload"]
            found.setdefault(event["Name"], []).append(json.loads(payload))
    return found


def main(sandboxes: int, servers: int, seed: int) -> int:
    """Do both campaigns; return the exit code."""
    campaigns = []
    for what, kill, kills in (
        ("sandboxes", kill_sandboxes, sandboxes),
        ("servers", kill_servers, servers),
    ):
        with tempfile.TemporaryDirectory() as directory:
            counts = kill(kills, seed, Path(directory))
        print(f"kill -9 of {what}, seed {seed}: {counts}", flush=True)
        for line in (*counts.lost, *counts.repeated):
            print(f"  {line}")
        campaigns.append(counts)
    return 0 if all(counts.is_good for counts in campaigns) else 1


if __name__ == "__main__":
    sys.exit(main(*(int(number) for number in [*sys.argv[1:], "1"][:3])))
