"""Records executions under AWS's SDK, for the tests that continue them under this one.

    python tests/migration/record.py             record every release into tests/migration/data
    python tests/migration/record.py --back      begin under this SDK, and finish under AWS's instead
    python tests/migration/record.py --generated 200
                                                 begin handlers made at random under AWS's SDK, and finish
                                                 them under this one

AWS's packages are installed from the index into scratch environments under build/; they are no dependency
of the project. Each handler of the corpus runs once to its end; then, for every request that it made, from
the state that this request left, as if the sandbox had died there.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
# The corpus is imported as part of `migration` everywhere, so that the names of its errors are the same.
sys.path.insert(0, str(TESTS))

from migration import recording  # noqa: E402
from migration.corpus import Case, Sdk, cases_of  # noqa: E402
from migration.driver import Execution, continued, differences, final_state, neutral, new_execution  # noqa: E402
from migration.generated import generated  # noqa: E402
from migration.recording import Recording  # noqa: E402
from migration.service import Json  # noqa: E402

RELEASES = ("1.7.0", "3.0.0")
BEGAN = ROOT / "build" / "began.json"
AWS = "aws_durable_execution_sdk_python"
OURS = "durable_sdk"

# Most of an invocation of AWS's SDK is waiting.
_THREADS = 12
_HANGS_AFTER_SECONDS = 900


def end(execution: Execution) -> Json:
    """Run an execution to its end, and return all that it came to."""
    answer = execution.finish()
    if execution.service.refusals:
        raise SystemExit(f"the service refused: {execution.service.refusals}")
    return {"answer": answer, "operations": final_state(execution.service)}


def record(case: Case, sdk: Sdk) -> Recording:
    """Run a case, and again from the state after each request of that run."""
    execution = new_execution(case, sdk)
    main = end(execution)
    log = execution.service.log
    again = end(new_execution(case, sdk))
    if again != main:
        raise SystemExit(f"{case.name} does not end the same way twice:\n{main}\n{again}")
    ends = {
        entries: end(continued(case, sdk, log[:entries]))
        for entries in range(1, len(log))
        if log[entries - 1]["cause"] == "request"
    }
    return Recording.made(case.name, log, main, ends)


def record_all(sdk: Sdk, cases: Iterable[Case]) -> list[Recording]:
    """Record cases with an SDK that this interpreter has."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda case: record(case, sdk), cases))


def write(recordings: list[Recording], path: Path) -> None:
    """Keep recordings for another interpreter."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([vars(each) for each in recordings]))


def finish(path: Path, sdk: Sdk, cases: Mapping[str, Case], same: Callable[[Json], Json]) -> int:
    """Finish what was recorded elsewhere, and return how many states ended otherwise than there.

    ``same`` takes away from an end what may differ.
    """
    recordings = [recording.from_json(each) for each in json.loads(path.read_text())]

    def other_ends(each: Recording) -> list[str]:
        found = []
        for entries in each.states():
            try:
                other = end(continued(cases[each.name], sdk, each.log[:entries]))
                lines = differences(same(other), same(each.end_after(entries)))
            except BaseException as error:
                lines = [repr(error)]
            if lines:
                found.append("\n  ".join([f"{each.name} after {entries}:", *lines]))
        return found

    with ThreadPoolExecutor(_THREADS) as pool:
        found = [lines for each in pool.map(other_ends, recordings) for lines in each]
    states = sum(len(list(each.states())) for each in recordings)
    print("\n".join(found))
    print(f"{states - len(found)} of {states} states ended under {sdk.package} as where they began")
    return len(found)


_CLASSES = re.compile(
    r"(?:durable_sdk\.[a-z_.]*)?\b(?:DurableOperation|Step|Invoke|ChildContext|WaitForCondition|BatchCompletion"
    r"|Callback(?:External|Timeout|Submitter)?)Error\b"
)


def without_classes(value: Json) -> Json:
    """Return a copy in which all errors of operations have the same class.

    AWS's SDK does not know the names under which this one stores them.
    """
    renamed: Json = json.loads(_CLASSES.sub("OperationError", json.dumps(neutral(value))))
    return renamed


def python_with(release: str) -> Path:
    """Return the interpreter of an environment that has this release of AWS's SDK."""
    scratch = ROOT / "build" / f"aws-{release}"
    python = scratch / "bin" / "python"
    if not python.exists():
        venv.create(scratch, with_pip=True)
        package = f"{AWS.replace('_', '-')}=={release}"
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=True)
    return python


def inside(options: argparse.Namespace) -> int:
    """Do the part that needs AWS's SDK."""
    if options.inside == "finish":
        return finish(BEGAN, Sdk(AWS, tells_error_types=False), cases_of("3.0.0"), without_classes)
    if options.inside == "generate":
        write(record_all(Sdk(AWS), generated_cases(options).values()), BEGAN)
        return 0
    (release,) = options.releases
    recordings = record_all(Sdk(AWS, tells_error_types=release != "1.7.0"), cases_of(release).values())
    path = recording.save(release, recordings)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    return 0


def generated_cases(options: argparse.Namespace) -> dict[str, Case]:
    """Return the handlers made at random that the arguments ask for."""
    cases = [generated(seed) for seed in range(options.seed, options.seed + options.generated)]
    return {case.name: case for case in cases}


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("releases", nargs="*", default=RELEASES, metavar="RELEASE")
    parser.add_argument(
        "--back", action="store_true", help="finish under AWS's SDK what began under this one"
    )
    parser.add_argument(
        "--generated", type=int, default=0, metavar="N", help="finish N handlers made at random"
    )
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first of them")
    parser.add_argument("--inside", choices=("record", "generate", "finish"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    faulthandler.dump_traceback_later(_HANGS_AFTER_SECONDS, exit=True)
    if options.inside:
        return inside(options)
    if options.back:
        write(record_all(Sdk(OURS, tells_error_types=False), cases_of("3.0.0").values()), BEGAN)
        return call_inside("finish", "3.0.0")
    if options.generated:
        seeds = ["--generated", str(options.generated), "--seed", str(options.seed)]
        code = call_inside("generate", "3.0.0", *seeds)
        return code or finish(BEGAN, Sdk(OURS), generated_cases(options), neutral)
    return max(call_inside("record", release) for release in options.releases)


def call_inside(part: str, release: str, *arguments: str) -> int:
    """Run a part of this script where that release of AWS's SDK is, and return its exit code."""
    command = [python_with(release), __file__, "--inside", part, *arguments, release]
    return subprocess.run(command, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}).returncode


if __name__ == "__main__":
    # What AWS's SDK leaves running may not keep the process.
    code = main()
    sys.stdout.flush()
    os._exit(min(code, 1))
