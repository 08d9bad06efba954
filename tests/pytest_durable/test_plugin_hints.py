"""A test that fails by an assertion of its own is told what in the handler may be why."""

from __future__ import annotations

import pytest

PROJECT = """
    import pytest
    from durable_sdk import durable_execution

    @durable_execution
    def handler(event, context):
        seen = []
        context.step(lambda: seen.append(1), name="note")
        context.wait(hours=1)
        return seen

    @pytest.mark.durable_execution(handler=handler)
    def test_it(durable_runner):
        assert durable_runner.run().value == [1]
"""


def test_a_failed_test_says_what_may_be_why(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROJECT)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "what may be why:",
            "  Variable 'seen' is written in Step 'note' and read outside of it, *",
            '    *context.step(lambda: seen.append(1), name="note")',
        ]
    )


def test_nothing_is_said_where_replays_are_not_to_be_checked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROJECT)
    pytester.makeini("[pytest]\ndurable_replay_check = off\n")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("what may be why:")
