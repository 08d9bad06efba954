"""Where this project does something else than AWS's SDK 3.0.0 and its test runner 1.4.0, on purpose.

`tests/differential/run.py` finds the differences; each that it finds must be covered here by a reason, and
each that is here must be found. The page docs/explanation/differences-from-aws.md shows the same table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Deliberate:
    """A difference that is meant, in words for users, and what it looks like to `run.py`.

    ``found`` gives by the name of a case regular expressions that match every line of the differences
    found there. Without any, the difference is one that running a handler cannot show.
    """

    situation: str
    aws: str
    here: str
    reason: str
    found: dict[str, str] = field(default_factory=dict)

    def covers(self, case: str, line: str) -> bool:
        """Return whether the difference found in a case is this one."""
        return case in self.found and re.search(self.found[case], line) is not None


DELIBERATE: list[Deliberate] = []


def table() -> str:
    """Return the differences as a table in Markdown."""
    lines = ["| Situation | AWS | Here | Why |", "|---|---|---|---|"]
    lines += [f"| {each.situation} | {each.aws} | {each.here} | {each.reason} |" for each in DELIBERATE]
    return "\n".join(lines)
