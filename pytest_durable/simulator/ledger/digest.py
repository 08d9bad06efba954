"""A digest of effects: equal where nobody outside could tell two ledgers apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any

from pytest_durable.simulator.ledger.effect import Effect

_DEEPEST = 20

# Modules whose values say all of themselves in their repr.
_SHOWN_WHOLE = ("datetime", "decimal", "fractions", "uuid")


def digest_of(effects: Iterable[Effect]) -> str:
    """Return the digest: names, keys and data, in their order for each pair of name and key.

    Effects of different names or keys are told apart by nobody outside, whichever came first; nor are the
    invocation, the attempt and the time of an effect. The same in every process.
    """
    groups: dict[str, list[str]] = {}
    for effect in effects:
        groups.setdefault(f"{effect.name!r} {effect.key!r}", []).append(_text(effect.kept))
    content = "\n".join(f"{group} {texts!r}" for group, texts in sorted(groups.items()))
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _text(value: Any, depth: int = 0) -> str:
    """Return text that is equal for equal values; addresses and the order of sets do not enter it."""
    if value is None or isinstance(value, str | bytes | bool | int | float):
        return f"{type(value).__name__} {value!r}"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if depth == _DEEPEST:
        return kind
    if isinstance(value, Mapping):
        pairs = (f"{_text(key, depth + 1)}: {_text(item, depth + 1)}" for key, item in value.items())
        return f"{{{', '.join(sorted(pairs))}}}"
    if isinstance(value, Set):
        return f"{{{', '.join(sorted(_text(item, depth + 1) for item in value))}}}"
    if isinstance(value, Sequence):
        return f"{kind} [{', '.join(_text(item, depth + 1) for item in value)}]"
    if is_dataclass(value):
        members = {spec.name: getattr(value, spec.name) for spec in fields(value)}
        return f"{kind} {_text(members, depth + 1)}"
    if type(value).__module__ in _SHOWN_WHOLE:
        return repr(value)
    members = getattr(value, "__dict__", {})
    return f"{kind} {_text(members, depth + 1)}"
