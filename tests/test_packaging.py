"""What users install: the files in both wheels, and the SDK at work without pytest."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# One worker builds the distributions once for all tests of this file.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

HANDLER_WITHOUT_PYTEST = '''
import json
import sys
from importlib.util import find_spec

assert find_spec("pytest") is None, "the environment must hold the SDK and its dependencies alone"
assert find_spec("pytest_durable") is None

from durable_sdk import durable_execution

ARN = (
    "arn:aws:lambda:us-east-1:123456789012:function:greet:1"
    "/durable-execution/packaging/0"
)


class FakeLambda:
    """Accepts every checkpoint and answers with the operations it leads to."""

    def __init__(self):
        self.updates = []
        self.operations = {}

    def checkpoint_durable_execution(self, **request):
        changed = []
        for update in request["Updates"]:
            self.updates.append(update)
            operation = self.operations.setdefault(
                update["Id"], {"Id": update["Id"], "Type": update["Type"]}
            )
            for key in ("Name", "ParentId", "SubType"):
                if key in update:
                    operation[key] = update[key]
            operation["Status"] = {
                "START": "STARTED", "SUCCEED": "SUCCEEDED", "FAIL": "FAILED"
            }[update["Action"]]
            if update["Action"] == "SUCCEED":
                operation["StepDetails"] = {"Attempt": 1, "Result": update.get("Payload")}
            changed.append(operation)
        return {
            "CheckpointToken": f"token-{len(self.updates)}",
            "NewExecutionState": {"Operations": changed, "NextMarker": ""},
        }

    def get_durable_execution_state(self, **request):
        return {"Operations": list(self.operations.values()), "NextMarker": ""}


service = FakeLambda()


@durable_execution(boto3_client=service)
def handler(event, context):
    greeting = context.step(lambda _: "hello " + event["name"], name="greet")
    return {"greeting": greeting}


output = handler(
    {
        "DurableExecutionArn": ARN,
        "CheckpointToken": "token-0",
        "InitialExecutionState": {
            "Operations": [
                {
                    "Id": "0",
                    "Type": "EXECUTION",
                    "Status": "STARTED",
                    "ExecutionDetails": {"InputPayload": json.dumps({"name": "world"})},
                }
            ],
            "NextMarker": "",
        },
    },
    None,
)
steps = [(u["Name"], u["Action"]) for u in service.updates if u["Type"] == "STEP"]
json.dump({"output": output, "steps": steps}, sys.stdout)
'''


@dataclass(frozen=True)
class Distribution:
    """One distribution, as built from the repository."""

    wheel: Path
    sdist: Path
    wheel_from_sdist: Path

    @property
    def stem(self) -> str:
        """Name and version, as they stand in front of every other name inside."""
        return self.sdist.name.removesuffix(".tar.gz")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command away from the repository and return what it printed."""
    # Whatever makes this environment's packages importable would make them so in the clean one too.
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{[str(part) for part in command]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(source: Path, out: Path) -> Distribution:
    """Build a sdist and the wheel both ways: from the repository, and from that sdist."""
    pip_build = [sys.executable, "-m", "build", "--no-isolation"]
    direct, through_sdist = out / "direct", out / "through_sdist"
    out.mkdir()
    run(*pip_build, "--wheel", "--outdir", direct, source, cwd=out)
    run(*pip_build, "--outdir", through_sdist, source, cwd=out)
    [wheel] = direct.glob("*.whl")
    [sdist] = through_sdist.glob("*.tar.gz")
    [wheel_from_sdist] = through_sdist.glob("*.whl")
    return Distribution(wheel, sdist, wheel_from_sdist)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Distribution]:
    """Both distributions, by the name of the package inside."""
    out = tmp_path_factory.mktemp("distributions")
    return {
        "durable_sdk": build(ROOT / "durable_sdk", out / "durable_sdk"),
        "pytest_durable": build(ROOT, out / "pytest_durable"),
    }


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("package", ["durable_sdk", "pytest_durable"])
def test_a_wheel_holds_every_module_of_its_package_and_nothing_else(
    package: str, distributions: dict[str, Distribution]
) -> None:
    kinds = ("*.py", "*.html", "*.css", "*.js")
    modules = {str(path.relative_to(ROOT)) for kind in kinds for path in (ROOT / package).rglob(kind)}
    built = distributions[package]
    shipped = {name for name in contents(built.wheel) if not name.startswith(f"{built.stem}.dist-info/")}
    assert modules | {f"{package}/py.typed"} == shipped


@pytest.mark.parametrize("package", ["durable_sdk", "pytest_durable"])
def test_a_wheel_built_from_the_sdist_equals_one_built_from_the_repository(
    package: str, distributions: dict[str, Distribution]
) -> None:
    built = distributions[package]
    assert contents(built.wheel_from_sdist) == contents(built.wheel)


@pytest.mark.parametrize("package", ["durable_sdk", "pytest_durable"])
def test_wheel_and_sdist_carry_the_license(package: str, distributions: dict[str, Distribution]) -> None:
    built = distributions[package]
    text = (ROOT / "LICENSE").read_bytes()
    assert contents(built.wheel)[f"{built.stem}.dist-info/licenses/LICENSE"] == text
    with tarfile.open(built.sdist) as archive:
        assert f"{built.stem}/LICENSE" in archive.getnames()


def test_both_distributions_carry_the_same_version(
    distributions: dict[str, Distribution],
) -> None:
    versions = {built.stem.rpartition("-")[2] for built in distributions.values()}
    assert len(versions) == 1, versions


def test_pytest_finds_the_plugin_by_its_entry_point(
    distributions: dict[str, Distribution],
) -> None:
    built = distributions["pytest_durable"]
    entry_points = contents(built.wheel)[f"{built.stem}.dist-info/entry_points.txt"].decode()
    parser = configparser.ConfigParser()
    parser.read_string(entry_points)
    assert dict(parser["pytest11"]) == {"durable": "pytest_durable.plugin"}
    assert list(parser["console_scripts"]) == ["pytest-durable"]


def test_a_durable_handler_runs_where_only_the_sdk_is_installed(
    distributions: dict[str, Distribution], tmp_path: Path
) -> None:
    # This environment's pip installs into the new one: faster than giving that a pip of its own.
    clean = tmp_path / "clean"
    run(sys.executable, "-m", "venv", "--without-pip", clean, cwd=tmp_path)
    python = clean / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", distributions["durable_sdk"].wheel, cwd=tmp_path)

    script = tmp_path / "handler.py"
    script.write_text(HANDLER_WITHOUT_PYTEST)
    answer = json.loads(run(python, "-W", "error", script, cwd=tmp_path))

    assert answer["output"] == {
        "Status": "SUCCEEDED",
        "Result": json.dumps({"greeting": "hello world"}),
    }
    assert ["greet", "SUCCEED"] in answer["steps"]
