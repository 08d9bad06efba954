"""The section that a failed durable test gets: how it went, what was left, how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence

_LINES_AT_START = 30
_LINES_AT_END = 50
_PENDING_SHOWN = 20


def failure_section(
    result_timeline: str,
    pending: Sequence[str],
    seed: int | None,
    rerun_command: str,
    *,
    notes: Sequence[str] = (),
) -> str:
    """Return the section. ``notes`` are lines of others, such as the faults that struck.

    Without a seed nothing was left to chance, so none is told.
    """
    blocks = [_without_middle(result_timeline)]
    if pending:
        blocks.append("\n".join(["pending:", *(f"  {line}" for line in _bounded(pending))]))
    blocks.extend(notes)
    repeat = [] if seed is None else [f"seed: {seed}"]
    blocks.append("\n".join([*repeat, f"run it again: {rerun_command}"]))
    return "\n\n".join(block for block in blocks if block)


def _without_middle(text: str) -> str:
    """Leave out the middle of a long timeline: its start tells the setting, its end the failure."""
    lines = text.splitlines()
    left_out = len(lines) - _LINES_AT_START - _LINES_AT_END
    if left_out <= 1:
        return text
    return "\n".join(
        [
            *lines[:_LINES_AT_START],
            f"  ... {left_out:,} lines left out; result.timeline() has them ...",
            *lines[-_LINES_AT_END:],
        ]
    )


def _bounded(pending: Sequence[str]) -> list[str]:
    shown = list(pending[:_PENDING_SHOWN])
    if len(pending) > len(shown):
        shown.append(f"and {len(pending) - len(shown):,} more")
    return shown
