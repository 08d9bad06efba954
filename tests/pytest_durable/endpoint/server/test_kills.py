"""No death of a sandbox or of the server loses what was acknowledged. ``make soak`` tries it more."""

from __future__ import annotations

from pathlib import Path

from kills import kill_sandboxes, kill_servers


def test_the_death_of_sandboxes_loses_nothing_and_repeats_no_finished_step(tmp_path: Path) -> None:
    counts = kill_sandboxes(4, 1, tmp_path)
    assert counts.kills == 4
    assert counts.is_good, counts


def test_the_death_of_the_server_loses_nothing_and_repeats_no_finished_step(tmp_path: Path) -> None:
    counts = kill_servers(2, 1, tmp_path)
    assert counts.kills == 2
    assert counts.is_good, counts
