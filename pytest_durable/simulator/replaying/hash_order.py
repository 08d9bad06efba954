"""Hash order: whether a replay depends on PYTHONHASHSEED, which decides the order of sets of texts.

A process keeps its seed, so the whole record is replayed in several others, which differ in nothing else.
"""

from __future__ import annotations

import dis
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from pytest_durable.errors import NonDeterminismError
from pytest_durable.simulator.cold_import import path_of
from pytest_durable.simulator.replaying.causes import cause
from pytest_durable.simulator.replaying.child import replay_from_json
from pytest_durable.simulator.replaying.compare import Divergence, compare, compare_calls
from pytest_durable.simulator.replaying.evidence import is_users_code
from pytest_durable.simulator.replaying.inputs import line_of
from pytest_durable.simulator.replaying.message import Finding, message
from pytest_durable.simulator.replaying.perturb import OFFSETS, Conditions, ObservedClock, Perturbation
from pytest_durable.simulator.replaying.replayer import Prefix, Replayer, ready
from pytest_durable.simulator.replaying.shadow import Replay
from pytest_durable.simulator.replaying.site import Site
from pytest_durable.simulator.replaying.trace import Trace

# Two of them agree on the order of a pair in one case of two.
SEEDS = (1, 2, 3, 4)

# Importing a module with its libraries; what takes longer than this is no test of an ordinary handler.
_PATIENCE_SECONDS = 60

_NAMES = frozenset(
    ["set", "frozenset", "hash", "__hash__", "union", "intersection", "difference", "symmetric_difference"]
)
_MAKES_A_SET = ("BUILD_SET", "SET_ADD", "SET_UPDATE")

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


def check_hash_order(traces: Sequence[Trace], *, virtual_clock: bool) -> None:
    """Replay what ``traces`` hold under several hash seeds, where code of the handlers has to do with them.

    Raises:
        NonDeterminismError: replays differ from one another.
    """
    jobs: list[dict[str, Any]] = []
    replayed: list[tuple[Trace, Prefix, tuple[Site, ...]]] = []
    clock, perturbation = ObservedClock(0), Perturbation()
    with ready(clock, perturbation, virtual_clock=virtual_clock):
        for trace in traces:
            found = path_of(trace.execution.handler)
            if found is None or not trace.is_fit or found[0].__name__ == "__main__":
                continue
            replayer = Replayer(trace, perturbation, clock)
            prefix = replayer.prefix(len(trace.states))
            sites = _sites_of_sets(replayer, prefix)
            if sites:
                module, path = found
                jobs.append(
                    {
                        **_job(trace, prefix),
                        "module": module.__name__,
                        "file": module.__file__,
                        "path": path,
                        "virtual_clock": virtual_clock,
                    }
                )
                replayed.append((trace, prefix, sites))
    if not jobs:
        return
    answers = _in_children(jobs)
    for number, (trace, prefix, sites) in enumerate(replayed):
        replays = [replay_from_json(answer[number]) for answer in answers]
        divergence = _first_difference(trace, prefix, replays)
        if divergence is not None:
            why = cause("hash", "the order of a set, or hash(), which differs between processes", sites)
            raise NonDeterminismError(message(Finding(trace, prefix, divergence, why)))


def _job(trace: Trace, prefix: Prefix) -> dict[str, Any]:
    execution, last = trace.execution, trace.states[-1]
    function = execution.function
    return {
        "arn": execution.record.arn,
        "function": [
            function.name,
            function.version,
            function.qualifier,
            function.region,
            function.account_id,
        ],
        "invocation_timeout_seconds": execution.invocation_timeout_seconds,
        "tenant_id": execution.tenant_id,
        "operations": prefix.operations,
        "recorded": list(execution.record.log.operations),
        "moment": (last.ended_at or last.started_at or 0) + OFFSETS[0],
    }


def _in_children(jobs: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Run the jobs in a process for each seed, all at the same time; return what those did that ended."""
    text = json.dumps(jobs)
    answers: list[list[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory(prefix="durable-replay-") as folder:
        children = [(file, _start(seed, file)) for seed in SEEDS for file in [Path(folder) / f"{seed}.json"]]
        try:
            for file, child in children:
                child.communicate(text, timeout=_PATIENCE_SECONDS)
                if file.exists():
                    answers.append(json.loads(file.read_text(encoding="utf-8")))
        except subprocess.TimeoutExpired:
            return []
        finally:
            for _, child in children:
                if child.poll() is None:
                    child.kill()
                    child.communicate()
    return answers


def _start(seed: int, file: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pytest_durable.simulator.replaying.child", str(file)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _first_difference(trace: Trace, prefix: Prefix, replays: list[Replay]) -> Divergence | None:
    """Return how a replay differs from the run, at the first operation at which replays differ."""
    if len(replays) < 2 or any(replay.broken_off for replay in replays):
        return None
    for operation_id, one in replays[0].calls.items():
        calls = [replay.calls.get(operation_id) for replay in replays]
        if any(call is None or compare_calls(one, call, trace) is not None for call in calls):
            then = trace.calls.get(operation_id)
            found = [
                compare_calls(then, call, trace) for call in calls if then is not None and call is not None
            ]
            differing = next((each for each in found if each is not None), None)
            if differing is not None:
                return differing
            break
    else:
        if len({(replay.status, replay.result, str(replay.error)) for replay in replays}) == 1:
            return None
    found = [compare(trace, replay, prefix.operations, is_whole=True) for replay in replays]
    return next((each for each in found if each is not None), None)


def _sites_of_sets(replayer: Replayer, prefix: Prefix) -> tuple[Site, ...]:
    """Replay once, and return the lines of the code that ran which have to do with sets and hashes."""
    with _codes_seen() as codes:
        replayer.run(prefix, Conditions())
    found: dict[Site, None] = {}
    for code, has_set in codes.items():
        line = _line_of_a_set(code)
        if line is None and (has_set or _names_a_set(code, replayer.trace)):
            line = code.co_firstlineno
        if line is not None:
            found[Site(code.co_filename, line, code.co_qualname)] = None
    return tuple(found)


@contextmanager
def _codes_seen() -> Iterator[dict[CodeType, bool]]:
    """Collect the user's code that runs while the block does, and whether a variable of it held a set.

    Nothing is collected under a profiler of somebody else's, which not every Python could put back.
    """
    codes: dict[CodeType, bool] = {}
    if sys.getprofile() is not None:
        yield codes
        return

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event == "return" and is_users_code(frame):
            has_set = any(isinstance(value, set | frozenset) for value in frame.f_locals.values())
            codes[frame.f_code] = codes.get(frame.f_code, False) or has_set

    sys.setprofile(profile)
    try:
        yield codes
    finally:
        sys.setprofile(None)


@lru_cache(maxsize=1 << 10)
def _line_of_a_set(code: CodeType) -> int | None:
    line = code.co_firstlineno
    instructions = list(dis.get_instructions(code))
    for index, instruction in enumerate(instructions):
        line = line_of(instruction) or line
        if instruction.opname in _MAKES_A_SET or instruction.argval in _NAMES:
            return line
        if instruction.opname == "LOAD_CONST" and isinstance(instruction.argval, frozenset):
            # A constant that is only looked into has no order that counts.
            following = instructions[index + 1].opname if index + 1 < len(instructions) else ""
            if following != "CONTAINS_OP":
                return line
    return None


def _names_a_set(code: CodeType, trace: Trace) -> bool:
    namespace = trace.surroundings.namespace
    return any(isinstance(namespace.get(name), set | frozenset) for name in code.co_names)
