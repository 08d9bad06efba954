"""What the code of a run draws depends on the seed alone, and draws of anybody else on nothing of it."""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import sys
import threading
import uuid
from os import urandom
from pathlib import Path
from random import seed as reseed
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable import faults
from pytest_durable.schedules import ExhaustiveSearch
from pytest_durable.simulator import chance
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.simulator import Simulator

TESTS = Path(__file__).parents[2]

REALS = {
    "os.urandom": os.urandom,
    "random._urandom": vars(random)["_urandom"],
    "random.seed": random.seed,
    "Random.seed": random.Random.seed,
    "urandom": urandom,
    "reseed": reseed,
}


def present() -> dict[str, Any]:
    """Return what the names of REALS stand for now."""
    return {
        "os.urandom": os.urandom,
        "random._urandom": vars(random)["_urandom"],
        "random.seed": random.seed,
        "Random.seed": random.Random.seed,
        "urandom": urandom,
        "reseed": reseed,
    }


def drawn() -> list[Any]:
    """Draw in every way."""
    found: list[Any] = [
        random.random(),
        random.gauss(0, 1),
        random.sample(range(1000), 3),
        str(uuid.uuid4()),
        secrets.token_hex(8),
        os.urandom(6).hex(),
        urandom(6).hex(),
        random.SystemRandom().random(),
        random.Random().random(),
    ]
    reseed()
    return [*found, random.random()]


@durable_execution
def drawing(event: Any, context: DurableContext) -> list[Any]:
    """Draw in steps, in branches, in a submitter, after waits, and in the handler itself."""
    drawn()
    first = context.step(lambda _: drawn(), name="first")
    context.wait(minutes=5, name="pause")
    functions = [lambda inner: inner.step(lambda _: drawn(), name="in branch") for _ in range(3)]
    branches = context.parallel(functions, name="branches").get_results()
    answer = context.wait_for_callback(lambda callback_id, _: secrets.token_hex(4), name="answer")
    return [first, branches, answer, context.step(lambda _: drawn(), name="last")]


def history(seed: int, **options: Any) -> list[dict[str, Any]]:
    with corpus.make_runner(drawing, seed=seed, **options) as runner:
        runner.on_callback("answer").succeed("ok", after="1m")
        return runner.run().raise_for_status().history


@pytest.mark.parametrize("virtual_clock", [True, False])
def test_the_same_seed_draws_the_same_and_another_seed_does_not(virtual_clock: bool) -> None:
    def results(seed: int) -> list[Any]:
        # Not the whole history: in real time it has other times.
        events = history(seed, virtual_clock=virtual_clock)
        return [
            event["StepSucceededDetails"]["Result"] for event in events if "StepSucceededDetails" in event
        ]

    assert results(1) == results(1)
    pairs = list(zip(results(1), results(2), strict=True))
    assert len(pairs) == 6
    assert all(one != other for one, other in pairs)


def test_every_draw_of_a_run_is_another_one() -> None:
    with corpus.make_runner(drawing) as runner:
        runner.on_callback("answer").succeed("ok", after="1m")
        first, branches, _, last = runner.run().value
    draws = [first, *branches, last]
    assert all(len({str(each[way]) for each in draws}) == len(draws) for way in range(len(first)))


def test_an_attempt_that_is_repeated_draws_anew_and_a_crash_changes_nothing_before_it() -> None:
    def tries(*given: faults.Fault) -> list[float]:
        seen: list[float] = []

        @durable_execution
        def handler(event: Any, context: DurableContext) -> None:
            context.step(lambda _: seen.append(random.random()), name="draw")

        with corpus.make_runner(handler, injector=Injector(given)) as runner:
            runner.run().raise_for_status()
        return seen

    (once,) = tries()
    first, again = tries(faults.crash(after_step="draw"))
    assert first == once != again


def test_code_outside_of_runs_draws_as_if_there_had_been_none() -> None:
    random.seed(7)
    expected = [random.random(), random.gauss(0, 1), random.gauss(0, 1), random.random()]
    random.seed(7)
    found = [random.random(), random.gauss(0, 1)]
    history(0)
    assert present() == REALS
    found.append(random.gauss(0, 1))
    history(1)
    found.append(random.random())
    assert found == expected
    assert uuid.uuid4() != uuid.uuid4()


