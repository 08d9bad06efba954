"""Query: find operations by name and by path, and say what is near where nothing is found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar

from durable_sdk.lambda_service import OperationType
from pytest_durable.errors import OperationNotFoundError, UsageError
from pytest_durable.result.wording import kind_of

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Node(Protocol):
    """What a lookup needs to know of an operation. Contexts have ``child_operations`` as well."""

    @property
    def operation_type(self) -> OperationType: ...
    @property
    def sub_type(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...


N = TypeVar("N", bound=Node)

_NAMES_SHOWN = 12
_PLACES_SHOWN = 3

# What may follow a name in a path: an index, then the end or the next name.
_AFTER_NAME = re.compile(r"(?:\[(\d+)\])?(?:/(?=.)|$)")


def children_of(operation: N) -> Sequence[N]:
    """Return the operations directly inside."""
    children: Sequence[N] = getattr(operation, "child_operations", ())
    return children


def walk(operations: Sequence[N]) -> Iterator[N]:
    """Yield the operations and all below, depth first, in order of creation."""
    # A stack of our own: nesting is bounded by the handler, not by Python's recursion limit.
    stack = list(reversed(operations))
    while stack:
        operation = stack.pop()
        yield operation
        stack.extend(reversed(children_of(operation)))


def walk_with_paths(operations: Sequence[N]) -> Iterator[tuple[str, N]]:
    """Yield like `walk`, with paths; `at_path` accepts one if all names in it are set."""
    stack = list(reversed(_segments("", operations)))
    while stack:
        path, operation = stack.pop()
        yield path, operation
        stack.extend(reversed(_segments(f"{path}/", children_of(operation))))


def _segments(prefix: str, operations: Sequence[N]) -> list[tuple[str, N]]:
    total = Counter(operation.name for operation in operations)
    seen: Counter[str | None] = Counter()
    segments = []
    for operation in operations:
        name = operation.name
        text = name or f"({kind_of(operation.operation_type, operation.sub_type)})"
        index = f"[{seen[name]}]" if total[name] > 1 else ""
        seen[name] += 1
        segments.append((f"{prefix}{text}{index}", operation))
    return segments


def find(operations: Sequence[N], name: str, kind: OperationType | None, holder: str) -> N:
    """Return the first operation of that name, and of that kind unless it is None.

    Raises:
        OperationNotFoundError: there is none directly inside ``holder``.
        UsageError: the name is no text.
    """
    _demand_text("The name of an operation", name)
    for operation in operations:
        if operation.name == name and kind in (None, operation.operation_type):
            return operation
    word = kind_of(kind) if kind else "operation"
    raise OperationNotFoundError(
        " ".join(
            [
                f"{holder} has no {word} named {name!r}.",
                *_elsewhere(operations, name, kind),
                *_near(operations, name, kind),
            ]
        )
    )


def _demand_text(what: str, given: object) -> None:
    if not isinstance(given, str):
        raise UsageError(f"{what} is a text, got {given!r}. Unnamed operations are in get_all_operations().")


def _elsewhere(
    operations: Sequence[N], name: str, kind: OperationType | None, prefix: str = ""
) -> Iterator[str]:
    """Say where the name does exist: as another kind, or deeper. ``prefix`` leads to where it is not."""
    other = next((node for node in operations if node.name == name), None)
    if other is not None:
        kind_there = kind_of(other.operation_type, other.sub_type)
        # Contexts and steps written as something else (map, ...) are looked up by what they are.
        getter = f"get_{kind_of(other.operation_type)}({name!r})"
        yield f"{name!r} is a {kind_there} there: use {getter}."
    here = {id(node) for node in operations}
    deeper = [
        (path, node)
        for path, node in walk_with_paths(operations)
        if node.name == name and kind in (None, node.operation_type) and id(node) not in here
    ]
    if deeper:
        calls = " or ".join(f"operation({prefix + path!r})" for path, _ in deeper[:_PLACES_SHOWN])
        more = len(deeper) - _PLACES_SHOWN
        yield f"It is deeper: use {calls}{f' or {more} more' if more > 0 else ''}."


def _near(operations: Sequence[N], name: str, kind: OperationType | None) -> Iterator[str]:
    """Name what is alike, then what there is."""
    counts = Counter(node.name or "" for node in operations if kind in (None, node.operation_type))
    unnamed = counts.pop("", 0)
    alike = [near for near in get_close_matches(name, counts) if near != name]
    if alike:
        yield f"Did you mean {' or '.join(map(repr, alike))}?"
    word = f"{kind_of(kind)}s" if kind else "operations"
    shown = [
        f"{known!r} ({count} times)" if count > 1 else repr(known)
        for known, count in list(counts.items())[:_NAMES_SHOWN]
    ]
    if len(counts) > _NAMES_SHOWN:
        shown.append(f"{len(counts) - _NAMES_SHOWN:,} more names")
    if unnamed:
        shown.append(f"{unnamed:,} without a name")
    yield f"The {word} there: {', '.join(shown)}." if shown else f"There are no {word} there."


def at_path(operations: Sequence[N], path: str, holder: str) -> N:
    """Return the operation at a path such as ``orders[1]/charge``; an index counts repeats from 0.

    Raises:
        OperationNotFoundError: nothing is there; it names the part of the path that fails.
        UsageError: the path is no text.
    """
    _demand_text("The path of an operation", path)
    found = _resolve(operations, path)
    if found is None:
        raise OperationNotFoundError(_path_miss(operations, path, holder))
    return found


def _resolve(operations: Sequence[N], path: str) -> N | None:
    # Names may hold slashes and brackets themselves, so the longest name that fits goes first.
    names = {node.name for node in operations if node.name and path.startswith(node.name)}
    for name in sorted(names, key=len, reverse=True):
        after = _AFTER_NAME.match(path, len(name))
        if after is None:
            continue
        repeats = [node for node in operations if node.name == name]
        index = int(after[1] or 0)
        if index >= len(repeats):
            continue
        rest = path[after.end() :]
        found = _resolve(children_of(repeats[index]), rest) if rest else repeats[index]
        if found is not None:
            return found
    return None


def _path_miss(operations: Sequence[N], path: str, holder: str) -> str:
    parts = path.split("/")
    parent_prefix = ""
    for depth in range(len(parts) - 1, 0, -1):
        parent_path = "/".join(parts[:depth])
        parent = _resolve(operations, parent_path)
        if parent is not None:
            operations = children_of(parent)
            kind = kind_of(parent.operation_type, parent.sub_type)
            holder = f"{kind.capitalize()} {parent_path!r}"
            parts = parts[depth:]
            parent_prefix = f"{parent_path}/"
            break
    segment = parts[0]
    name, _, index = segment.removesuffix("]").rpartition("[")
    count = sum(1 for node in operations if node.name == name)
    prefix = f"No operation at {path!r}."
    if count and index.isdecimal():
        return f"{prefix} {holder} has {count} of {name!r}: the last is {f'{name}[{count - 1}]'!r}."
    # The whole rest may be deeper than the user thought; a single name is looked for everywhere.
    return " ".join(
        [
            prefix,
            f"{holder} has no operation named {segment!r}.",
            *_elsewhere(operations, segment, None, parent_prefix),
            *_near(operations, segment, None),
        ]
    )
