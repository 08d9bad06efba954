"""Where this project does something else than AWS's SDK 3.0.0 and its test runner 1.4.0, on purpose.

`tests/differential/run.py` finds the differences; each that it finds must be covered here by a reason, and
each that is here must be found. The page docs/explanation/differences-from-aws.md shows the same table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "differences-from-aws.md"
_START, _END = "<!-- differences -->\n", "<!-- end -->"


@dataclass(frozen=True)
class Deliberate:
    """A difference that is meant, in words for users, and what it looks like to `run.py`.

    ``found`` gives by the name of a case regular expressions that match every line of the differences
    found there. Without any, AWS's runner cannot show the difference, and a test shows how it is here.
    """

    situation: str
    aws: str
    here: str
    reason: str
    found: dict[str, str] = field(default_factory=dict)

    def covers(self, case: str, line: str) -> bool:
        """Return whether the difference found in a case is this one."""
        return case in self.found and re.search(self.found[case], line) is not None


_REFUSED = (
    '^execution (status: here "FAILED"|result: here null|error: here .*exceptions.ValidationError)'
    "|: only with AWS$"
)

DELIBERATE = [
    Deliberate(
        "A step's body raises `ExecutionError`, or a child context or branch does",
        "The START of the operation is recorded",
        "Nothing is recorded of it",
        "A START that nobody waits for travels with the next request, and there is none: the answer of the "
        "invocation already ends the execution.",
        {
            "execution_error_in_a_step": "only with AWS",
            "execution_error_in_a_child_context": "only with AWS",
            "execution_error_in_a_branch": "only with AWS",
            "virtual_becomes_recorded": "only with AWS",
        },
    ),
    Deliberate(
        "The check of `wait_for_condition` raises `ExecutionError`",
        "`WaitForConditionError`, and the execution goes on",
        "The execution ends",
        "`ExecutionError` means the same in every kind of operation.",
        {
            "execution_error_in_a_condition": "^execution result: here .*ExecutionError"
            "|^WaitForCondition 'ready': only with AWS$"
        },
    ),
    Deliberate(
        "A flow under `with_retry` raises `ExecutionError`, such as a `NonDeterministicExecutionError`",
        "It counts as a failed attempt and is tried again",
        "The execution ends",
        "A handler that no longer fits its records must not be run again as if an attempt had failed.",
        {
            "execution_error_in_with_retry": '^execution (status: here "FAILED"|result: here null)'
            "|^execution error: here .*exceptions.ExecutionError|: only with AWS$"
        },
    ),
    Deliberate(
        "A strategy of `with_retry` asks for a delay of zero",
        "`ValidationError` from the wait between the attempts",
        "The wait lasts one second",
        "It is what a step does with such a delay.",
        {
            "with_retry_without_delay": "^execution result: here .*returned.* 2|: only here$"
            "|^RunInChildContext 'flow' (status: here .SUCCEEDED|result: here .2|error: here null)"
        },
    ),
    Deliberate(
        "A retry strategy raises",
        "Its error leaves the step, of which only the START is recorded; a replay runs the body again",
        "The step fails with that error, which is recorded: `StepError`",
        "What a handler has seen of a step must not change on replay.",
        {
            "retry_strategy_raises": "^execution result: here .*StepError"
            "|^Step 'doomed' (status: here .FAILED|error: here ..LookupError|attempt: here 1)"
        },
    ),
    Deliberate(
        "`wait_for_condition` stores a state that is the empty text",
        "The next check gets `initial_state`",
        "The next check gets the stored state",
        "A state that was stored is the state.",
        {"condition_whose_state_is_empty_text": "^execution result"},
    ),
    Deliberate(
        "A branch goes on to a new operation after its batch has completed without it",
        "The operation runs and is recorded",
        "The operation does not begin",
        "The batch has ended; what runs below it can no longer be of use, but can do harm.",
        {"branch_left_behind_begins_something_new": "^Step 'late': only with AWS"},
    ),
    Deliberate(
        "The handler returns a number that JSON does not have (NaN, infinity)",
        "The result is text that is not JSON",
        "The execution fails",
        "Who reads the result could not decode it.",
        {"handler_returns_nan": "^execution (status|result|error)"},
    ),
    Deliberate(
        "A summary generator returns something else than text",
        "It is sent as it is, and boto3 refuses it",
        "The context fails with `TypeError`",
        "An error that names the generator is easier to find than one of boto3.",
        {
            "summary_that_is_not_text": "^execution result: here .*ChildContextError"
            "|^RunInChildContext 'large' (status: here .FAILED|result: here null|error: here ..TypeError)"
        },
    ),
    Deliberate(
        "`item_namer` raises",
        "The map begins, and fails: `ChildContextError`",
        "Its error reaches the handler as it is, and no map begins",
        "What is wrong with the arguments is told before any work starts.",
        {"item_namer_raises": "^execution result: here .*LookupError|^Map 'named': only with AWS$"},
    ),
    Deliberate(
        "`complete_batch` gets something else than a `CompletionOutcome`",
        "It is accepted, and counts as success",
        "`ValidationError`",
        '`complete_batch("FAILED")` should not make a batch succeed.',
        {"bad_decisions": "^execution result"},
    ),
    Deliberate(
        "A `sub_type` is no text",
        "`TypeError`",
        "`ValidationError`",
        "One class for all arguments that are wrong.",
        {"bad_sub_types": "^execution result"},
    ),
    Deliberate(
        "A name has more than 256 characters, or others than printable ASCII",
        "It is sent, though the service takes no such name",
        "`ValidationError` before anything is sent",
        "The error names the argument, and no work is lost.",
        {"name_too_long": _REFUSED, "name_with_other_letters": _REFUSED},
    ),
    Deliberate(
        "A wait is longer than the service takes (366 days)",
        "It is sent, though the service takes no such wait",
        "`ValidationError` before anything is sent",
        "The error names the argument, and no work is lost.",
        {"wait_longer_than_a_year": _REFUSED},
    ),
    Deliberate(
        "An update larger than 750 KiB, such as a large result of a step, follows another one closely",
        "It is never sent, and the invocation hangs",
        "It is sent alone",
        "The service takes payloads of up to 6 MiB.",
    ),
    Deliberate(
        "An invoked function ends CANCELLED",
        "The handler goes on waiting",
        "`InvokeError`",
        "It is an end like any other.",
    ),
    Deliberate(
        "An `InvocationError` whose `is_retryable()` is false leaves the handler",
        "`AttributeError` leaves the function, and the invocation is tried again",
        "The execution fails with that error",
        "It is what `is_retryable` says.",
    ),
    Deliberate(
        "The messages of the SDK's own errors",
        "Say what is wrong",
        "Say also where, and what would be right",
        "Error types are the same; messages are for people.",
        {
            "step_whose_result_cannot_be_stored": "error: .*exceptions.SerDesError",
            "dict_with_tuples_as_keys": "error: .*exceptions.SerDesError",
            "child_context_returns_what_cannot_be_stored": "error: .*exceptions.SerDesError",
            "branch_returns_what_cannot_be_stored": "^Parallel.* result: |error: .*exceptions.SerDesError",
            "handler_returns_what_is_not_json": '^execution error: here ."TypeError',
        },
    ),
    Deliberate(
        "Test runner: a wait of an hour in a branch that its batch does not wait for",
        "It ends at once, as all waits do",
        "It ends after an hour of virtual time, if the execution lasts so long",
        "The order in which things end is the order in which they would end on Lambda.",
        {
            "parallel_first_successful": "^Wait 'wait 3600' status",
            "parallel_with_large_result_and_unfinished_branches": "^Wait 'wait 3600' status",
        },
    ),
]


def table() -> str:
    """Return the differences as a table in Markdown."""
    lines = ["| Situation | AWS | Here | Why |", "|---|---|---|---|"]
    lines += [f"| {each.situation} | {each.aws} | {each.here} | {each.reason} |" for each in DELIBERATE]
    return "\n".join(lines)


def write_page() -> None:
    """Put the table into the documentation."""
    before, start, rest = PAGE.read_text().partition(_START)
    _, end, after = rest.partition(_END)
    PAGE.write_text(f"{before}{start}\n{table()}\n\n{end}{after}")


def table_on_page() -> str:
    """Return the table that the documentation has."""
    return PAGE.read_text().partition(_START)[2].partition(_END)[0].strip()
