"""The double charge, from a passing test to a token: one marker finds it, one line reproduces it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import separate
from separate import Outcome

HANDLER = """
from durable_sdk import DurableContext, StepContext, durable_execution, durable_step


class Gateway:
    def charge(self, order, amount):
        raise NotImplementedError("not reachable from here")


gateway = Gateway()


@durable_step
def reserve(step_context, order):
    return f"reserved {order}"


@durable_step
def charge(step_context, order, amount):
    gateway.charge(order, amount)
    return "paid"


@durable_execution
def handler(event, context):
    context.step(reserve(event["id"]))
    context.wait(minutes=5, name="time to cancel")
    receipt = context.step(charge(event["id"], event["amount"]))
    context.step(lambda: "sent", name="receipt")
    return receipt
"""

TEST = """
import pytest
import shop
from pytest_durable import faults


@pytest.fixture(autouse=True)
def gateway(durable_effects, monkeypatch):
    charge = durable_effects.wrap("charge")(lambda order, amount: None)
    monkeypatch.setattr(shop.gateway, "charge", charge)


MARKER
@pytest.mark.durable_execution(handler=shop.handler)
def test_an_order_is_charged_once(durable_runner, durable_effects):
    result = durable_runner.run(input={"id": "o-1", "amount": 12})
    assert result.value == "paid"
    durable_effects.exactly_once("charge")


MARKER
@pytest.mark.durable_execution(handler=shop.handler)
def test_an_order_is_reserved(durable_runner):
    assert durable_runner.run(input={"id": "o-2", "amount": 12}).get_step("reserve").value == "reserved o-2"
"""

NAME = "test_an_order_is_charged_once"
OTHER = "test_an_order_is_reserved"

LINE = re.compile(r"@pytest\.mark\.durable_faults\((.*)\)$", re.MULTILINE)
TOKEN = re.compile(r"--durable-replay=(d1\.[\w-]+)")

VERSIONS = ("3.11", "3.12", "3.13")


def python_of(version: str) -> Path:
    """Return the interpreter of a version that has what a test needs; see `pythons`."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.executable)
    found = separate.ROOT / "build" / f"python-{version}" / "bin" / "python"
    if not found.exists():
        pytest.skip(f"no environment for Python {version}: make it with python -m bugs.pythons, in tests/")
    return found


class Shop:
    """The project: its test with a marker, or without."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.python = folder, python
        (folder / "shop.py").write_text(HANDLER, encoding="utf-8")
        self.mark("")

    def mark(self, marker: str) -> None:
        text = TEST.replace("MARKER", marker, 1).replace("MARKER", marker if "explore" in marker else "")
        (self.folder / "test_shop.py").write_text(text, encoding="utf-8")

    def run(self, *options: str) -> dict[str, Outcome]:
        return separate.run(self.folder, *options, before=[self.folder], python=self.python)


@pytest.fixture(params=VERSIONS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return Shop(tmp_path, python_of(request.param))


def is_the_double_charge(outcome: Outcome) -> bool:
    return (
        outcome.outcome == "failed"
        and "Effect 'charge' happened 2 times; exactly once was asked for." in outcome.text
        and "before the result of step 'charge' was recorded" in outcome.text
    )


def test_the_double_charge_from_one_marker_to_a_token(shop: Shop) -> None:
    passing = shop.run()
    assert [passing[NAME].outcome, passing[OTHER].outcome] == ["passed", "passed"]

    shop.mark("@pytest.mark.durable_explore")
    explored = shop.run()
    assert explored[OTHER].outcome == "passed", explored[OTHER].text
    assert is_the_double_charge(explored[NAME]), explored[NAME].text
    text = explored[NAME].text
    lines, tokens = LINE.findall(text), set(TOKEN.findall(text))
    assert lines == ["faults.crash(after_step='charge')"] or lines == ["faults.crash(during_step='charge')"]
    assert len(tokens) == 1
    token = tokens.pop()

    # Under xdist the same is found, and the token is the same.
    spread = shop.run("-n", "2", "-p", "xdist", "-p", "no:cacheprovider")
    assert spread[OTHER].outcome == "passed"
    assert is_the_double_charge(spread[NAME])
    assert LINE.findall(spread[NAME].text) == lines
    assert set(TOKEN.findall(spread[NAME].text)) == {token}

    # The token, in a fresh process, runs that test and no other.
    replayed = shop.run(f"--durable-replay={token}")
    assert list(replayed) == [NAME]
    assert is_the_double_charge(replayed[NAME])
    assert "the code of the handler and of the test is unchanged" in replayed[NAME].text

    # The line to paste, in the place of the marker.
    shop.mark(f"@pytest.mark.durable_faults({lines[0]})")
    pasted = shop.run()
    assert is_the_double_charge(pasted[NAME])

    # The token says that the test is another one by now, and the double charge is still there.
    changed = shop.run(f"--durable-replay={token}")
    assert "code has changed" in changed[NAME].text
    assert "test_shop.py" in changed[NAME].text


def test_the_fixed_handler_passes_what_failed(shop: Shop) -> None:
    fixed = HANDLER.replace("context.step(charge(event", "context.step(charge(event", 1).replace(
        "    gateway.charge(order, amount)", "    gateway.charge(order, amount, key=order)"
    )
    (shop.folder / "shop.py").write_text(fixed, encoding="utf-8")
    shop.mark("@pytest.mark.durable_explore")
    test = shop.folder / "test_shop.py"
    text = test.read_text(encoding="utf-8")
    text = text.replace(
        'charge = durable_effects.wrap("charge")(lambda order, amount: None)',
        "def charge(order, amount, key):\n"
        '        if not durable_effects.count("charge", key):\n'
        '            durable_effects.record("charge", key=key, amount=amount)\n',
    )
    test.write_text(text, encoding="utf-8")
    outcomes = shop.run()
    assert [outcomes[NAME].outcome, outcomes[OTHER].outcome] == ["passed", "passed"], outcomes[NAME].text
