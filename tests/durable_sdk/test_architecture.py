"""The shape of the package: what it exports, and which module may import which."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import durable_sdk

ROOT = Path(durable_sdk.__file__).parent
PACKAGE = "durable_sdk"

# From low to high: a module imports only from levels below its own.
LEVELS = (
    {"exceptions", "_runtime", "_version"},
    {"types", "_unfit", "_wording", "_duration", "_backoff", "_lineage", "_branch_tasks"}
    | {"_wire", "_wire.enums", "_wire.errors"},
    {"_checks", "_callables", "_wire.codec", "_wire.operations", "concurrency", "concurrency.completion"},
    {"_retry_strategies", "_wire.invocation", "_wire.messages", "concurrency.models", "preview"},
    {"identifier", "concurrency.record", "_plugins", "_plugins.infos"},
    {"_plugins.base", "_plugins.endings"},
    {"_plugins.dispatch", "_plugins.registration"},
    {"_plugins.executor", "plugin_discovery"},
    {"plugin"},
    {"_updates", "_operation_update", "_typed_form", "_forms", "_forms.base"},
    {"_forms.scalars", "_forms.containers", "_forms.records"},
    {"_forms.models", "_forms.unions"},
    {"_forms.annotations"},
    {"serdes"},
    {"config", "waits", "filesystem_serdes", "typed_serdes"},
    {"_client", "retries"},
    {"_boto_client", "logger", "_checkpointing", "_decorators"},
    {"_service_client"},
    {"_invocation_input", "lambda_service"},
    {"state"},
    {"operation", "operation.base", "operation.values"},
    {
        "operation.step",
        "operation.wait",
        "operation.wait_for_condition",
        "operation.wait_for_callback",
        "operation.callback",
        "operation.invoke",
        "operation.child",
        "concurrency.executor",
        "_sequence",
    },
    {"operation.batch"},
    {"operation.map", "operation.parallel"},
    {"context"},
    {"execution"},
    {""},
)
LEVEL_OF = {module: number for number, level in enumerate(LEVELS) for module in level}

# What reads clocks, draws lots, starts threads or blocks.
SEAM = {
    "asyncio",
    "concurrent",
    "multiprocessing",
    "queue",
    "random",
    "sched",
    "secrets",
    "select",
    "signal",
    "subprocess",
    "threading",
    "time",
}


def _module_of(path: Path) -> str:
    """Return the name of a module below the package; "" is the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


TREES = {
    _module_of(path): ast.parse(path.read_text(), str(path))
    for path in sorted(ROOT.rglob("*.py"))
    if "build" not in path.relative_to(ROOT).parts
}


def _imports(module: str) -> set[str]:
    """Return the full names of all that the module imports, inside functions and TYPE_CHECKING too."""
    found: set[str] = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = inner.removeprefix(f"{PACKAGE}.") in TREES
                found.add(inner if is_module else node.module)
    return found


def _own_imports(module: str) -> set[str]:
    """Return which modules of the package the module imports."""
    return {
        name.removeprefix(PACKAGE).removeprefix(".")
        for name in _imports(module)
        if name.split(".")[0] == PACKAGE
    }


def test_the_public_names_are_sorted_and_there() -> None:
    assert durable_sdk.__all__ == sorted(durable_sdk.__all__)
    assert len(set(durable_sdk.__all__)) == len(durable_sdk.__all__)
    for name in durable_sdk.__all__:
        assert getattr(durable_sdk, name) is not None


@pytest.mark.parametrize("module", sorted(TREES))
def test_the_names_that_a_module_lists_are_there(module: str) -> None:
    loaded = importlib.import_module(f"{PACKAGE}.{module}".removesuffix("."))
    names: list[str] = getattr(loaded, "__all__", [])
    assert [name for name in names if not hasattr(loaded, name)] == []


def test_every_module_has_a_level() -> None:
    assert set(TREES) == set(LEVEL_OF)


@pytest.mark.parametrize("module", sorted(TREES))
def test_a_module_imports_only_from_lower_levels(module: str) -> None:
    upward = {name for name in _own_imports(module) if LEVEL_OF[name] >= LEVEL_OF[module]}
    assert upward == set()


def test_there_is_no_import_cycle() -> None:
    remaining = {module: _own_imports(module) for module in TREES}
    while True:
        leaves = {module for module, imports in remaining.items() if not imports & remaining.keys()}
        if not leaves:
            break
        remaining = {module: imports for module, imports in remaining.items() if module not in leaves}
    assert remaining == {}


def test_nothing_is_imported_for_the_type_checker_alone() -> None:
    conditional = [
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"
    ]
    assert conditional == []


@pytest.mark.parametrize("module", sorted(TREES.keys() - {"_runtime"}))
def test_time_chance_and_threads_come_through_the_runtime_alone(module: str) -> None:
    assert {name for name in _imports(module) if name.split(".")[0] in SEAM} == set()
    clock_reads = [
        ast.unparse(node)
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
        and node.attr in {"now", "utcnow", "today"}
    ]
    assert clock_reads == []


@pytest.mark.parametrize("module", sorted(TREES))
def test_only_the_boto_client_imports_anything_from_outside_and_only_when_it_is_used(module: str) -> None:
    at_import: set[str] = set()
    for node in TREES[module].body:
        if isinstance(node, ast.Import):
            at_import |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            at_import.add((node.module or "").split(".")[0])
    assert not at_import & {"boto3", "botocore", "pytest_durable", "pytest"}
    if module != "_boto_client":
        assert not {name for name in _imports(module) if name.split(".")[0] in {"boto3", "botocore"}}
