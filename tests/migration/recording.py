"""Recorded executions: every state that an execution was in under AWS's SDK, and what became of it there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migration.driver import compact, expanded, without_times
from migration.service import Json

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Recording:
    """One execution: its log, its answer, and how it ends when the sandbox dies on the way.

    ``crashes`` says by the number of entries that the log had at a crash what is different at the end: the
    answer, and operations, None for one that is not there. A crash that changes nothing is not in it.
    """

    name: str
    log: list[Json]
    answer: Json
    crashes: dict[int, Json]

    @classmethod
    def made(cls, name: str, log: list[Json], end: Json, ends: dict[int, Json]) -> Recording:
        """Return the recording of an execution, and of those that went on from some of its states."""
        crashes = {
            entries: {
                "answer": other["answer"],
                "operations": {
                    id: other["operations"].get(id)
                    for id in sorted(other["operations"].keys() | end["operations"].keys())
                    if other["operations"].get(id) != end["operations"].get(id)
                },
            }
            for entries, other in ends.items()
            if other != end
        }
        return cls(name, log, end["answer"], crashes)

    def end_after(self, entries: int) -> Json:
        """Return how the execution ended under its SDK from the state after so many entries."""
        operations: Json = {}
        for entry in self.log:
            operations |= entry["operations"]
        crash = self.crashes.get(entries, {"answer": self.answer, "operations": {}})
        ended = without_times(operations) | crash["operations"]
        return {
            "answer": crash["answer"],
            "operations": {id: operation for id, operation in sorted(ended.items()) if operation is not None},
        }

    def states(self) -> Iterator[int]:
        """Return after how many entries of the log there is a state that another sandbox can go on from."""
        yield from range(len(self.log))
        # The request that ends an execution changes no operation.
        if self.log and self.log[-1]["operations"]:
            yield len(self.log)


_ID = re.compile(r"\b[0-9a-f]{64}\b")
_INDEX = re.compile(r"@(\d+);")


def save(release: str, recordings: list[Recording]) -> Path:
    """Write recordings where `load` finds them. Each id is written once: most occur in many executions."""
    ids: dict[str, int] = {}

    def short(match: re.Match[str]) -> str:
        return f"@{ids.setdefault(match.group(), len(ids))};"

    lines = [
        _ID.sub(short, json.dumps(compact(vars(each)), separators=(",", ":"), sort_keys=True))
        for each in recordings
    ]
    path = DATA / f"aws_{release.replace('.', '_')}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        '{"ids":[\n'
        + ",\n".join(f'"{id}"' for id in ids)
        + '\n],"executions":[\n'
        + ",\n".join(lines)
        + "\n]}\n"
    )
    return path


def load(release: str) -> list[Recording]:
    """Return the recordings of a release of AWS's SDK."""
    text = (DATA / f"aws_{release.replace('.', '_')}.json").read_text()
    head, _, body = text.partition('\n],"executions":')
    ids: list[str] = json.loads(head.removeprefix('{"ids":') + "]")
    executions: list[Any] = json.loads(_INDEX.sub(lambda match: ids[int(match.group(1))], body[:-2]))
    return [from_json(each) for each in expanded(executions)]


def from_json(value: Json) -> Recording:
    """Return a recording from its members; JSON knows no numbers as keys."""
    return Recording(**(value | {"crashes": {int(key): end for key, end in value["crashes"].items()}}))
