"""Needs: what only the simulator can do, by the name that a test calls it."""

from __future__ import annotations

# Of the runner.
_RUNNER = {
    "always": "watches every event of a run",
    "at_end": "watches every event of a run",
    "beginning": "goes back to the beginning",
    "check_determinism": "runs the handler in this process",
    "check_hash_order": "replays the handler in this process",
    "check_replay": "replays the handler in this process",
    "choices": "decides about order",
    "clock": "owns the time",
    "eventually": "watches every event of a run",
    "executions": "holds the executions",
    "follow": "decides what goes wrong",
    "get_execution_history_page": "pages as it is told",
    "hints": "replays the handler in this process",
    "inject": "decides what goes wrong",
    "injector": "decides what goes wrong",
    "on_invoke": "stands in for functions",
    "on_step": "replaces bodies of steps",
    "register_durable_function": "holds the functions",
    "register_function": "holds the functions",
    "seed": "decides about chance",
    "surround_steps": "replaces bodies of steps",
    "use_ledger": "sees every effect",
    "world": "holds the executions",
}

# Of an execution that was started by itself.
_EXECUTION = {
    "advance": "owns the time",
    "crash": "owns the sandboxes",
    "until_suspended": "holds an execution between two invocations",
    "log": "holds the executions",
}

RUNNER_POWERS = frozenset(_RUNNER)
EXECUTION_POWERS = frozenset(_EXECUTION)


def simulator_need(name: str) -> str | None:
    """Return why an attribute of the runner needs the simulator; None if it does not."""
    return (
        None if name not in _RUNNER else f"durable_runner.{name} needs the simulator, which {_RUNNER[name]}"
    )


def execution_need(name: str) -> str | None:
    """Return why an attribute of an execution needs the simulator; None if it does not."""
    if name not in _EXECUTION:
        return None
    return f"{name} of an execution needs the simulator, which {_EXECUTION[name]}"
