"""The whole corpus."""

from __future__ import annotations

from bugs.cases import chance, effects, harmless, races, replays, state, waiting

BUGS = (*effects.BUGS, *chance.BUGS, *state.BUGS, *replays.BUGS, *races.BUGS, *waiting.BUGS)
HARMLESS = harmless.HARMLESS
