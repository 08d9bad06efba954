"""What is told of an exploration."""

from __future__ import annotations

from pytest_durable import faults
from pytest_durable.exploration.coverage import Coverage
from pytest_durable.exploration.report import Outcome, Report
from pytest_durable.plan import Plan
from pytest_durable.report.exploration import exploration_section, short_timeline, summary_prefix


def test_a_timeline_that_fits_is_shown_whole() -> None:
    text = "\n".join(f"line {number}" for number in range(15))
    assert short_timeline(text) == text


def test_a_long_timeline_keeps_its_ends_and_its_faults_in_fifteen_lines() -> None:
    lines = [f"line {number}" for number in range(1_000)]
    lines[500] = "   ! faults.throttle() strikes"
    shown = short_timeline("\n".join(lines)).splitlines()
    assert len(shown) <= 15
    assert shown[0] == "line 0"
    assert shown[-1] == "line 999"
    at = shown.index("   ! faults.throttle() strikes")
    assert shown[at - 1 : at + 2] == ["line 499", "   ! faults.throttle() strikes", "line 501"]
    assert sum(line.startswith("  ... ") for line in shown) == 2


def test_a_timeline_of_many_faults_is_bounded_all_the_same() -> None:
    text = "\n".join(["start", *("! faults.throttle(times=90) strikes" for _ in range(90)), "end"])
    shown = short_timeline(text).splitlines()
    assert len(shown) <= 15
    assert (shown[0], shown[-1]) == ("start", "end")


def test_what_is_left_out_is_counted() -> None:
    text = "\n".join(f"line {number}" for number in range(100))
    shown = short_timeline(text).splitlines()
    (gap,) = [line for line in shown if "..." in line]
    assert gap == f"  ... {100 - (len(shown) - 1)} lines ..."


def found(*plan: faults.Fault) -> Report:
    return Report(Outcome.FOUND, Coverage(runs=113), seed=7, plan=Plan(plan))


def test_the_section_has_the_line_to_paste_the_command_and_the_counts() -> None:
    report = found(faults.crash(after_step="charge"))
    text = exploration_section(report, "timeline", "tests/test_a.py::test_b[c d]", "d1.token")
    assert text.startswith("timeline\n\n")
    assert "\n  @pytest.mark.durable_faults(faults.crash(after_step='charge'))\n" in text
    assert "\n  pytest 'tests/test_a.py::test_b[c d]' --durable-replay=d1.token\n" in text
    assert "seed: 7\n" in text
    assert "113 runs" in text


def test_without_a_token_the_section_says_why() -> None:
    report = found(faults.throttle())
    text = exploration_section(report, "", "a.py::b", "", problem="it holds a lambda")
    assert "there is no token: it holds a lambda" in text
    assert "--durable-replay" not in text


def test_the_line_of_the_summary_names_the_plan_and_cuts_a_long_one() -> None:
    assert summary_prefix(found(faults.throttle())) == (
        "explored 113 schedules: fails under faults.throttle(): "
    )
    many = summary_prefix(found(*(faults.throttle(nth=number) for number in range(1, 50))))
    assert len(many) < 220
    assert many.endswith("...: ")
