"""Arrangement: what a test has decided beforehand about its runs, and whether all of it came about."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_durable.errors import UnusedFaultError, UnusedScriptError
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.invariants import Invariants
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.unused_faults import fault_complaints

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Arrangement:
    """The functions, scripts, faults and invariants of a test. Each check of them is made once."""

    def __init__(
        self,
        functions: Functions | None = None,
        scripts: ScriptBook | None = None,
        injector: Injector | None = None,
        invariants: Invariants | None = None,
    ) -> None:
        self.functions = functions or Functions()
        self.scripts = scripts or ScriptBook()
        self.injector = injector or Injector()
        self.invariants = invariants or Invariants()
        self._use_checked = self._invariants_checked = False

    def rewound(self) -> Arrangement:
        """Return the same, of which nothing has been used and nothing checked, with the same ledger."""
        invariants = Invariants(self.invariants.demands.rewound())
        invariants.use_ledger(self.invariants.ledger)
        return Arrangement(
            self.functions.copy(),
            self.scripts.rewound(),
            Injector(self.injector.faults, collects=self.injector.collects),
            invariants,
        )

    def absorb(self, other: Arrangement) -> None:
        """Take note of what has been used in another run that was arranged in the same way."""
        self.scripts.absorb(other.scripts)
        self.injector.absorb(other.injector)
        self.invariants.demands.absorb(other.invariants.demands)

    def check_invariants(self) -> None:
        """Check what is to hold when the test has run.

        Raises:
            AssertionError: an invariant does not hold, or was never checked.
        """
        if not self._invariants_checked:
            self._invariants_checked = True
            self.invariants.conclude()

    def check_use(self, executions: Iterable[SimulatedExecution]) -> None:
        """Check that every script came to use and every fault struck in these executions.

        Raises:
            UnusedScriptError: one was never used, or not as often as its ``times`` says.
            UnusedFaultError: one never struck.
        """
        if self._use_checked:
            return
        self._use_checked = True
        complaints = self.scripts.complaints(executions)
        if complaints:
            raise UnusedScriptError("\n".join(complaints))
        complaints = fault_complaints(self.injector, executions)
        if complaints:
            raise UnusedFaultError("\n".join(complaints))

    def waive_use(self) -> None:
        """Demand nothing of scripts and faults, which may be idle in a run of an exploration."""
        self._use_checked = True

    def waive_checks(self) -> None:
        """Demand nothing of anything: the test has failed, or has been checked."""
        self._use_checked = self._invariants_checked = True
