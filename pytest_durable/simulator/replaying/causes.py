"""Causes: what can make a replay differ, in words, and what to do about each."""

from __future__ import annotations

from typing import NamedTuple

from pytest_durable.simulator.replaying.site import Site


class Cause(NamedTuple):
    """Why a replay differs: ``kind`` as the documentation calls it, and the lines that show it."""

    kind: str
    what: str
    sites: tuple[Site, ...]
    remedy: str

    @property
    def is_known(self) -> bool:
        """Whether it could be told."""
        return self.kind != "unknown"


_REMEDIES = {
    "time": 'Read the time in a step, which records it: now = context.step(lambda: time.time(), name="now").',
    "random": 'Draw in a step, which records what was drawn: context.step(random.random, name="draw").',
    "entropy": 'Make UUIDs and tokens in a step: context.step(lambda: str(uuid.uuid4()), name="id").',
    "environment": "Read the environment in a step, or pass what it says in the input of the execution.",
    "request": "The invocation is another one on each replay: use context.execution_context, or a step.",
    "module": "A process that has just started has not run that code: return the value from a step instead.",
    "object": "Another run of the handler finds it changed: read it in a step, which records what it found.",
    "logging": "The level of a logger may be another in the next run: let no operation depend on it.",
    "default": "Take None as the default, and make the list, dict or set in the function.",
    "closure": "The body of a step does not run again on replay: return the value from the step instead.",
    "branch": "What has ended does not run again on replay: return the value, and take it from the result.",
    "replaying": "What depends on it differs on replay: use it for logging, not to decide about operations.",
    "outer": "Call operations on the context that the function gets: on another the order is not fixed.",
    "iterator": "Make it inside the handler: what outlives the invocation goes on from one run to the next.",
    "machine": "Another process has another: read it in a step, which records it.",
    "id": "Objects lie elsewhere in each run: use a key of their own instead.",
    "io": "Do I/O in a step, which records what it found.",
    "hash": "Sort what comes out of a set before operations depend on its order; take hashlib for hash().",
    "value": "Use what the operation returns: it is the same in the first run and on replay.",
    "unknown": "Something outside the record decides it. Move what can change between two runs into a step.",
}


def cause(kind: str, what: str, sites: tuple[Site, ...] = ()) -> Cause:
    """Return a cause with what to do about it."""
    return Cause(kind, what, sites, _REMEDIES[kind])
