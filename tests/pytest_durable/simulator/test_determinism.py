"""The same code, input, seed and schedule give the same history, byte for byte, wherever they run."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import sysconfig
import time
import uuid
from functools import cache
from pathlib import Path

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.errors import NonDeterminismError, UsageError

# `make soak` asks for a thousand.
RUNS = int(os.environ.get("SOAK_RUNS", "12"))
REPOSITORY = Path(__file__).parents[3]

every_case = pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)


def digest_in_a_new_process(interpreter: str = sys.executable, **environment: str) -> str:
    """Return the digest of the corpus as another process computes it."""
    paths = [REPOSITORY, REPOSITORY / "tests", sysconfig.get_path("purelib")]
    finished = subprocess.run(
        [interpreter, "-c", "import corpus; print(corpus.digest())"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


@cache
def digest() -> str:
    """Return the digest of the corpus in this process."""
    return corpus.digest()


def interpreters(version: str) -> list[str]:
    """Return the interpreters of that version on PATH and in pyenv."""
    roots = [os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv")]
    found = [
        str(path / "bin" / "python")
        for root in roots
        if root
        for path in sorted(Path(root, "versions").glob(f"{version}.*"))
        if (path / "bin" / "python").exists()
    ]
    on_path = shutil.which(f"python{version}")
    return [*found, *([on_path] if on_path else [])]


def works(interpreter: str) -> bool:
    """Whether it starts: a shim of pyenv may stand for a version that is not active."""
    return subprocess.run([interpreter, "-c", ""], capture_output=True, check=False).returncode == 0


@every_case
def test_a_case_of_the_corpus_ends_as_it_says(case: corpus.Case) -> None:
    result = corpus.run(case)
    assert (result.status, result.value) == (case.status, case.value)


@every_case
def test_many_runs_have_one_history(case: corpus.Case) -> None:
    assert len({corpus.history_text(case) for _ in range(RUNS)}) == 1


@every_case
def test_many_runs_under_one_random_schedule_have_one_history(case: corpus.Case) -> None:
    texts = {corpus.history_text(case, seed=11, random_schedule=True) for _ in range(max(4, RUNS // 10))}
    assert len(texts) == 1


@every_case
def test_an_outcome_does_not_depend_on_the_schedule(case: corpus.Case) -> None:
    for seed in range(10):
        result = corpus.run(case, seed=seed, random_schedule=True)
        assert (result.status, result.value) == (case.status, case.value)


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
def test_the_hash_seed_of_the_process_changes_nothing(hash_seed: str) -> None:
    assert digest_in_a_new_process(PYTHONHASHSEED=hash_seed) == digest()


def test_the_time_zone_of_the_process_changes_no_timestamp() -> None:
    # One case shows local time to its steps, which is in UTC under the simulator.
    assert digest_in_a_new_process(TZ="Asia/Kathmandu") == digest()


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_another_python_version_changes_nothing(version: str) -> None:
    interpreter = next(filter(works, interpreters(version)), None)
    if interpreter is None:
        pytest.skip(f"no Python {version} on PATH or in pyenv")
    assert digest_in_a_new_process(interpreter) == digest()


def test_another_seed_changes_jitter_and_identifiers() -> None:
    case = corpus.BY_NAME["retries_with_jitter"]
    elapsed = {corpus.run(case, seed=seed).virtual_elapsed for seed in range(10)}
    assert len(elapsed) > 1
    arns = {corpus.make_runner(case.handler, seed=seed).start().arn for seed in range(10)}
    assert len(arns) == 10


def test_random_schedules_find_many_orders() -> None:
    # 3 branches of 2 steps: what is compared is the order of names, so that ids play no part.
    case = corpus.BY_NAME["parallel_steps"]
    orders = {
        tuple(corpus.event_names(corpus.run(case, seed=seed, random_schedule=True))) for seed in range(200)
    }
    assert len(orders) > 20


# These sleep, or depend on the time that they see.
READERS_OF_THE_CLOCK = {"sleeping_branches", "too_slow_for_its_invocation", "crashing", "first_of_several"}


@pytest.mark.parametrize("virtual_clock", [True, False], ids=["virtual", "real"])
def test_no_event_is_stamped_with_the_time_of_the_machine(
    virtual_clock: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not virtual_clock:
        # It would take real seconds, of which no history knows.
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
    for case in corpus.CASES:
        if virtual_clock or case.name not in READERS_OF_THE_CLOCK:
            history = corpus.run(case, virtual_clock=virtual_clock).history
            assert history[0]["EventTimestamp"].isoformat() == "2026-01-01T00:00:00+00:00"
            assert all(event["EventTimestamp"].year == 2026 for event in history)


# check_determinism.

_calls = [0]


@durable_execution
def counts_its_calls(event: dict, context: DurableContext) -> int:
    context.step(lambda: "always the same", name="innocent")
    _calls[0] += 1
    return context.step(lambda: _calls[0], name="culprit")


@durable_execution
def draws_a_branch(event: dict, context: DurableContext) -> str:
    if random.random() < 0.5:
        return context.step(lambda: "coin", name="heads")
    return context.step(lambda: "coin", name="tails")


@durable_execution
def makes_an_id(event: dict, context: DurableContext) -> str:
    return context.step(lambda: str(uuid.uuid4()), name="make-id")


@durable_execution
def asks_the_machine(event: dict, context: DurableContext) -> int:
    return context.step(lambda: time.thread_time_ns(), name="ask")


@pytest.mark.parametrize(
    ("handler", "runs", "clues"),
    [
        (counts_its_calls, 2, ["StepSucceeded 'culprit'", "StepSucceededDetails.Result.Payload"]),
        (asks_the_machine, 2, ["StepSucceeded 'ask'"]),
    ],
    ids=["a global", "the machine"],
)
def test_a_leak_of_nondeterminism_is_found_and_its_first_event_named(
    handler: object, runs: int, clues: list[str]
) -> None:
    with pytest.raises(NonDeterminismError) as caught:
        corpus.make_runner(handler).check_determinism(runs=runs)
    message = str(caught.value)
    assert "differs from run 1" in message
    assert "The histories differ at event" in message
    assert [clue for clue in clues if clue not in message] == []


@pytest.mark.parametrize("handler", [draws_a_branch, makes_an_id], ids=["chance", "uuid4"])
def test_what_a_run_draws_is_decided_by_its_seed(handler: object) -> None:
    results = [corpus.make_runner(handler, seed=seed).check_determinism(runs=5).history for seed in range(8)]
    names = {event.get("Name") for history in results for event in history if event.get("Name")}
    assert {"heads", "tails"} <= names or "make-id" in names
    values = {str(history[-1].get("ExecutionSucceededDetails")) for history in results}
    assert len(values) == (1 if handler is draws_a_branch else 8)


@every_case
def test_the_corpus_is_deterministic(case: corpus.Case) -> None:
    runner = corpus.runner_of(case)
    assert runner.check_determinism(case.input).status == case.status


def test_comparing_leaves_the_runner_itself_unused() -> None:
    runner = corpus.make_runner(corpus.sequential)
    before = runner.clock.now
    runner.check_determinism({"steps": 2}, runs=3)
    assert runner.results == []
    assert runner.clock.now == before


def test_comparing_takes_two_runs_at_least() -> None:
    with pytest.raises(UsageError, match="at least 2 runs, got 1"):
        corpus.make_runner(corpus.sequential).check_determinism({"steps": 1}, runs=1)


def test_comparing_under_a_random_schedule_gives_each_run_the_same_one() -> None:
    case = corpus.BY_NAME["parallel_steps"]
    runner = corpus.make_runner(case.handler, seed=5, random_schedule=True)
    assert runner.check_determinism(runs=5).status == "SUCCEEDED"


WRITES_ITS_HISTORIES = """
    import pathlib
    import corpus
    import pytest

    @pytest.mark.parametrize("name", [case.name for case in corpus.CASES[::{every}]])
    def test_write(name, request):
        directory = pathlib.Path(request.config.rootpath, "{directory}")
        directory.mkdir(exist_ok=True)
        text = corpus.history_text(corpus.BY_NAME[name])
        (directory / name).write_text(text)
"""


@pytest.mark.parametrize(
    ("every", "arguments"),
    [
        (1, ()),
        (2, ("-n", "2")),
        # Measuring coverage makes everything several times slower, and a report of it takes seconds.
        (
            3,
            (
                "-p",
                "pytest_cov",
                "--cov=pytest_durable",
                "--cov=durable_sdk",
                "--cov-branch",
                "--cov-report=",
            ),
        ),
    ],
    ids=["plain", "xdist", "coverage"],
)
def test_pytest_options_change_no_history(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, every: int, arguments: tuple[str, ...]
) -> None:
    cases = corpus.CASES[::every]
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "tests"))
    pytester.makepyfile(WRITES_ITS_HISTORIES.format(directory="histories", every=every))
    pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=len(cases))
    written = {path.name: path.read_text() for path in (pytester.path / "histories").iterdir()}
    assert written == {case.name: corpus.history_text(case) for case in cases}
