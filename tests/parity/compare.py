"""Compare our public surface with AWS's, name by name.

    python tests/parity/compare.py

installs AWS's packages from the index into a scratch environment under build/, describes their surface
anew, checks that the description in this directory is the same, and prints every difference of ours that no
entry of `differences.DIFFERENCES` allows. Exit code 1 if there is one. With ``--record`` it writes the
description instead of checking it, and the page of the documentation that lists the differences.

It also runs `aws_suite.py` with AWS's packages; the test suite runs it with ours.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from parity.differences import DIFFERENCES, Difference, page  # noqa: E402
from parity.surface import MODULES, Described, describe  # noqa: E402

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "aws_surface.json"
PAGE = TESTS.parent / "docs" / "explanation" / "api-differences.md"
SCRATCH = TESTS.parent / "build" / "aws-venv"
AWS_PACKAGES = [
    "aws-durable-execution-sdk-python==3.0.0",
    "aws-durable-execution-sdk-python-testing==1.4.0",
    "pytest",
]

_ABSENT = object()


@dataclass(frozen=True)
class Found:
    """Something of AWS's that ours has not, or has otherwise. ``name`` is module:Class.member, short."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def compare(surface: dict[str, dict[str, Described]]) -> list[Found]:
    """Return every difference of ours from a described surface."""
    found: list[Found] = []
    for module, names in surface.items():
        ours = MODULES[module]
        try:
            loaded = importlib.import_module(ours)
        except ModuleNotFoundError:
            found += [Found(f"{ours}:{name}", "is missing, as is its module") for name in names]
            continue
        for name, theirs in names.items():
            value = getattr(loaded, name, _ABSENT)
            if value is _ABSENT:
                found.append(Found(f"{ours}:{name}", "is missing"))
            else:
                found += _compare(f"{ours}:{name}", theirs, describe(value))
    return found


def _compare(name: str, theirs: Described, ours: Described) -> list[Found]:
    if theirs["kind"] == "enum":
        return _compare_enums(name, theirs, ours)
    if theirs["kind"] == "constant":
        same = theirs.get("value") == ours.get("value") or name.endswith("__version__")
        return [] if same else [Found(name, f"is {ours.get('value')!r}, AWS's is {theirs['value']!r}")]
    if theirs["kind"] != "class":
        return _compare_parameters(name, theirs, ours)
    if ours["kind"] != "class":
        return [Found(name, f"is of the kind {ours['kind']}, AWS's is a class")]
    found = _compare_parameters(name, theirs, ours)
    if "fields" in theirs and "fields" in ours:
        missing = [field for field in theirs["fields"] if field not in ours["fields"]]
        found += [Found(f"{name}.{field}", "is missing") for field in missing]
    found += [
        Found(name, f"does not derive from {base}")
        for base in theirs.get("bases", [])
        if base not in ours.get("bases", [])
    ]
    for member, described in theirs["members"].items():
        member_name = f"{name}.{member}"
        if member in ours["members"]:
            found += _compare_member(member_name, described, ours["members"][member])
        elif member not in ours.get("fields", []):
            found.append(Found(member_name, "is missing"))
    return found


def _compare_member(name: str, theirs: Described, ours: Described) -> list[Found]:
    if theirs["kind"] == "method":
        return _compare_parameters(name, theirs, ours)
    if "value" in theirs and theirs["value"] != ours.get("value"):
        return [Found(name, f"is {ours.get('value')!r}, AWS's is {theirs['value']!r}")]
    return []


def _compare_enums(name: str, theirs: Described, ours: Described) -> list[Found]:
    if ours["kind"] != "enum":
        return [Found(name, f"is of the kind {ours['kind']}, AWS's is an enum")]
    return [
        Found(f"{name}.{member}", "is missing" if member not in ours["values"] else "has another value")
        for member, value in theirs["values"].items()
        if ours["values"].get(member) != value
    ]


