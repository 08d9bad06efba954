"""A plugin that writes down what it is told, and a run of a handler that it observes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corpus import make_runner

from durable_sdk.execution import durable_execution
from durable_sdk.plugin import (
    DurableInstrumentationPlugin,
    InvocationEndInfo,
    InvocationInfo,
    InvocationStartInfo,
    OperationChangeInfo,
    OperationEndInfo,
    OperationInfo,
    OperationStartInfo,
    PropagationInput,
    PropagationMetadata,
    UserFunctionEndInfo,
    UserFunctionStartInfo,
)
from pytest_durable.result.execution import DurableFunctionTestResult

Info = InvocationInfo | OperationInfo | OperationChangeInfo


class Recording:
    """A plugin factory, and everything that its plugins are told: as lines, and as infos."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.infos: list[Info] = []

    def create_plugin(self, info: InvocationStartInfo, /) -> DurableInstrumentationPlugin:
        """Return a plugin that writes here."""
        return Recorder(self)

    def note(self, line: str, info: Info) -> None:
        """Write down a hook."""
        self.lines.append(line)
        self.infos.append(info)

    def of(self, kind: type, name: str | None = None) -> list[Any]:
        """Return the infos of a kind, and of the operation with that name."""
        return [
            info
            for info in self.infos
            if type(info) is kind and (name is None or getattr(info, "name", None) == name)
        ]

    def invocations(self) -> list[list[str]]:
        """Return the lines of each invocation."""
        grouped: list[list[str]] = []
        for line in self.lines:
            if line.startswith("invocation-start"):
                grouped.append([])
            grouped[-1].append(line)
        return grouped


class Recorder(DurableInstrumentationPlugin):
    """Writes a line for each hook but that of changes, which it only keeps the info of."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        first = " first" if info.is_first_invocation else ""
        self._recording.note(f"invocation-start{first}", info)

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        self._recording.note(f"invocation-end {info.status.value}", info)

    def on_operation_start(self, info: OperationStartInfo) -> None:
        replayed = " replayed" if info.is_replayed else ""
        self._recording.note(f"operation-start {info.name}{replayed}", info)

    def on_operation_end(self, info: OperationEndInfo) -> None:
        replayed = " replayed" if info.is_replayed else ""
        self._recording.note(f"operation-end {info.name} {info.status.value}{replayed}", info)

    def on_operation_change(self, info: OperationChangeInfo) -> None:
        self._recording.infos.append(info)

    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        self._recording.note(f"function-start {info.name} {info.attempt}", info)

    def on_user_function_end(self, info: UserFunctionEndInfo) -> None:
        self._recording.note(f"function-end {info.name} {info.attempt} {info.outcome.value}", info)

    def provide_propagation_metadata(self, info: PropagationInput) -> PropagationMetadata | None:
        self._recording.lines.append(f"propagate {info.target_function_name}")
        return None


def observe(
    func: Callable[[Any, Any], Any], *plugins: Any, input: Any = None, **options: Any
) -> tuple[DurableFunctionTestResult, Recording]:
    """Run ``func`` in a simulation, observed by the plugins and then by a recording; return both."""
    recording = Recording()
    runner = make_runner(durable_execution(plugins=[*plugins, recording])(func), **options)
    try:
        return runner.run(input), recording
    finally:
        runner.close()
