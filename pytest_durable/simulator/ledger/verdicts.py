"""Verdicts: what is wrong with the effects of a test, in words."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_durable.history.log import EventLog
from pytest_durable.result.wording import counted, shortened
from pytest_durable.simulator.ledger.causes import Cause, causes_of, is_step
from pytest_durable.simulator.ledger.effect import Effect, Key

_EFFECTS_SHOWN = 8


def never_happened(name: str, key: Key | None, names: Sequence[str], near: Sequence[str]) -> str:
    """Say that an effect did not happen, and what did."""
    which = f"Effect {name!r}" if key is None else f"Effect {name!r} of key {key!r}"
    guess = f" Did you mean {near[0]!r}?" if near and near[0] != name else ""
    found = ", ".join(map(repr, names)) or "none"
    return f"{which} never happened; exactly once was asked for. Effects that did: {found}.{guess}"


def happened_again(group: list[Effect], demand: str) -> str:
    """Say that effects which were to be one are several, where each was, and what lies between them."""
    causes = causes_of(group)
    first = group[0]
    which = f"Effect {first.name!r}" if first.key is None else f"Effect {first.name!r} of key {first.key!r}"
    # What lies between is told in its place, what to do once for each cause.
    advice = dict.fromkeys(cause.advice for cause in causes)
    return "\n".join(
        [
            f"{which} happened {counted(len(group), 'time')}; {demand} was asked for.",
            *_story(group, causes),
            *(f"What to do: {text}" for text in advice),
        ]
    )


def _story(group: Sequence[Effect], causes: Sequence[Cause]) -> list[str]:
    told = []
    for number, effect in enumerate(group[:_EFFECTS_SHOWN], 1):
        if number > 1:
            told.append(f"     {causes[number - 2].told}")
        told.append(f"  {number}. {_place(effect)}")
    if len(group) > _EFFECTS_SHOWN:
        told.append(f"  and {len(group) - _EFFECTS_SHOWN:,} more")
    return told


def _place(effect: Effect) -> str:
    at = "" if effect.at is None else f", at {effect.at:%Y-%m-%d %H:%M:%S}"
    return f"{effect.place}{at}{_data(effect)}"


def _data(effect: Effect) -> str:
    if not effect.kept:
        return ""
    return f", with {shortened(', '.join(f'{name}={value!r}' for name, value in effect.kept.items()))}"


def keyless(name: str, effects: Sequence[Effect]) -> str:
    """Say that effects have no key by which their receiver would know a repetition."""
    return "\n".join(
        [
            f"Effect {name!r} happened without a key, so its receiver cannot know a repetition as one:",
            *_story(effects, causes_of(list(effects))),
            f"What to do: send an idempotency key with it, and record it: record({name!r}, key=...).",
        ]
    )


def other_data(first: Effect, different: Effect) -> str:
    """Say that one key stands for two different effects."""
    return "\n".join(
        [
            f"Effect {first.name!r} of key {first.key!r} happened with different data; a receiver that knows "
            "the key ignores or refuses the second.",
            *_story([first, different], causes_of([first, different])),
            "What to do: take what differs from the input or from the result of a step, so that a repeated "
            "attempt sends the same, or put it into the key.",
        ]
    )


def changed_key(effects: Sequence[Effect]) -> tuple[Effect, Effect] | None:
    """Return two effects of which the second repeats the first under another key, if there are such.

    Attempts of one step that had one effect of the name each, with equal data, meant the same by it.
    """
    runs: dict[tuple[EventLog, str], dict[tuple[object, int], list[Effect]]] = {}
    for effect in effects:
        source = effect.source
        if source is None or source.operation_id is None or effect.attempt is None or not is_step(effect):
            continue
        attempts = runs.setdefault((source.log, source.operation_id), {})
        attempts.setdefault((source.run, effect.attempt), []).append(effect)
    for attempts in runs.values():
        single = [group[0] for group in attempts.values() if len(group) == 1]
        for effect in single[1:]:
            if effect.key != single[0].key and effect.kept == single[0].kept:
                return single[0], effect
    return None


def made_anew(first: Effect, again: Effect) -> str:
    """Say that a repeated attempt did the same under another key."""
    return "\n".join(
        [
            f"Effect {first.name!r} happened again under another key, {first.key!r} and then {again.key!r}: "
            "to its receiver these are two effects.",
            *_story([first, again], causes_of([first, again])),
            "What to do: make the key from the input, or in a step of its own before this one, so that a "
            "repeated attempt finds the same.",
        ]
    )


def lines(groups: Sequence[list[Effect]]) -> list[str]:
    """Return a line for each group of effects that have name and key in common."""
    return [_line(group) for group in groups]


def _line(group: list[Effect]) -> str:
    first = group[0]
    if len(group) == 1:
        return f"{first.label} x1: {_brief(first)}"
    words = dict.fromkeys(cause.word for cause in causes_of(group))
    places = ", ".join(map(_brief, group[:_EFFECTS_SHOWN]))
    more = f" and {len(group) - _EFFECTS_SHOWN:,} more" if len(group) > _EFFECTS_SHOWN else ""
    return f"{first.label} x{len(group)}: {places}{more} ({', '.join(words)})"


def _brief(effect: Effect) -> str:
    if effect.invocation is None or effect.attempt is None:
        return effect.place
    return f"invocation {effect.invocation} attempt {effect.attempt}"
