"""Benchmarks, side by side with AWS's test runner in one run.

    python benchmarks/run.py             both sides, the table as Markdown
    python benchmarks/run.py --ours      ours alone, without a scratch environment

AWS's packages are installed from the index into a scratch environment under build/; they are no
dependency of the project.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

from scale import growth_table, memory_table
from workloads import Workload, load

from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "build" / "aws-venv"
AWS_PACKAGES = [
    "aws-durable-execution-sdk-python==3.0.0",
    "aws-durable-execution-sdk-python-testing==1.4.0",
]

# Seconds on two cores of a 2024 cloud machine.
BOUNDS = {
    "hello": 0.001,
    "1,000 sequential steps": 0.1,
    "5,000 sequential steps": 0.6,
    "30-day wait": 0.005,
    "300 sequential one-hour waits": 0.3,
    "five exponential retries": 0.005,
    "ten parallel branches, equal waits": 0.005,
    "ten parallel branches, ten different waits": 0.005,
    "20 callbacks in sequence": 0.03,
    "a condition met at poll 20": 0.005,
    "map of 1,000 items": 0.15,
    "map of 1,000 items, a step each": 0.15,
}
AWS_REPETITIONS = {
    "hello": 10,
    "10 sequential steps": 5,
    "100 sequential steps": 3,
    "1,000 sequential steps": 2,
    "5,000 sequential steps": 1,
    "30-day wait": 5,
    "10 sequential one-hour waits": 3,
    "300 sequential one-hour waits": 1,
    "five exponential retries": 3,
    "ten parallel branches, equal waits": 3,
    "ten parallel branches, ten different waits": 3,
    "20 callbacks in sequence": 1,
    "a condition met at poll 20": 3,
    "20 invokes of a durable function in sequence": 1,
    "map of 1,000 items": 3,
    "map of 1,000 items, a step each": 3,
    "1,000 parallel branches, a step each": 3,
}


def seconds_of_run(workload: Workload) -> float:
    """Run once, check the result, and return how long it took, set-up of the runner included."""
    target = Target(workload.handler, FunctionVersion("benchmark"))
    started = time.perf_counter()
    with LocalRunner(target, SimulatorOptions) as runner:
        workload.register_functions(runner)
        execution_arn = runner.run_async()
        workload.answer_callbacks(runner, execution_arn)
        result = runner.wait_for_result(execution_arn)
    elapsed = time.perf_counter() - started
    if result.value != workload.expected:
        raise SystemExit(f"{workload.name}: returned {result.value!r}, not {workload.expected!r}")
    return elapsed


def ours() -> dict[str, list[float]]:
    """Time every workload; short ones more often."""
    timings = {}
    for name, workload in load("durable_sdk").items():
        seconds_of_run(workload)
        # Not before every run: it also empties the caches of small objects, as nothing does between tests.
        gc.collect()
        once = seconds_of_run(workload)
        repetitions = max(5, min(200, int(1.0 / once)))
        timings[name] = [seconds_of_run(workload) for _ in range(repetitions)]
    return timings


def aws() -> dict[str, list[float]]:
    """Install AWS's packages into a scratch environment, and time the workloads there."""
    python = SCRATCH / "bin" / "python"
    if not python.exists():
        venv.create(SCRATCH, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *AWS_PACKAGES], check=True)
    script = Path(__file__).with_name("aws_side.py")
    done = subprocess.run(
        [python, script, json.dumps(AWS_REPETITIONS)], check=True, stdout=subprocess.PIPE, text=True
    )
    timings: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return timings


def plain_start_up() -> dict[str, float]:
    """Return the least seconds of a pytest run without durable tests: bare, with an empty plugin, with ours.

    The differences are far below the spread of the runs, so their minimum tells more than their median.
    """
    project = ROOT / "build" / "plain"
    project.mkdir(parents=True, exist_ok=True)
    (project / "test_plain.py").write_text("def test_nothing():\n    pass\n")
    (project / "empty_plugin.py").write_text("")
    (project / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_plain.py"]
    # Other plugins take a second to load, in which a few milliseconds would be lost.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(project)}
    # Compiled modules are kept, as on any machine that has run the tests once.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    plugins = {"bare": [], "empty": ["-p", "empty_plugin"], "ours": ["-p", "pytest_durable.plugin"]}
    timings: dict[str, list[float]] = {name: [] for name in plugins}
    for _ in range(50):
        # Taken in turns, so that whatever else the machine does falls on all alike.
        for name, options in plugins.items():
            started = time.perf_counter()
            subprocess.run(
                [*command, *options],
                cwd=project,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            timings[name].append(time.perf_counter() - started)
    return {name: min(values) for name, values in timings.items()}


def milliseconds(seconds: float) -> str:
    """Write a duration."""
    return f"{seconds * 1000:,.2f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"


def table(our_timings: dict[str, list[float]], aws_timings: dict[str, list[float]]) -> str:
    """Write the medians as a Markdown table."""
    lines = [
        "| workload | pytest_durable | bound | AWS's test runner | times as fast |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, timings in our_timings.items():
        median = statistics.median(timings)
        bound = BOUNDS.get(name)
        verdict = "" if bound is None else milliseconds(bound)
        if bound is not None and median > bound:
            verdict += " **missed**"
        theirs = aws_timings.get(name)
        row = [name, milliseconds(median), verdict]
        if theirs is None:
            row += ["", ""]
        else:
            aws_median = statistics.median(theirs)
            row += [milliseconds(aws_median), f"{aws_median / median:,.0f}"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmarks and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", action="store_true", help="leave AWS's runner out")
    options = parser.parse_args()
    our_timings = ours()
    aws_timings = {} if options.ours else aws()
    print(f"Python {platform.python_version()}, {platform.machine()}, medians\n")
    print(table(our_timings, aws_timings))
    small = statistics.median(our_timings["1,000 sequential steps"])
    large = statistics.median(our_timings["5,000 sequential steps"])
    exponent = math.log(large / small) / math.log(5)
    print(f"\nCost of n steps, from 1,000 to 5,000: n^{exponent:.2f} (bound: n^1.1)")
    print(f"\n{growth_table(20_000, 100_000)}\n\n{memory_table(5_000, 50_000)}\n")
    start_up = plain_start_up()
    empty, whole = start_up["empty"] - start_up["bare"], start_up["ours"] - start_up["bare"]
    print(
        f"Plain pytest start-up, {milliseconds(start_up['bare'])} bare: {milliseconds(whole)} more with the "
        f"plugin (bound: 5 ms), {milliseconds(empty)} of which any plugin takes, even an empty one."
    )


if __name__ == "__main__":
    main()
