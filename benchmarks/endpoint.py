"""How fast ``pytest-durable serve`` is: executions in a second, and how long one takes, over real HTTP.

    python benchmarks/endpoint.py

The server is the command, in a process of its own, with a store in a file. The clients are threads of this
process with one boto3 client, on the same machine: what they take is part of the figures.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from served import Caller, Command  # noqa: E402 - the servers of the tests

WARM_UP = 20


def measured(clients: int, executions: int, run: Callable[[int], None]) -> str:
    """Run executions from so many clients at a time, and return a row of the table."""

    def timed(number: int) -> float:
        began = time.perf_counter()
        run(number)
        return time.perf_counter() - began

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(timed, range(WARM_UP)))
        began = time.perf_counter()
        durations = list(pool.map(timed, range(executions)))
        took = time.perf_counter() - began
    cuts = statistics.quantiles(durations, n=100)
    p50, p95, p99 = (f"{cuts[percent - 1] * 1000:.1f}" for percent in (50, 95, 99))
    return f"{executions / took:.0f} | {p50} | {p95} | {p99}"


def callbacks(api: Caller, executions: int) -> str:
    """Let many executions wait at a time, answer all of them, and return a row: how long an answer takes."""

    def asked(number: int) -> tuple[str, str]:
        arn = api.start("ask")
        return arn, api.callback_id(arn)

    def answered(waiting: tuple[str, str]) -> float:
        arn, callback_id = waiting
        began = time.perf_counter()
        api.client.send_durable_execution_callback_success(CallbackId=callback_id, Result="1")
        api.ended(arn, 60)
        return time.perf_counter() - began

    with ThreadPoolExecutor(executions) as pool:
        began = time.perf_counter()
        waiting = list(pool.map(asked, range(executions)))
        durations = list(pool.map(answered, waiting))
        took = time.perf_counter() - began
    cuts = statistics.quantiles(durations, n=100)
    p50, p95, p99 = (f"{cuts[percent - 1] * 1000:.1f}" for percent in (50, 95, 99))
    return f"{executions / took:.0f} | {p50} | {p95} | {p99}"


def main() -> None:
    """Print the table as Markdown."""
    functions = [f"served_functions:{name}" for name in ("greet", "nap", "ask", "plain")]
    with tempfile.TemporaryDirectory() as directory:
        store = str(Path(directory) / "store")
        server = Command(*functions, "--time", "skipped", "--sandboxes", "4", "--store", store)
        api = Caller(server.url)
        step = {"name": "Ada"}
        rows = {
            "a function that is not durable, 1 client": measured(
                1, 300, lambda _: api.call("plain", {"value": 1})
            ),
            "one step, 1 client": measured(1, 300, lambda _: api.run("greet", step)),
            "one step, 8 clients": measured(8, 600, lambda _: api.run("greet", step)),
            "two steps and a wait of an hour, 1 client": measured(
                1, 200, lambda _: api.run("nap", {"seconds": 3600})
            ),
            "two steps and a wait of an hour, 8 clients": measured(
                8, 400, lambda _: api.run("nap", {"seconds": 3600})
            ),
            "50 callbacks at a time, from the answer to the end": callbacks(api, 50),
        }
        api.close()
        server.stop()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| workflow | executions/s | p50 ms | p95 ms | p99 ms |")
    print("|---|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {row} |")


if __name__ == "__main__":
    main()
