"""The double charge on every supported Python.

python -m bugs.pythons      run in tests/, with the network

Makes an environment for each version of Python that this machine has, in build/, with what the plugin needs,
and runs `test_double_charge`, which finds them there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13")
NEEDS = ("pytest>=8", "pytest-xdist>=3.6", "freezegun>=1.5", "pluggy>=1.5", "boto3>=1.42.1")

ROOT = Path(__file__).parent.parent.parent


def interpreter(version: str) -> str | None:
    """Return the path of an interpreter, None if this machine has none of that version."""
    versions = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    return str(versions[-1]) if versions else shutil.which(f"python{version}")


def make(version: str, base: str) -> None:
    """Make the environment of a version, unless it is there."""
    folder = ROOT / "build" / f"python-{version}"
    if (folder / "bin" / "python").exists():
        return
    subprocess.run([base, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *NEEDS], check=True)


def main() -> int:
    """Make the environments, and run the tests."""
    for version in VERSIONS:
        base = interpreter(version)
        if base is None:
            print(f"Python {version} is not on this machine")
        else:
            make(version, base)
    tests = ROOT / "tests" / "bugs" / "test_double_charge.py"
    return subprocess.run([sys.executable, "-m", "pytest", "-v", "-rs", str(tests)], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
