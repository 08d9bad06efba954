"""Random plans of faults and orders, under which a run has to come to the same every time.

python -m plans.replayed [plans]      run in tests/, takes minutes

Each plan is run twice, and once more from its token in another process. What a run comes to is all that
could be seen of it: the histories of its executions, the effects, the faults that struck and its outcome.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import corpus

from durable_sdk import DurableContext, ParallelBranch, durable_execution
from pytest_durable import faults
from pytest_durable.exploration.token import Token
from pytest_durable.faults import KINDS, Fault
from pytest_durable.history.codec import canonical_text
from pytest_durable.plan import Plan
from pytest_durable.points import Point, Position
from pytest_durable.schedules.picks import Picks
from pytest_durable.simulator.arrangement import Arrangement
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target

ledger = EffectLedger()


@durable_execution
def acting(event: Any, context: DurableContext) -> list[str]:
    """Have effects in branches, one after the other and at the same time."""

    def branch(name: str) -> ParallelBranch[str]:
        def run(inner: DurableContext) -> str:
            inner.step(lambda: ledger.record(f"ask {name}"), name="ask")
            inner.wait(seconds=len(name), name="think")
            inner.step(lambda: (ledger.record("pay", key=name), ledger.record("mail"))[0], name="pay")
            return name

        return ParallelBranch(run, name=name)

    return context.parallel([branch("ada"), branch("bob"), branch("cyril")], name="all").get_results()


CASES = {case.name: case for case in (*corpus.CASES, corpus.Case(acting))}


class Run(NamedTuple):
    """What a run came to, and a digest of all that could be seen of it; where faults could have struck."""

    status: str
    digest: str
    points: list[Point]
    decisions: int


def run(case: corpus.Case, plan: Plan, seed: int) -> Run:
    """Run a case under a plan."""
    ledger.clear()
    injector = Injector(plan.faults, collects=True)
    # Picks without any would count as ordinary, and no decisions would be worked out.
    schedule = Picks(plan.picks)
    schedule.is_ordinary = False

    def make_options() -> SimulatorOptions:
        return SimulatorOptions(schedule=schedule, seed=seed, **case.options)

    target = Target(case.handler, FunctionVersion("function"))
    runner = LocalRunner(target, make_options, Arrangement(injector=injector))
    if case.script is not None:
        case.script(runner)
    try:
        result = runner.run(case.input)
        status, outcome = str(result.status), f"{result.result} {result.error}"
    except Exception as error:
        status, outcome = type(error).__name__, str(error)
    finally:
        runner.release()
    simulator = runner._simulator
    texts = [canonical_text(runner.get_execution_history(arn)) for arn in simulator.executions]
    hashed = hashlib.sha256()
    for text in (status, outcome, *texts, ledger.digest(), repr(injector.struck), repr(injector.found)):
        hashed.update(text.encode() + b"\0")
    return Run(status, hashed.hexdigest(), injector.found, len(simulator.choices))


def ordinary(case: corpus.Case) -> Run:
    """Return the run of a case without faults, in order."""
    return run(case, Plan(), 0)


def draw(chance: random.Random, about: Run) -> Plan:
    """Return a plan of up to three faults and up to six picks, of which most mean something to the run."""
    struck = []
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        point = chance.choice(about.points)
        possible = [fault for kind in KINDS for fault in kind.explored_at(point)]
        possible += _beyond(point)
        if possible:
            fault = chance.choice(possible)
            struck.append(_numbered(chance, fault))
    picks = {
        chance.randrange(about.decisions + 3): chance.randrange(1, 4)
        for _ in range(chance.choice((0, 1, 2, 6)))
    }
    return Plan(tuple(struck), tuple(sorted(picks.items())))


def _beyond(point: Point) -> list[Fault]:
    """Return faults that an exploration does not try: not every handler survives them."""
    name = faults.name_for(point)
    match point.position:
        case Position.BEFORE_STEP:
            return [
                faults.fail_step(name, times=2, error=ConnectionError("down")),
                faults.latency(name, "90s"),
                faults.invocation_timeout(name),
                faults.out_of_memory(name),
            ]
        case Position.REQUEST:
            api = str(point.path[0])
            return [
                faults.slow_api(api, 2.5),
                faults.service_error(api, "InvalidParameterValueException", 400, "No."),
                faults.request_too_large(api),
            ]
        case Position.INVOCATION:
            return [faults.duplicate_invocation()]
        case _:
            return []


def _numbered(chance: random.Random, fault: Fault) -> Fault:
    if isinstance(fault, faults.crash) and fault.at_checkpoint is not None:
        return dataclasses.replace(fault, at_checkpoint=chance.randint(1, 6))
    return dataclasses.replace(fault, nth=chance.choice((1, 1, 2, 3)))


def plans(chance: random.Random) -> Iterator[Token]:
    """Draw plans for ever, of all cases in turn."""
    about = {name: ordinary(case) for name, case in CASES.items()}
    while True:
        for name, case_run in about.items():
            yield Token(name, draw(chance, case_run), chance.randrange(1000))


def run_token(token: Token) -> Run:
    """Run what a token stands for."""
    return run(CASES[token.nodeid], token.plan, token.seed)


def in_another_process(tokens: Iterable[str]) -> list[str]:
    """Return the digests of what tokens come to in a process with another order of sets."""
    done = subprocess.run(
        [sys.executable, "-m", "plans.replayed", "--tokens"],
        input="\n".join(tokens),
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def check(count: int, seed: int) -> Counter[str]:
    """Run so many plans three times each; return how many there were of what.

    Raises:
        AssertionError: a plan has come to two different things.
    """
    counts: Counter[str] = Counter()
    tokens, digests = [], []
    for token in islice(plans(random.Random(seed)), count):
        first, second = run_token(token), run_token(token)
        assert first.digest == second.digest, f"two runs of {token.encode()} differ: {token}"
        tokens.append(token.encode())
        digests.append(first.digest)
        counts["plans"] += 1
        counts["with faults"] += bool(token.plan.faults)
        counts["in another order"] += bool(token.plan.picks)
        counts[first.status] += 1
    for token_text, expected, got in zip(tokens, digests, in_another_process(tokens), strict=True):
        assert expected == got, f"{token_text} comes to something else in another process"
    return counts


def main() -> None:
    """Check as many plans as the command line says, or answer the tokens of another process."""
    logging.disable(logging.CRITICAL)
    if sys.argv[1:] == ["--tokens"]:
        for line in sys.stdin:
            print(run_token(Token.decode(line)).digest)
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    began = time.perf_counter()
    counts = check(count, seed)
    told = ", ".join(f"{number:,} {what}" for what, number in counts.items())
    print(f"{told}: identical in three runs each, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