def test_between_the_calls_of_a_runner_chance_is_real() -> None:
    with corpus.make_runner(drawing) as runner:
        execution = runner.start()
        execution.until_suspended()
        assert present() == REALS
        random.seed(3)
        state = random.getstate()
        callback_id = execution.until_callback("answer")
        assert random.getstate() == state
        runner.send_callback_success(callback_id, "ok")
        in_parts = execution.finish().value
        assert random.getstate() == state
    assert in_parts[0][3] == history_value(0)[0][3]


def history_value(seed: int) -> Any:
    with corpus.make_runner(drawing, seed=seed) as runner:
        runner.on_callback("answer").succeed("ok", after="1m")
        return runner.run().value


def test_threads_beside_the_run_draw_from_the_system() -> None:
    drawn_beside: list[bytes] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        def work(_: Any) -> str:
            thread = threading.Thread(target=lambda: drawn_beside.append(os.urandom(16)))
            thread.start()
            thread.join()
            return os.urandom(16).hex()

        return context.step(work, name="work")

    values = []
    for _ in range(2):
        with corpus.make_runner(handler) as runner:
            values.append(runner.run().value)
    assert values[0] == values[1]
    assert drawn_beside[0] != drawn_beside[1]


def test_what_a_test_has_replaced_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(size: int) -> bytes:
        return bytes(size)

    monkeypatch.setattr(os, "urandom", zeros)
    first = history_value(0)[0]
    assert first[5] == "00" * 6
    assert first[6] != "00" * 6
    assert os.urandom is zeros


def test_a_module_imported_in_a_run_is_left_with_the_real_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drawing_late.py").write_text("from os import urandom\nfrom random import seed\n")
    monkeypatch.syspath_prepend(tmp_path)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        import drawing_late  # type: ignore[import-not-found]

        return context.step(lambda _: drawing_late.urandom(4).hex(), name="draw")

    values = []
    for _ in range(2):
        with corpus.make_runner(handler) as runner:
            values.append(runner.run().value)
    assert values[0] == values[1]
    module = sys.modules.pop("drawing_late")
    assert module.urandom is REALS["os.urandom"]
    assert module.seed is REALS["random.seed"]


def test_what_raises_in_a_run_leaves_nothing_either() -> None:
    state = random.getstate()

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        random.random()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), corpus.make_runner(handler) as runner:
        runner.run()
    assert present() == REALS
    assert random.getstate() == state
    assert not chance._sources


@pytest.mark.slow
def test_another_process_with_another_hash_seed_draws_the_same() -> None:
    program = (
        "import importlib.util, sys; "
        f"spec = importlib.util.spec_from_file_location('test_chance', {str(Path(__file__))!r}); "
        "module = importlib.util.module_from_spec(spec); sys.modules['test_chance'] = module; "
        "spec.loader.exec_module(module); print(module.history(5), module.history(6))"
    )

    def output(hash_seed: str) -> str:
        path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert output("1") == output("2") == f"{history(5)} {history(6)}\n"


@durable_execution
def drawing_twice(event: Any, context: DurableContext) -> Any:
    return [context.step(lambda _: random.random() if event else uuid.uuid4().hex) for _ in range(2)]


def reached(event: bool, *, reduces: bool) -> tuple[set[str], int]:
    """Return what two executions at a time draw in any order, and in how many orders that was found."""
    search = ExhaustiveSearch(advances=1, reduces=reduces)
    found: set[str] = set()
    while (schedule := search.next_schedule()) is not None:
        simulator = Simulator(SimulatorOptions(schedule=schedule, virtual_clock=False))
        started = [
            simulator.start(drawing_twice, json.dumps(event), function=FunctionVersion(f"function-{number}"))
            for number in range(2)
        ]
        for execution in started:
            simulator.run_to_end(execution)
        found.add(str([simulator.result(execution).value for execution in started]))
        simulator.close()
    assert search.exhausted
    return found, search.runs


@pytest.mark.parametrize("event", [True, False], ids=["random", "system"])
def test_orders_that_differ_in_who_draws_first_do_not_come_to_the_same(event: bool) -> None:
    everything, most = reached(event, reduces=False)
    found, runs = reached(event, reduces=True)
    assert found == everything
    assert len(found) >= 6
    assert runs < most