def _compare_parameters(name: str, theirs: Described, ours: Described) -> list[Found]:
    """Ours may take more, after AWS's positional ones and with a default."""
    if theirs.get("parameters") is None or ours.get("parameters") is None:
        return []
    found = []
    given = {parameter[0]: parameter for parameter in ours["parameters"]}
    for parameter in theirs["parameters"]:
        own = given.get(parameter[0])
        if own is None:
            found.append(Found(f"{name}({parameter[0]})", "is missing"))
        elif not _accepts(own, parameter):
            text = f"is {_shown(own)}, AWS's is {_shown(parameter)}"
            found.append(Found(f"{name}({parameter[0]})", text))
    positional = _positional(theirs["parameters"])
    if not found and _positional(ours["parameters"])[: len(positional)] != positional:
        found.append(Found(name, f"takes {_positional(ours['parameters'])}, AWS's takes {positional}"))
    known = {parameter[0] for parameter in theirs["parameters"]}
    found += [
        Found(f"{name}({own[0]})", "is required, AWS's has no such parameter")
        for own in ours["parameters"]
        if own[0] not in known and own[2] == "required" and "VAR" not in own[1]
    ]
    return found


def _accepts(own: list[str], parameter: list[str]) -> bool:
    """Return whether a call that gives, or leaves out, AWS's parameter works with ours."""
    by_place = own[1] == parameter[1] or parameter[1] == "KEYWORD_ONLY"
    return by_place and (parameter[2] in ("required", own[2]))


def _shown(parameter: list[str]) -> str:
    kind = parameter[1].lower().replace("_or_", " or ").replace("_", " ")
    return f"{kind}, {parameter[2] if parameter[2] == 'required' else f'default {parameter[2]}'}"


def _positional(parameters: list[list[str]]) -> list[str]:
    return [parameter[0] for parameter in parameters if parameter[1].startswith("POSITIONAL")]


def unexplained(found: list[Found]) -> list[Found]:
    """Return the differences that the table does not allow."""
    return [one for one in found if not any(entry.allows(one.name) for entry in DIFFERENCES)]


def unused(found: list[Found]) -> list[Difference]:
    """Return the entries of the table that allow nothing there is."""
    return [entry for entry in DIFFERENCES if not any(entry.allows(one.name) for one in found)]


def recorded_surface() -> dict[str, Any]:
    """Return AWS's surface as this directory has it."""
    surface: dict[str, Any] = json.loads(RECORDED.read_text())
    return surface


def _aws_python() -> Path:
    python = SCRATCH / "bin" / "python"
    if not python.exists():
        venv.create(SCRATCH, with_pip=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *AWS_PACKAGES]
    subprocess.run(command, check=True)
    return python


def main(arguments: list[str]) -> int:
    """Describe AWS's surface, compare, and print; return the exit code."""
    fresh = TESTS.parent / "build" / "aws_surface.json"
    subprocess.run([_aws_python(), HERE / "surface.py", fresh], check=True)
    if "--record" in arguments:
        RECORDED.write_text(fresh.read_text())
    elif fresh.read_text() != RECORDED.read_text():
        print(f"{RECORDED} differs from AWS's packages: write it anew with --record.")
        return 1
    surface = recorded_surface()
    if "--record" in arguments:
        PAGE.write_text(page())
    found = compare(surface)
    wrong = unexplained(found)
    # Without the configuration of this repository.
    pytest = [_aws_python(), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # The suite stands alone: what this project sets up is not installed there.
    pytest += ["-c", os.devnull, "--noconftest"]
    suite = subprocess.run([*pytest, HERE / "aws_suite.py"], cwd=fresh.parent)
    names = sum(map(len, surface.values()))
    for one in wrong:
        print(one)
    for entry in unused(found):
        print(f"No difference any more: {entry.names}")
    print(
        f"{names} public names in {len(surface)} modules of AWS's packages; {len(found)} differences, "
        f"{len(found) - len(wrong)} of them deliberate."
    )
    return 1 if wrong or unused(found) or suite.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
