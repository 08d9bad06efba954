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
    """The usual pytester, without pytest-asyncio's warning about a setting each project lacks."""
    # A warning raised while pytest configures itself escapes every filter, so the setting is given.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-o asyncio_default_fixture_loop_scope=function")
    # Where they are set, pytest writes the lines of its summary in full.
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    return pytester
