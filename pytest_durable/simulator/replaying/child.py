"""The other process: replays records under the hash seed that it was started with.

It reads what to replay from standard input, and writes what was called to the file that its argument names.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from durable_sdk._runtime import OperationCall
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Handler
from pytest_durable.simulator.replaying.inputs import Input
from pytest_durable.simulator.replaying.perturb import Conditions, ObservedClock, Perturbation
from pytest_durable.simulator.replaying.replayer import ready, request_id
from pytest_durable.simulator.replaying.shadow import Replay, Subject, replay_over
from pytest_durable.simulator.replaying.site import Site
from pytest_durable.simulator.replaying.surroundings import Surroundings
from pytest_durable.simulator.replaying.trace import TracedCall


def main() -> None:
    """Replay, and exit."""
    jobs = json.load(sys.stdin)
    handlers = [_handler(job) for job in jobs]
    clock, perturbation = ObservedClock(0), Perturbation()
    answers = []
    with ready(clock, perturbation, virtual_clock=all(job["virtual_clock"] for job in jobs)):
        for job, handler in zip(jobs, handlers, strict=True):
            conditions = Conditions()
            clock.now = job["moment"]
            with perturbation.under(conditions, Surroundings.of(handler)):
                replay = replay_over(
                    _subject(job, handler),
                    job["operations"],
                    frozenset(job["recorded"]),
                    {},
                    clock,
                    job["moment"],
                    request_id(conditions.request),
                )
            answers.append(replay_to_json(replay))
    Path(sys.argv[1]).write_text(json.dumps(answers), encoding="utf-8")


def _handler(job: Mapping[str, Any]) -> Handler:
    try:
        module = importlib.import_module(job["module"])
    except ImportError:
        # Imported under a name that is on no path, as pytest can.
        spec = importlib.util.spec_from_file_location(job["module"], job["file"])
        if spec is None or spec.loader is None:
            raise
        module = importlib.util.module_from_spec(spec)
        sys.modules[job["module"]] = module
        spec.loader.exec_module(module)
    found: Any = module
    for name in job["path"].split("."):
        found = getattr(found, name)
    handler: Handler = found
    return handler


def _subject(job: Mapping[str, Any], handler: Handler) -> Subject:
    return Subject(
        handler,
        job["arn"],
        FunctionVersion(*job["function"]),
        job["invocation_timeout_seconds"],
        job["tenant_id"],
    )


def replay_to_json(replay: Replay) -> dict[str, Any]:
    """Encode what a replay did."""
    return {
        "calls": [_call_to_json(call) for call in replay.calls.values()],
        "ended": list(replay.ended),
        "outcome": [replay.status, replay.result, replay.error],
        "broken_off": replay.broken_off,
        "begins_attempt": replay.begins_attempt,
    }


def _call_to_json(call: TracedCall) -> dict[str, Any]:
    return {
        "call": list(call.call[:-1]),
        "sites": [list(site) for site in call.sites],
        "inputs": [[each.label, each.text] for each in call.inputs],
    }


def replay_from_json(encoded: Mapping[str, Any]) -> Replay:
    """Decode what a replay did; of inputs only the texts are known."""
    replay = Replay(
        ended=dict.fromkeys(encoded["ended"]),
        broken_off=encoded["broken_off"],
        begins_attempt=encoded["begins_attempt"],
    )
    replay.status, replay.result, replay.error = encoded["outcome"]
    for each in encoded["calls"]:
        fields = [*each["call"], {}]
        fields[7] = tuple(fields[7])
        call = OperationCall(*fields)
        sites = tuple(Site(*site) for site in each["sites"])
        inputs = tuple(Input(label, text, None) for label, text in each["inputs"])
        replay.calls[call.operation_id] = TracedCall(call, sites, inputs, 0)
    return replay


if __name__ == "__main__":
    main()
