"""moto's handler of the requests of boto3: who is asked before it, and the time that it sees."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

ShowTime: TypeAlias = Callable[[], AbstractContextManager[None]]

Answer: TypeAlias = Callable[[Any, str], Any]
"""Takes a request of botocore and the name of its event; returns a response, or None."""

_answers: list[Answer] = []
_times: list[ShowTime] = []
"""The innermost last."""

_undo: list[Callable[[], None]] = []
"""What takes back the change of moto's class, where it is in place."""


@contextmanager
def asked_first(answer: Answer) -> Iterator[None]:
    """Let ``answer`` see the requests before moto while the block runs, in every client that moto reaches."""
    with _entered(_answers, answer):
        yield


@contextmanager
def time_shown_to_moto(show_time: ShowTime) -> Iterator[None]:
    """Let moto answer within ``show_time()`` while the block runs.

    What has been stored in virtual time may be long out of date in real time, such as a message of SQS.
    """
    with _entered(_times, show_time):
        yield


@contextmanager
def _entered(entries: list[Any], entry: Any) -> Iterator[None]:
    entries.append(entry)
    try:
        reach_moto()
        yield
    finally:
        # By identity: a bound method equals another of its kind.
        del entries[max(index for index, other in enumerate(entries) if other is entry)]
        while _undo and not _answers and not _times:
            _undo.pop()()


def reach_moto() -> None:
    """Change moto's class, unless that is done. Whoever has not imported moto yet may do so later."""
    module: Any = sys.modules.get("moto.core.botocore_stubber")
    if module is None or hasattr(module.BotocoreStubber.__call__, "of_pytest_durable"):
        return
    stubber = module.BotocoreStubber
    original = stubber.__call__

    def answer_first(self: Any, event_name: str, request: Any, **others: Any) -> Any:
        for answer in _answers:
            response = answer(request, event_name)
            if response is not None:
                return response
        if not _times:
            return original(self, event_name, request, **others)
        with _times[-1]():
            return original(self, event_name, request, **others)

    answer_first.of_pytest_durable = True  # type: ignore[attr-defined]
    stubber.__call__ = answer_first
    _undo.append(lambda: setattr(stubber, "__call__", original))
