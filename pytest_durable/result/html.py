"""HTML: the timeline of a run as one page that needs nothing else, not even scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from pytest_durable.history.log import EventLog
from pytest_durable.result.rows import Lane, Row, RowKind, lanes_of, with_faults
from pytest_durable.result.timeline import headline
from pytest_durable.result.wording import counted, span

# A page wraps lines, so values may be longer than in a terminal.
_VALUE_WIDTH = 400

STYLE = """
:root { color-scheme: light dark; --text: #1c2430; --soft: #66707f; --line: #dde2e8;
  --lane: #f5f7f9; --page: #ffffff; --bad: #b3261e; --good: #1a7f37; }
@media (prefers-color-scheme: dark) {
  :root { --text: #dfe4ea; --soft: #8b95a3; --line: #303844; --lane: #1b212a; --page: #12161c;
    --bad: #ff8a80; --good: #6cc987; }
}
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--page);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.15rem; font-weight: 600; }
p { color: var(--soft); }
table { width: 100%; border-collapse: collapse; }
tbody { border-top: 1px solid var(--line); }
tbody.lane:nth-of-type(odd) { background: var(--lane); }
th { text-align: left; font-weight: 500; font-size: .8rem; color: var(--soft); }
th, td { padding: .15rem .6rem; vertical-align: top; }
th[scope=rowgroup], .time { width: 1%; text-align: right; white-space: nowrap; }
.time { color: var(--soft); font-variant-numeric: tabular-nums; }
.outcome { font-family: ui-monospace, monospace; font-size: .85rem; overflow-wrap: anywhere; }
.invocation .label, .end .label { font-weight: 600; }
.gap td { text-align: center; color: var(--soft); font-style: italic; }
.end .label { color: var(--good); }
.fault .label, .failed .label, .failed .outcome { color: var(--bad); }
""".strip()


def html_page(
    log: EventLog,
    *,
    title: str | None = None,
    seed: int | None = None,
    faults: Mapping[int, Sequence[str]] | None = None,
) -> str:
    """Return the page: a table with a lane for each invocation, in order of time."""
    heading = title if title is not None else headline(log)
    about = [counted(len(log), "event")] + ([] if seed is None else [f"seed {seed}"])
    return html_document(heading, f"<p>{', '.join(about)}</p>\n{html_table(log, faults)}")


def html_document(heading: str, body: str, style: str = "") -> str:
    """Return a page that needs nothing else. ``body`` and ``style`` stand in it as they are."""
    heading = escape(heading)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading}</title>
<style>
{STYLE}{style and chr(10) + style}
</style>
</head>
<body>
<h1>{heading}</h1>
{body}
</body>
</html>
"""


def html_table(log: EventLog, faults: Mapping[int, Sequence[str]] | None = None) -> str:
    """Return a run as a table; ``faults`` are those that struck, as `timeline` takes them."""
    lanes = [with_faults(lane, faults or {}) for lane in lanes_of(log, _VALUE_WIDTH)]
    rows = "\n".join(_lane(lane) for lane in lanes)
    return f"""<table>
<thead><tr><th scope="col">Invocation</th><th scope="col">Time</th><th scope="col">What</th>\
<th scope="col">Outcome</th></tr></thead>
{rows}
</table>"""


def _lane(lane: Lane) -> str:
    gaps = [row for row in lane.rows if row.kind is RowKind.GAP]
    rows = [row for row in lane.rows if row.kind is not RowKind.GAP]
    # Time that passes belongs to no invocation, so it stands between the lanes.
    before = "".join(
        f'<tbody><tr class="gap"><td colspan="4">{escape(row.label)}</td></tr></tbody>\n' for row in gaps
    )
    number = "" if lane.number is None else str(lane.number)
    header = f'<th scope="rowgroup" rowspan="{len(rows)}">{number}</th>'
    lines = [_row(row, header if index == 0 else "") for index, row in enumerate(rows)]
    return f'{before}<tbody class="lane">\n' + "\n".join(lines) + "\n</tbody>"


def _row(row: Row, header: str) -> str:
    classes = f"{row.kind.value} failed" if row.failed else row.kind.value
    return (
        f'<tr class="{classes}">{header}<td class="time">+{span(row.at)}</td>'
        f'<td class="label" style="padding-left:{0.6 + 1.4 * row.depth:.1f}em">'
        f'{escape(row.label)}</td><td class="outcome">{escape(row.outcome)}</td></tr>'
    )
