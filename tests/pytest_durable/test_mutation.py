"""Mutants: how the world around a handler misbehaves."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.mutation import (
    DuplicateCounts,
    EffectLost,
    EffectsSwapped,
    KeyDropped,
    Mutant,
    Observer,
    ResultsSwapped,
    StepRunsTwice,
    Verdict,
    apply,
    mutants_of,
)
from pytest_durable.simulator.ledger.ledger import EffectLedger

CHARGE, SHIP = ("charge",), ("ship",)


def run(mutant: Mutant | None) -> tuple[Any, list[tuple[str, Any]]]:
    """Return what the handler returned and the effects, in a world that misbehaves."""
    ledger = EffectLedger()

    def body(name: str, key: str | None) -> Any:
        def act(_: Any) -> str:
            ledger.record(name, key)
            return f"{name}d"

        return act

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        context.step(lambda _: "pure", name="pure")
        return [
            context.step(body("charge", "k"), name="charge"),
            context.step(body("ship", None), name="ship"),
        ]

    runner = corpus.make_runner(handler)
    if mutant is not None:
        apply(mutant, runner, ledger)
    return runner.run().value, [(effect.name, effect.key) for effect in ledger]


ORDINARY = (["charged", "shipd"], [("charge", "k"), ("ship", None)])


def test_an_observer_changes_nothing_and_tells_what_there_is_to_mutate() -> None:
    observer = Observer()
    assert run(observer) == run(None) == ORDINARY
    told = [mutant.told for mutant in mutants_of(observer, has_ledger=True)]
    assert told == [
        "step 'charge' runs twice",
        "step 'ship' runs twice",
        "effect 'charge' loses its idempotency key",
        "effect 'charge' arrives twice with the same key, and counts twice",
        "effect 'charge' does not happen",
        "effect 'ship' does not happen",
        "effects 'charge' and 'ship' happen in the other order",
        "steps 'pure' and 'charge' swap their results",
        "steps 'charge' and 'ship' swap their results",
    ]


def test_without_a_ledger_any_step_may_have_an_effect() -> None:
    observer = Observer()
    observer.around(("pure",), lambda attempt: attempt)(1)
    [mutant] = mutants_of(observer, has_ledger=False)
    assert mutant.told == "step 'pure' runs twice"
    assert mutant.hint.startswith("record('pure', key=...) in its body, and durable_effects.exactly_once(")
    assert list(mutants_of(observer, has_ledger=True)) == []


def test_results_that_are_equal_are_not_swapped() -> None:
    observer = Observer()
    for name in ("a", "b"):
        observer.around((name,), lambda attempt: None)(1)
    assert list(mutants_of(observer, has_ledger=True)) == []


@pytest.mark.parametrize(
    ("mutant", "effects"),
    [
        (StepRunsTwice(CHARGE, ()), [("charge", "k"), ("charge", "k"), ("ship", None)]),
        (KeyDropped("charge"), [("charge", None), ("ship", None)]),
        (DuplicateCounts("charge"), [("charge", "k"), ("charge", "k"), ("ship", None)]),
        (EffectLost("ship"), [("charge", "k")]),
        (EffectsSwapped("charge", "ship"), [("ship", None), ("charge", "k")]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_effects_go_wrong_and_the_result_stays(mutant: Mutant, effects: list[Any]) -> None:
    assert run(mutant) == (ORDINARY[0], effects)


def test_two_steps_swap_their_results_and_their_effects_stay() -> None:
    assert run(ResultsSwapped(CHARGE, SHIP, ("charged", "shipd"))) == (["shipd", "charged"], ORDINARY[1])


def test_a_verdict_counts_and_lists() -> None:
    lines = Verdict(3, [("it rains", "umbrella()")]).lines("t.py::test_it")
    assert lines == [
        "t.py::test_it: notices 2 of 3 mutants",
        "  would not notice that it rains; try umbrella()",
    ]
