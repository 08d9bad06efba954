"""The timeline reads like an account of the run."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from pytest_durable.history.events import Attempt, EventType, Outcome, Pause
from pytest_durable.history.log import EventLog
from pytest_durable.result.timeline import timeline

CARD_ERROR = {"ErrorType": "CardError", "ErrorMessage": "no funds"}


def body(text: str) -> str:
    """Leave out the headline and the common margin."""
    return dedent(text.partition("\n")[2])


def expected(text: str) -> str:
    return dedent(text).strip("\n")


def test_a_whole_run_is_told_in_columns(order: Any) -> None:
    assert timeline(order.log) == expected(
        """
        execution order-1 FAILED after 30d 8s, 4 invocations
              +0s  1  started                 {'order': 7}
                        step reserve          'r-1'
                        context orders
                          step charge         FAILED CardError: no funds  (attempt 1, again in 5s)
                      ... 5 seconds pass ...
              +5s  2  retry 2 of step 'charge'
                          step orders/charge  {'id': 1}  (attempt 2)
                        context orders        True
                        wait pause            30d
                      ... 30 days pass ...
          +30d 5s  3  wait 'pause' ended
                        step ship             INTERRUPTED
          +30d 7s       invocation FAILED     Runtime.ExitError: the sandbox died
                      ... 1 second passes ...
          +30d 8s  4  retry after Runtime.ExitError
                        step ship             FAILED ShipError: no boat
                      FAILED                  StepError: no boat
        """
    )


def test_the_timeline_of_an_empty_log_says_so() -> None:
    assert timeline(EventLog()) == "Nothing has happened yet."


def test_what_began_and_ended_in_one_invocation_is_one_line(story: Any) -> None:
    story.started(None)
    branches = story.context("both", sub_type="Parallel")
    left, right = (story.context(name, branches, "ParallelBranch") for name in ("left", "right"))
    one, two = story.step("one", left), story.step("two", right)
    story.step_done(two, "2")
    story.step_done(one, "1")
    story.context_done(right, "2")
    story.context_done(left, "1")
    story.context_done(branches, "true")
    story.invoked()
    story.succeeded("null")
    assert body(timeline(story.log)) == expected(
        """
        +0s  1  started
                  parallel both            True
                    parallel branch left   1
                    parallel branch right  2
                      step both/left/one   1
                      step both/right/two  2
                succeeded                  None
        """
    )


def test_work_that_took_time_says_how_much(story: Any) -> None:
    story.started(None)
    charge = story.step("charge")
    story.now = 1.5
    story.step_done(charge, "1", attempt=2)
    story.invoked()
    assert "step charge  1  (attempt 2, took 1.5s)" in timeline(story.log)


def test_a_wait_that_ended_inside_an_invocation_is_told_with_the_wait(story: Any) -> None:
    story.started(None)
    pause = story.wait("pause", 5)
    story.now = 5
    story.wait_done(pause)
    story.invoked()
    assert "wait pause  5s, ended" in timeline(story.log)


def test_a_wait_that_ended_before_the_repetition_of_a_failed_invocation_is_told(
    story: Any,
) -> None:
    story.started(None)
    pause = story.wait("pause", 5)
    story.invoked(CARD_ERROR)
    story.now = 5
    story.wait_done(pause)
    story.wake()
    story.invoked()
    assert "wait pause         ended" in timeline(story.log)


def test_a_step_of_a_run_that_goes_on_has_not_ended(story: Any) -> None:
    story.started(None)
    story.step("charge")
    text = timeline(story.log)
    assert "RUNNING" in text
    assert "step charge  has not ended" in text


def test_idle_time_before_a_timeout_is_marked(story: Any) -> None:
    story.started(None)
    story.wait("pause", 7200)
    story.invoked()
    story.now = 3600
    story.add(EventType.EXECUTION_TIMED_OUT, story.execution, Outcome())
    assert body(timeline(story.log)) == expected(
        """
        +0s  1  started
                  wait pause  2h
                ... 1 hour passes ...
        +1h     TIMED OUT
        """
    )


def test_long_values_and_errors_are_cut_to_one_line(story: Any) -> None:
    story.started(None)
    story.done("charge", '"' + "x" * 30_000 + '"')
    story.done("ship", '"' + "line\\n" * 40 + '"')
    story.step_failed(story.step("mail"), {"ErrorType": "E", "ErrorMessage": "a\nb " * 500})
    story.invoked()
    lines = timeline(story.log).splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) < 340
    assert all(line.endswith("...") for line in lines[2:])


def test_a_result_that_cannot_be_decoded_is_shown_as_it_is_stored(story: Any) -> None:
    story.started(None)
    story.done("charge", "<xml>")
    story.context_done(story.context("big"), "")
    text = timeline(story.log)
    assert "step charge  <xml>" in text
    assert "context big  (empty)" in text


def test_a_long_name_does_not_push_the_other_outcomes_away(story: Any) -> None:
    story.started(None)
    story.done("n" * 200)
    story.done("charge", "5")
    line = timeline(story.log).splitlines()[-1]
    assert line.index("5") < 70


def test_callbacks_and_invokes_are_told_with_what_they_wait_for_and_what_came(story: Any) -> None:
    story.started(None)
    approval = story.context("approval", sub_type="WaitForCallback")
    callback = story.callback("approval create callback id", approval, 7200, 30)
    story.step_done(story.step("approval submitter", approval), None)
    story.callback("never")
    story.invoked()
    story.now = 20
    story.add(EventType.CALLBACK_HEARTBEAT, callback)
    story.now = 40
    story.answered(callback, '{"ok": true}')
    story.wake()
    story.context_done(approval, '{"t":"m","v":{"ok":{"t":"b","v":true}}}')
    charge = story.invoke("charge", "charge-fn", '{"n": 1}')
    story.invoked()
    story.now = 45
    story.invoke_ended(charge, "TimedOut", {"ErrorType": "ChainedInvoke.Timeout", "ErrorMessage": "too long"})
    story.wake()
    story.invoke_ended(story.invoke(None, "ghost"), "Failed", {"ErrorMessage": "not found"})
    story.invoked()
    story.succeeded("1")
    assert body(timeline(story.log)) == expected(
        """
         +0s  1  started
                   wait for callback approval
                     callback                  timeout 2h, heartbeat 30s
                     step submitter
                   callback never
                 ... 40 seconds pass ...
        +40s  2  callback 'approval' answered
                     callback approval         {'ok': True}
                   wait for callback approval  {'ok': True}
                   invoke charge               charge-fn({'n': 1})
                 ... 5 seconds pass ...
        +45s  3  invoke 'charge' timed out
                   invoke charge               TIMED OUT ChainedInvoke.Timeout: too long
                   invoke                      ghost(), FAILED not found
                 succeeded                     1
        """
    )


def test_a_condition_is_told_by_its_checks(story: Any) -> None:
    story.started(None)
    ready = story.step("ready", sub_type="WaitForCondition")
    story.add(EventType.STEP_SUCCEEDED, ready, Attempt(1, '"queued"', None, 60))
    story.invoked()
    story.now = 60
    story.wake()
    story.step_again(ready)
    story.step_done(ready, '"done"', attempt=2)
    story.invoked()
    story.succeeded("null")
    assert body(timeline(story.log)) == expected(
        """
        +0s  1  started
                  wait for condition ready  'queued'  (check 1, again in 1m)
                ... 1 minute passes ...
        +1m  2  check 2 of wait for condition 'ready'
                  wait for condition ready  'done'  (check 2)
                succeeded                   None
        """
    )


def test_the_operations_of_flat_branches_are_told_under_their_batch(story: Any) -> None:
    story.started(None)
    batch = story.context("orders", sub_type="Map")
    one, two = story.step("charge", batch), story.step("charge", batch)
    story.step_done(two, "2")
    pause = story.wait("pause", 5, batch)
    story.step_done(one, "1")
    story.invoked()
    story.now = 5
    story.wait_done(pause)
    story.wake()
    story.done("ship", "3", batch)
    story.context_done(batch, "true")
    story.invoked()
    story.succeeded("null")
    assert body(timeline(story.log)) == expected(
        """
        +0s  1  started
                  map orders
                    step charge       1
                    step charge       2
                    wait pause        5s
                ... 5 seconds pass ...
        +5s  2  wait 'pause' ended
                    step orders/ship  3
                  map orders          True
                succeeded             None
        """
    )


def test_a_pause_is_told_and_belongs_to_no_invocation(story: Any) -> None:
    story.started(None)
    story.wait("pause", 5)
    story.invoked()
    story.now = 2
    story.add(EventType.EXECUTION_PAUSED, story.execution, Pause(story.at, "a deploy", True))
    story.now = 9
    story.add(EventType.EXECUTION_RESUMED, story.execution, Pause(story.at))
    assert body(timeline(story.log)) == expected(
        """
        +0s  1  started
                  wait pause  5s
                ... 2 seconds pass ...
        +2s     paused        a deploy
        +9s     resumed
        """
    )
    assert len(story.result().invocations) == 1
