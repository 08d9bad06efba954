"""Strategies for Hypothesis, which has to be installed: ``from pytest_durable.strategies import plans``.

::

    @pytest.mark.durable_execution(handler=handler)
    @given(total=st.integers(1, 1000), plan=plans())
    def test_charged_once(durable_runner, durable_effects, total, plan):
        durable_runner.run({"total": total}, plan=plan)
        durable_effects.exactly_once("charge")
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from pytest_durable import faults
from pytest_durable.drawn import DrawnPlan
from pytest_durable.errors import UsageError
from pytest_durable.faults import API_KINDS, CALLBACK_KINDS

__all__ = ["DrawnPlan", "plans"]

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

# Enough for any number of faults that are possible at one point, and of rivals for the next turn.
_CHOICES = 11

# As far as half of the deviations go: a handler of three steps has about so many points.
_NEAR = 12


def plans(
    *,
    crashes: bool = True,
    api_faults: bool = True,
    callbacks: Iterable[str] = (),
    cold_starts: bool = False,
    faults_max: int = 2,
    reorderings_max: int = 3,
    reach: int = 40,
) -> st.SearchStrategy[DrawnPlan]:
    """Draw a plan for ``durable_runner.run(input, plan=plan)``.

    It needs no knowledge of the handler: a deviation is a number of occasions to pass by, at most ``reach``,
    and a choice. What a run does not come to does nothing. Plans shrink to the empty one, the ordinary run.

    ``callbacks`` are some of "duplicate", "late", "early", "never" and "reordered", for callbacks that a
    script answers. ``faults_max`` and ``reorderings_max`` are how many there are at most; the service gives
    up on an execution after 5 failed invocations in a row.

    Raises:
        UsageError: a behaviour of callbacks is unknown, or a number is negative.
    """
    kinds = [*((faults.crash,) if crashes else ()), *(API_KINDS if api_faults else ())]
    for behaviour in callbacks:
        if behaviour not in CALLBACK_KINDS:
            raise UsageError(
                f"callbacks of plans are some of {', '.join(CALLBACK_KINDS)}, got {behaviour!r}."
            )
        kinds.append(CALLBACK_KINDS[behaviour])
    if cold_starts:
        kinds.append(faults.cold_start)
    limits = {"faults_max": faults_max, "reorderings_max": reorderings_max, "reach": reach}
    for name, limit in limits.items():
        if type(limit) is not int or limit < 0:
            raise UsageError(f"{name} of plans is a number of at least 0, got {limit!r}.")
    return _drawn(tuple(kind.__name__ for kind in kinds), faults_max, reorderings_max, reach)


@st.composite
def _drawn(
    draw: st.DrawFn, kinds: tuple[str, ...], faults_max: int, reorderings_max: int, reach: int
) -> DrawnPlan:
    # Made by a function rather than by builds(), so that a failing example shows it as it shows itself.
    # Most runs are short, and what passes the end of one does nothing.
    skip = st.integers(0, min(reach, _NEAR)) | st.integers(0, reach)
    deviation = st.tuples(skip, st.integers(0, _CHOICES))
    struck = draw(st.lists(deviation, max_size=faults_max if kinds else 0))
    order = draw(st.lists(deviation, max_size=reorderings_max))
    return DrawnPlan(tuple(struck), tuple(order), kinds)
