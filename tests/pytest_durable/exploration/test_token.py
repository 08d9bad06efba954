"""A token holds all of a run, in few characters."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk.config import Duration
from pytest_durable import faults
from pytest_durable.errors import UsageError
from pytest_durable.exploration.token import PREFIX, Token
from pytest_durable.faults import KINDS, Fault, crash, fail_step, latency, slow_api, throttle
from pytest_durable.plan import Plan

NODEID = "tests/orders/test_checkout.py::TestCheckout::test_order_is_charged_once[eur-3]"


class GatewayError(Exception):
    """An error of a module that can be imported: this one, under its own name."""


names = st.text(min_size=1, max_size=20) | st.just(True)
apis = st.sampled_from(faults.APIS)
numbers = st.integers(1, 10_000)
times = numbers | st.just("always")
durations = st.integers(1, 10**6) | st.sampled_from(["2h30m", "1.5s", 0.25])
errors = st.sampled_from([None, TimeoutError, KeyError("order"), OSError(2, "no file", 1.5, None, True)])

one_crash = st.one_of(
    *(
        st.builds(lambda place, name, nth: crash(**{place: name}, nth=nth), st.just(place), names, numbers)
        for place in ("before_step", "during_step", "after_step")
    ),
    st.builds(lambda at, persisted: crash(at_checkpoint=at, persisted=persisted), numbers, st.booleans()),
    st.builds(lambda many: crash(before_return=True, times=many), times),
    st.builds(lambda nth: crash(during_replay=True, nth=nth), numbers),
    st.builds(lambda effect: crash(during_step="charge", effect=effect), st.text(min_size=1)),
)
how_often: dict[str, Any] = {"nth": numbers, "times": times}
MADE_BY: dict[type[Fault], st.SearchStrategy[Fault]] = {
    crash: one_crash,
    fail_step: st.builds(fail_step, names, error=errors, **how_often),
    latency: st.builds(latency, names, durations, **how_often),
    slow_api: st.builds(slow_api, apis, durations, **how_often),
    faults.service_error: st.builds(
        faults.service_error, apis, st.text(min_size=1), st.integers(400, 599), st.text(), **how_often
    ),
    faults.partial_page: st.builds(faults.partial_page, apis, numbers, **how_often),
}
for kind in KINDS:
    first = kind.order_first[:1]
    if first == ("api",):
        MADE_BY.setdefault(kind, st.builds(kind, apis, **how_often))
    elif first == ("name",):
        MADE_BY.setdefault(kind, st.builds(kind, names, **how_often))
    else:
        MADE_BY.setdefault(kind, st.builds(kind, **how_often))

plans = st.builds(
    Plan,
    st.lists(st.one_of(*MADE_BY.values()), max_size=5).map(tuple),
    st.dictionaries(st.integers(0, 10**6), st.integers(1, 40), max_size=20).map(
        lambda picks: tuple(sorted(picks.items()))
    ),
)


def test_the_property_below_makes_every_kind() -> None:
    assert set(MADE_BY) == set(KINDS)


@given(plans, st.text(max_size=40), st.integers(-(2**40), 2**64), st.text(max_size=16), st.text(max_size=16))
def test_what_goes_in_comes_out(plan: Plan, nodeid: str, seed: int, digest: str, mark: str) -> None:
    token = Token.decode(Token(nodeid, plan, seed, digest, mark).encode())
    # Errors of the same class with the same arguments are not equal, and look alike.
    assert repr(token.plan) == repr(plan)
    assert (token.nodeid, token.seed, token.code_digest, token.fingerprint) == (nodeid, seed, digest, mark)


@pytest.mark.parametrize(
    "plan", [Plan((crash(after_step="ship"),)), Plan((crash(at_checkpoint=12, persisted=True),))]
)
def test_a_token_of_one_crash_is_short(plan: Plan) -> None:
    token = Token(NODEID, plan, 0, "3f29a1c4d5e6", "a1b2c3d4e5f6")
    assert len(token.encode()) < 200


def test_a_name_that_is_no_unicode_comes_back() -> None:
    token = Token(NODEID, Plan((crash(after_step="ship \udcff"),)))
    assert Token.decode(token.encode()) == token


def test_text_around_a_token_is_left_out() -> None:
    token = Token(NODEID, Plan((crash(after_step="ship"),)))
    assert Token.decode(f" {token.encode()}\n") == token


def test_durations_are_written_in_seconds() -> None:
    plan = Plan((latency("ship", timedelta(minutes=2)), slow_api("checkpoint", Duration.from_hours(1))))
    read = Token.decode(Token(NODEID, plan).encode()).plan
    assert read.faults == (latency("ship", 120.0), slow_api("checkpoint", 3600))


def test_an_error_class_of_a_module_comes_back_with_its_arguments() -> None:
    plan = Plan((fail_step("charge", error=ConnectionResetError(104, "reset")),))
    (fault,) = Token.decode(Token(NODEID, plan).encode()).plan.faults
    assert isinstance(fault, fail_step)
    assert isinstance(fault.error, ConnectionResetError)
    assert fault.error.args == (104, "reset")


def _local_error() -> type[Exception]:
    class LocalError(Exception):
        pass

    return LocalError


@pytest.mark.parametrize("error", [_local_error(), _local_error()("gateway")])
def test_an_error_of_a_local_class_cannot_be_written(error: Any) -> None:
    with pytest.raises(UsageError, match=r"its class is not found at .*LocalError"):
        Token(NODEID, Plan((fail_step("charge", error=error),))).encode()


def test_an_error_with_an_object_in_it_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="it holds texts, numbers and errors"):
        Token(NODEID, Plan((fail_step("charge", error=ValueError(object())),))).encode()


@dataclass(frozen=True, repr=False)
class flood(throttle):  # noqa: N801
    """A kind of another plugin."""

    ports: tuple[int, ...] = ()

    @classmethod
    def kind(cls) -> str:
        return "network.flood"


def test_a_kind_of_another_plugin_is_read_where_it_is_known() -> None:
    text = Token(NODEID, Plan((flood("checkpoint", ports=(80, 443)),))).encode()
    assert Token.decode(text, (*KINDS, flood)).plan.faults == (flood("checkpoint", ports=(80, 443)),)
    with pytest.raises(
        UsageError, match=r"'network\.flood', which no plugin of this run knows; known are .*crash"
    ):
        Token.decode(text)


def packed(body: object) -> str:
    """Write anything as a token, as an encoder of another mind would."""
    from pytest_durable.exploration.token import _DICTIONARY

    packer = zlib.compressobj(9, zdict=_DICTIONARY)
    data = packer.compress(json.dumps(body).encode()) + packer.flush()
    return PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")


GOOD = [NODEID, [["crash", {"after_step": "ship"}]], [3, 1], 0, "", ""]


def changed(index: int, value: object) -> list[object]:
    return [*GOOD[:index], value, *GOOD[index + 1 :]]


def test_the_body_that_the_next_test_spoils_is_sound() -> None:
    assert Token.decode(packed(GOOD)).plan == Plan((crash(after_step="ship"),), ((3, 1),))


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        [],
        GOOD[:-1],
        [*GOOD, 1],
        changed(0, 1),
        changed(1, None),
        changed(1, ["crash"]),
        changed(1, [[]]),
        changed(1, [["crash", 3]]),
        changed(1, [["fail_step", {"name": "a", "error": {"classes": 1}}]]),
        changed(1, [["fail_step", {"name": "a", "error": {"class": 1}}]]),
        changed(2, [1]),
        changed(2, [1, "a"]),
        changed(2, [1, -2]),
        changed(2, 7),
        changed(3, "0"),
        changed(3, True),
        changed(4, None),
    ],
)
def test_a_token_with_another_body_is_damaged(body: object) -> None:
    with pytest.raises(UsageError, match="The token is damaged: copy it again as a whole"):
        Token.decode(packed(body))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (changed(1, [["crash", {"after": "ship"}]]), r"a fault faults\.crash that cannot be made"),
        (changed(1, [["crash"]]), "takes exactly one of"),
        (
            changed(1, [["fail_step", {"name": "a", "error": {"class": "gone:Error"}}]]),
            "cannot be imported here",
        ),
        (
            changed(1, [["fail_step", {"name": "a", "error": {"class": "os:getcwd"}}]]),
            "cannot be imported here",
        ),
    ],
)
def test_a_fault_that_cannot_be_made_is_told(body: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Token.decode(packed(body))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"begins with 'd1\.'"),
        ("nonsense", r"begins with 'd1\.'"),
        ("x1.abc", r"begins with 'd1\.'"),
        ("d2.abc", "of version 2, and this version of pytest-durable reads 1"),
        ("d1.", "damaged"),
        ("d1.!!!", "damaged"),
        ("d1.AAAA", "damaged"),
    ],
)
def test_text_that_is_no_token_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Token.decode(text)


@given(plans, st.data())
def test_a_token_that_is_cut_off_is_never_taken_for_another(plan: Plan, data: st.DataObject) -> None:
    text = Token(NODEID, plan).encode()
    length = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(UsageError):
        Token.decode(text[:length])


@pytest.mark.parametrize("spoil", [lambda text: text[:-1] + "_-", lambda text: text + "AAAA"])
def test_a_token_with_something_behind_it_is_damaged(spoil: Callable[[str], str]) -> None:
    with pytest.raises(UsageError, match="damaged"):
        Token.decode(spoil(Token(NODEID, Plan((crash(after_step="ship"),))).encode()))
