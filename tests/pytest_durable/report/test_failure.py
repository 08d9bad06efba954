"""The section under a failed test is a recipe: what happened, and how to see it again."""

from __future__ import annotations

from textwrap import dedent

from pytest_durable.report.failure import failure_section

COMMAND = "pytest tests/test_order.py::test_order --durable-seed=7"


def test_the_section_has_timeline_pending_work_seed_and_command() -> None:
    text = failure_section("execution RUNNING\n  +0s  1  started", ["wait 'pause'"], 7, COMMAND)
    assert text == dedent(
        f"""\
        execution RUNNING
          +0s  1  started

        pending:
          wait 'pause'

        seed: 7
        run it again: {COMMAND}"""
    )


def test_a_block_without_content_is_left_out() -> None:
    assert failure_section("", [], None, COMMAND) == f"run it again: {COMMAND}"


def test_notes_of_others_stand_before_the_command() -> None:
    text = failure_section("timeline", [], 0, COMMAND, notes=["faults: crash(after_step='ship')"])
    assert text.index("timeline") < text.index("faults:") < text.index("seed: 0")


def test_a_long_timeline_keeps_its_start_and_its_end() -> None:
    timeline = "\n".join(f"line {number}" for number in range(5_000))
    lines = failure_section(timeline, [], 0, COMMAND).splitlines()
    assert len(lines) < 100
    assert lines[0] == "line 0"
    assert "line 4999" in lines
    assert "  ... 4,920 lines left out; result.timeline() has them ..." in lines


def test_a_timeline_that_just_fits_is_whole() -> None:
    timeline = "\n".join(f"line {number}" for number in range(81))
    assert timeline in failure_section(timeline, [], 0, COMMAND)


def test_much_pending_work_is_counted() -> None:
    text = failure_section("", [f"step {number}" for number in range(30)], 0, COMMAND)
    assert "  step 19\n  and 10 more\n" in text
