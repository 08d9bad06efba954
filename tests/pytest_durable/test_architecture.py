"""The structure of the plugin: data flows one way, and time and chance come in at few places."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pytest_durable

ROOT = Path(pytest_durable.__file__).parent

# From low to high; a part imports only itself and what comes before it.
PARTS = (
    "exceptions",
    "errors",
    "service_errors",
    "runtime_errors",
    "durations",
    "history",
    "model",
    "result",
    "payload",
    "points",
    "scripts",
    "faults",
    "plan",
    "entropy",
    "schedules",
    "drawn",
    "strategies",
    "exploration",
    "backend",
    "cloud",
    "cloud_runner",
    "simulator",
    "endpoint",
    "effects",
    "mutation",
    "runner",
    "profiles",
    "settings",
    "markers",
    "fixtures",
    "report",
    "hookspec",
    "campaign",
    "deployed",
)

# The modules that touch what the simulator is there to control, and why they may.
SEAMS = {
    "endpoint.virtual_calls": {"threading"},
    "simulator.affinity": {"os"},
    "cloud.clock": {"time", "uuid"},
    "deployed.settings": {"os"},
    "endpoint.server.app": {"asyncio", "uuid"},
    "endpoint.server.engine": {"concurrent", "secrets", "threading", "time"},
    "endpoint.server.pages": {"asyncio"},
    "endpoint.server.processes": {"concurrent", "os", "queue", "threading"},
    "endpoint.server.sandbox": {"os", "queue", "threading", "time"},
    "endpoint.server.service_time": {"time"},
    "endpoint.server.serving": {"asyncio", "threading"},
    "endpoint.server.surroundings": {"os"},
    "entropy": {"random"},
    "simulator.chance": {"os", "random"},
    "simulator.process_exit": {"os"},
    "simulator.replaying.diagnose": {"random"},
    "simulator.replaying.evidence": {"os", "random", "time", "uuid"},
    "simulator.replaying.hash_order": {"os"},
    "simulator.replaying.perturb": {"os", "random"},
    "simulator.replaying.shadow": {"random"},
    "simulator.replaying.surroundings": {"os"},
    "simulator.replaying.values": {"uuid"},
    "simulator.replaying.bindings": {"os"},
    "simulator.runtime": {"random", "threading"},
    "simulator.stalls": {"threading"},
    "simulator.turns": {"os", "threading"},
    "simulator.wall_clock": {"time", "uuid"},
    "simulator.identifiers": {"uuid"},
}
CONTROLLED = {
    "asyncio",
    "concurrent",
    "multiprocessing",
    "os",
    "queue",
    "random",
    "secrets",
    "threading",
    "time",
    "uuid",
}


def _module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


TREES = {_module_of(path): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def _imports(module: str) -> set[str]:
    """Return what the module imports, inside functions and TYPE_CHECKING too."""
    found: set[str] = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _own_imports(module: str) -> set[str]:
    names = {name.removeprefix("pytest_durable.") for name in _imports(module)}
    return {name for name in names if name in TREES and name != module}


def test_no_modules_import_each_other_in_a_circle() -> None:
    order = TopologicalSorter({module: _own_imports(module) for module in TREES}).static_order()
    assert set(order) == set(TREES)


@pytest.mark.parametrize("module", [module for module in TREES if module.partition(".")[0] in PARTS])
def test_a_part_imports_only_parts_below_it(module: str) -> None:
    level = PARTS.index(module.partition(".")[0])
    above = {name for name in _own_imports(module) if name and PARTS.index(name.partition(".")[0]) > level}
    assert above == set()


def test_the_simulator_and_the_cloud_know_nothing_of_each_other() -> None:
    parts = {"simulator": "cloud", "cloud": "simulator"}
    for module in TREES:
        other = parts.get(module.partition(".")[0])
        if other is not None:
            assert [name for name in _own_imports(module) if name.partition(".")[0] == other] == []


@pytest.mark.parametrize("module", TREES)
def test_time_chance_and_threads_come_in_at_the_seams_only(module: str) -> None:
    roots = {name.partition(".")[0] for name in _imports(module)}
    assert roots & CONTROLLED <= SEAMS.get(module, set())


def test_the_plugin_module_imports_only_pytest_when_it_is_loaded() -> None:
    loaded = {
        node.module
        for node in TREES["plugin"].body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
    }
    assert loaded == {"collections.abc", "typing"}
    assert {
        alias.name for node in TREES["plugin"].body if isinstance(node, ast.Import) for alias in node.names
    } == {"pytest", "sys"}


@pytest.mark.parametrize("module", [module for module in TREES if module.startswith("simulator.service")])
def test_the_service_is_pure(module: str) -> None:
    """It knows nothing of what runs it: no clock, queue, loop or task."""
    machinery = {"clock", "event_queue", "loop", "world", "turns", "runtime", "client", "simulator"}
    assert {f"simulator.{name}" for name in machinery} & _own_imports(module) == set()


@pytest.mark.parametrize("module", [module for module in TREES if module.startswith("endpoint.wire")])
def test_the_wire_knows_no_simulator_and_no_library_of_http(module: str) -> None:
    assert not {name for name in _own_imports(module) if name.startswith(("simulator", "endpoint.op"))}
    http = {"http", "requests", "urllib3", "starlette", "uvicorn", "boto3", "moto", "socket"}
    assert not {name.partition(".")[0] for name in _imports(module)} & http
