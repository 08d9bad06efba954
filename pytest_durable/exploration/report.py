"""Report: what an exploration has come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_durable.exploration.coverage import Coverage
from pytest_durable.exploration.token import Token
from pytest_durable.exploration.trial import Trial
from pytest_durable.plan import ORDINARY, Plan
from pytest_durable.result.wording import counted

LEFT_BEHIND = (
    "its failure may have come of what an earlier test had left in a module of the handler, such as a list, "
    "a cache or a client. Make that anew for each run, in a fixture of function scope."
)
"""Why a known failure may not happen again, in words."""


class Outcome(StrEnum):
    """How an exploration ended."""

    PASSED = "passed"
    """No run has failed."""

    FAILED_PLAIN = "failed without faults"
    """The ordinary run has failed, so nothing was explored."""

    FOUND = "found"
    """A plan makes the test fail, each time."""

    NOT_REPEATABLE = "not repeatable"
    """The ordinary run has passed once, and fails when it is run again: something outlives a run."""

    NOT_DETERMINISTIC = "not deterministic"
    """A plan has made the test fail, and does not when it is run again, or not in the same way."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one exploration.

    ``plan`` is the smallest that fails, and ``trial`` its run; of `Outcome.NOT_REPEATABLE` they are the
    ordinary run that fails now. ``found`` is the trial that failed first, ``repeated`` what came of its plan
    when it was run again.
    """

    outcome: Outcome
    coverage: Coverage
    seed: int = 0
    plan: Plan = ORDINARY
    trial: Trial | None = None
    found: Trial | None = None
    repeated: Trial | None = None
    shrinking_runs: int = 0
    shrinking_cut_off: bool = False
    fixed: Sequence[Plan] = ()
    """Those of the plans known from earlier explorations that do not fail any more."""

    @property
    def passed(self) -> bool:
        """Whether no run has failed."""
        return self.outcome is Outcome.PASSED

    @property
    def line(self) -> str:
        """The marker that makes the failure happen again, to be pasted above the test; empty without one."""
        faults = ", ".join(map(repr, self.plan.as_faults()))
        return f"@pytest.mark.durable_faults({faults})" if faults else ""

    @property
    def counts(self) -> str:
        """How much is left of what failed first: ``2 decisions of 41``; empty if nothing was shrunk.

        A run decides at each point whether something goes wrong there, and at each choice about order.
        """
        if self.outcome is not Outcome.FOUND or self.found is None:
            return ""
        of = len(self.found.points) + len(self.found.decisions)
        text = f"{counted(len(self.plan), 'decision')} of {of:,}"
        runs = counted(self.shrinking_runs, "run")
        cut_off = ", where shrinking was cut off" if self.shrinking_cut_off else ""
        return f"{text}, after {runs} of shrinking{cut_off}"

    @property
    def explanation(self) -> str:
        """What the outcome means, in words; empty where the failure speaks for itself."""
        match self.outcome:
            case Outcome.NOT_REPEATABLE:
                return (
                    "The test passes when it is run first, and fails without any fault when it is run again: "
                    "something that it changes outlives a run, such as a list at the top of a module, a file "
                    "or an environment variable. Make it anew for each run, in a fixture of function scope; "
                    "until then no run after the first one says anything about the handler."
                )
            case Outcome.NOT_DETERMINISTIC:
                now = self.repeated.failure if self.repeated is not None else None
                instead = "passes" if now is None else f"fails in another way: {now.summary}"
                return (
                    f"The test has failed under this plan, and when the plan is run again it {instead}. "
                    "It depends on something that the simulation does not control, such as a thread of its "
                    "own, a file, the network or the order of a set, or on what earlier runs and tests have "
                    "left in a module of the handler."
                )
            case _:
                return ""

    def token(self, nodeid: str, code_digest: str = "") -> Token:
        """Return what ``--durable-replay`` needs to run the failing plan again."""
        failure = None if self.trial is None else self.trial.failure
        return Token(nodeid, self.plan, self.seed, code_digest, failure.fingerprint if failure else "")
