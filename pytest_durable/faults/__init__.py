"""Faults: what can go wrong, as values. ``from pytest_durable import faults``.

A fault recognises the points of a run that it is about, counts them, and strikes at number ``nth`` and the
``times - 1`` after it. Its repr is Python that makes it again. Names of steps and callbacks are those that
the handler gave, or ends of a path such as ``orders/charge``; ``True`` stands for any.

::

    @pytest.mark.durable_faults(faults.fail_step("charge", times=2), faults.crash(after_step="ship"))

`reorder` is not a fault: it decides the order of events of a run as a whole.

Another plugin adds a kind by a subclass of `Fault`, returned from its hook ``pytest_durable_faults``.
"""

from __future__ import annotations

from pytest_durable.faults.base import Fault, Name, name_for
from pytest_durable.faults.callbacks import (
    duplicate_callback,
    early_callback,
    late_callback,
    lost_callback,
    reordered_callback,
)
from pytest_durable.faults.crashes import crash
from pytest_durable.faults.invocations import cold_start, duplicate_invocation
from pytest_durable.faults.order import reorder
from pytest_durable.faults.requests import (
    APIS,
    CHECKPOINT,
    GET_STATE,
    duplicate_request,
    lose_request,
    lose_response,
    partial_page,
    request_too_large,
    revoke_token,
    service_error,
    slow_api,
    stale_token,
    throttle,
)
from pytest_durable.faults.steps import InjectedError, fail_step, invocation_timeout, latency, out_of_memory
from pytest_durable.points import Behaviour

__all__ = [
    "APIS",
    "API_KINDS",
    "CALLBACK_KINDS",
    "CHECKPOINT",
    "GET_STATE",
    "KINDS",
    "Fault",
    "InjectedError",
    "Name",
    "cold_start",
    "crash",
    "duplicate_callback",
    "duplicate_invocation",
    "duplicate_request",
    "early_callback",
    "fail_step",
    "invocation_timeout",
    "late_callback",
    "latency",
    "lose_request",
    "lose_response",
    "lost_callback",
    "name_for",
    "out_of_memory",
    "partial_page",
    "reorder",
    "reordered_callback",
    "request_too_large",
    "revoke_token",
    "service_error",
    "slow_api",
    "stale_token",
    "throttle",
]

API_KINDS: tuple[type[Fault], ...] = (
    throttle,
    service_error,
    lose_request,
    lose_response,
    stale_token,
    revoke_token,
    duplicate_request,
    partial_page,
)
"""The faults of requests that a sound handler survives."""

CALLBACK_KINDS: dict[str, type[Fault]] = {
    Behaviour.DUPLICATE: duplicate_callback,
    Behaviour.LATE: late_callback,
    Behaviour.EARLY: early_callback,
    Behaviour.NEVER: lost_callback,
    Behaviour.REORDERED: reordered_callback,
}
"""What can become of the answer to a callback, by the name of the behaviour."""

KINDS: tuple[type[Fault], ...] = (
    fail_step,
    crash,
    throttle,
    service_error,
    lose_request,
    lose_response,
    request_too_large,
    slow_api,
    stale_token,
    revoke_token,
    duplicate_request,
    partial_page,
    latency,
    invocation_timeout,
    out_of_memory,
    duplicate_invocation,
    cold_start,
    duplicate_callback,
    late_callback,
    early_callback,
    lost_callback,
    reordered_callback,
)
"""Every kind of fault of this package."""
