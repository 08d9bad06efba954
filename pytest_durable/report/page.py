"""The page of a whole run of pytest: every durable test, how it went, and how to repeat what failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any, Self

from pytest_durable.result.html import html_document

# Where an object lies differs from one process to the next, and the page does not.
_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")

_STYLE = """
.test { border-top: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.verdict { display: inline-block; min-width: 4.5rem; font-weight: 600; }
.passed .verdict { color: var(--good); }
.failed .verdict, .error .verdict { color: var(--bad); }
h2, h3 { font-size: 1rem; font-weight: 600; margin: 1rem 0 .3rem; }
h3 { font-weight: 500; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
dd, pre { font-family: ui-monospace, monospace; font-size: .85rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
""".strip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One test on the page.

    ``verdict`` is pytest's word, ``message`` its line about a failure. ``facts`` are names and texts;
    ``executions`` pairs of a heading and a table of HTML, which stands in the page as it is.
    """

    nodeid: str
    verdict: str
    message: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    executions: Sequence[tuple[str, str]] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, in which it travels between processes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the entry that such values stand for."""
        executions = [(heading, table) for heading, table in values["executions"]]
        return cls(**{**values, "executions": executions})


def report_page(entries: Iterable[Entry]) -> str:
    """Return the page. Tests stand in the order of their node ids, so that it is the same for any order."""
    ordered = sorted(entries, key=lambda entry: entry.nodeid)
    counts = Counter(entry.verdict for entry in ordered)
    told = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items()))
    tests = "\n".join(map(_test, ordered))
    return html_document("Durable tests", f"<p>{told or 'no durable test has run'}</p>\n{tests}", _STYLE)


def _test(entry: Entry) -> str:
    is_open = " open" if entry.verdict in ("failed", "error") else ""
    message = f"<pre>{_escaped(entry.message)}</pre>\n" if entry.message else ""
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{_escaped(text)}</dd>\n" for name, text in entry.facts.items() if text
    )
    listed = f"<dl>\n{facts}</dl>\n" if facts else ""
    tables = "\n".join(f"<h3>{escape(heading)}</h3>\n{table}" for heading, table in entry.executions)
    return (
        f'<details class="test {escape(entry.verdict)}"{is_open}>\n'
        f'<summary><span class="verdict">{escape(entry.verdict)}</span> {escape(entry.nodeid)}</summary>\n'
        f"{message}{listed}{tables}\n</details>"
    )


def _escaped(text: str) -> str:
    return escape(_ADDRESS.sub("0x...", text))
