"""Set-up shared by the tests and the examples."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Many tests start a Python, which would compile all modules again where the environment forbids to write
# bytecode. They share what they compile, outside of the source tree.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
_BYTECODE = Path(__file__).parent / "build" / "bytecode"
os.environ["PYTHONPYCACHEPREFIX"] = str(_BYTECODE)

# The suite finds the same on every run; longer searches with fresh chance have commands of their own.
settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.load_profile("suite")

# The plugin is tested by running pytest on small generated projects. pytest accepts this list only
# in the top-level conftest.
pytest_plugins = ["pytester"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Forget the bytecode of temporary projects, which have other paths in each session."""
    if not hasattr(session.config, "workerinput"):
        temporary = Path(tempfile.gettempdir()).resolve()
        shutil.rmtree(_BYTECODE / temporary.relative_to(temporary.anchor), ignore_errors=True)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """The usual pytester, whose runs load this plugin and xdist; a test that needs others names them."""
    # All that are installed here take seconds to import, Hypothesis and trio among them.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p durable -p xdist")
    # Where they are set, pytest writes the lines of its summary in full.
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    return pytester
