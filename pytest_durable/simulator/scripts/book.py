"""ScriptBook: every script of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from durable_sdk.lambda_service import OperationType
from pytest_durable.points import Path, matches, shown
from pytest_durable.scripts.base import Script, best_of
from pytest_durable.scripts.callbacks import CallbackScript
from pytest_durable.scripts.names import callback_paths, path_of
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.scripts.invokes import InvokeScript
from pytest_durable.simulator.scripts.steps import StepScript

S = TypeVar("S", bound=Script[Any])


Around = Callable[[Path, Callable[[int], Any]], Callable[[int], Any]]
"""Makes of the path and the body of a step what runs in its place."""


class _Surrounded:
    """What stands in for a step that is surrounded."""

    def __init__(self, around: Around, path: Path, script: StepScript | None) -> None:
        self._around = around
        self._path = path
        self._script = script

    def attempt(self, attempt: int, body: Callable[[int], Any]) -> Any:
        """Do what one more attempt is to do; ``body`` is the real one."""
        script = self._script
        inner = body if script is None else lambda number: script.attempt(number, body)
        return self._around(self._path, inner)(attempt)


class ScriptBook:
    """Finds the script that is about an operation: the most exact name wins, then the newest script."""

    def __init__(self) -> None:
        self._callbacks: list[CallbackScript] = []
        self._invokes: list[InvokeScript] = []
        self._steps: list[StepScript] = []
        self._around: Around | None = None

    def on_callback(self, name: str | None, times: int | None) -> CallbackScript:
        """Add a script for callbacks; a name of None stands for those that no other script names."""
        return _added(self._callbacks, CallbackScript(name, times))

    def on_invoke(self, function_name: str, times: int | None) -> InvokeScript:
        """Add a script for invokes of a function."""
        return _added(self._invokes, InvokeScript(function_name, times))

    def on_step(self, name: str, times: int | None) -> StepScript:
        """Add a script for the bodies of steps."""
        return _added(self._steps, StepScript(name, times))

    def callback(self, paths: Sequence[Path]) -> CallbackScript | None:
        """Return the script for a callback that goes by any of these paths."""
        return best_of(self._callbacks, lambda name: any(matches(name, path) for path in paths))

    def invoke(self, names: Sequence[str]) -> InvokeScript | None:
        """Return the script for a function that goes by any of these names, the most exact one first."""
        for name in names:
            for script in reversed(self._invokes):
                if script.function == name:
                    return script
        return None

    @property
    def has_steps(self) -> bool:
        """Whether any step is scripted, or surrounded."""
        return bool(self._steps) or self._around is not None

    def step(self, path: Path) -> StepScript | _Surrounded | None:
        """Return what stands in for the body of the step at a path, if anything does."""
        script = best_of(self._steps, lambda name: matches(name, path))
        return script if self._around is None else _Surrounded(self._around, path, script)

    def surround_steps(self, around: Around) -> None:
        """Run in place of the body of each step, or of its script, what ``around`` makes of it."""
        self._around = around

    def rewound(self) -> ScriptBook:
        """Return a book that says the same, of which nothing has been used."""
        fresh = ScriptBook()
        fresh._callbacks = [script.rewound() for script in self._callbacks]
        fresh._invokes = [script.rewound() for script in self._invokes]
        fresh._steps = [script.rewound() for script in self._steps]
        fresh._around = self._around
        return fresh

    def absorb(self, other: ScriptBook) -> None:
        """Count the uses of a rewound book as this one's."""
        for mine, theirs in zip(self._all(), other._all(), strict=True):
            mine.absorb(theirs)

    def _all(self) -> list[Script[Any]]:
        return [*self._callbacks, *self._invokes, *self._steps]

    @property
    def idle(self) -> frozenset[tuple[int, str]]:
        """The scripts that have not been used, and say not how often they are to be: number and repr."""
        return frozenset(
            (number, repr(script))
            for number, script in enumerate(self._all())
            if not script.uses and script.times is None
        )

    @property
    def used(self) -> frozenset[tuple[int, str]]:
        """The scripts that have been used, as in `idle`."""
        return frozenset((number, repr(script)) for number, script in enumerate(self._all()) if script.uses)

    @property
    def only_idles(self) -> bool:
        """Whether nothing is wrong with how often scripts were used but that some were not."""
        return all(script.was_used_as_said or script.times is None for script in self._all())

    def complaints(self, executions: Iterable[SimulatedExecution]) -> list[str]:
        """Return what is wrong with how often scripts were used in these executions."""
        if all(script.was_used_as_said for script in self._all()):
            # There may be thousands of names, and nobody is to see them.
            return []
        callbacks: dict[str, None] = {}
        functions: dict[str, None] = {}
        steps: dict[str, None] = {}
        for execution in executions:
            operations = execution.record.log.operations
            for operation in operations.values():
                subject = operation.subject
                if subject.operation_type is OperationType.CALLBACK:
                    callbacks[shown(callback_paths(operations, subject)[0])] = None
                elif subject.operation_type is OperationType.CHAINED_INVOKE:
                    functions[operation.function_name or ""] = None
                elif subject.operation_type is OperationType.STEP:
                    steps[shown(path_of(operations, subject))] = None
        named: list[tuple[Sequence[Script[Any]], list[str]]] = [
            (self._callbacks, list(callbacks)),
            (self._invokes, list(functions)),
            (self._steps, list(steps)),
        ]
        found = [script.complaint(names) for scripts, names in named for script in scripts]
        return [complaint for complaint in found if complaint is not None]


def _added(scripts: list[S], script: S) -> S:
    scripts.append(script)
    return script
