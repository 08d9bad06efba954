"""How often is asked, and how a history that grows is read."""

from __future__ import annotations

from collections.abc import Callable

import corpus
from scripted_lambda import FakeClock, Fault, Life, ScriptedLambda

from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.polling import HistoryReader, Pace

Serve = Callable[[Life], ScriptedLambda]
Connect = Callable[[ScriptedLambda], LambdaApi]


def test_the_pace_is_quick_at_first_and_never_slower_than_the_longest() -> None:
    pace = Pace(5)
    seconds = [pace.next() for _ in range(30)]
    assert seconds[0] == 0.1
    assert sum(seconds[:5]) < 1.2
    assert seconds == sorted(seconds)
    assert seconds[-1] == 5


def test_an_interval_that_is_given_is_the_longest() -> None:
    assert [Pace(0.01).next() for _ in range(3)] == [0.01] * 3


def reading(serve: Serve, connect: Connect, clock: FakeClock) -> tuple[ScriptedLambda, HistoryReader]:
    service = serve(Life.of(corpus.run(corpus.BY_NAME["sequential"]), page_events=3))
    api = connect(service)
    arn = api.invoke("orders:live", None, "n", clock.now() + 9)
    return service, HistoryReader(api, arn)


def test_a_history_is_read_page_by_page_and_only_the_last_page_again(
    serve: Serve, connect: Connect, clock: FakeClock
) -> None:
    service, reader = reading(serve, connect, clock)
    reader.refresh()
    assert [event["EventId"] for event in reader.events] == list(range(1, len(service.life.history) + 1))
    assert reader.has_ending
    pages = len(service.of("GetDurableExecutionHistory"))
    assert pages == -(-len(reader.events) // 3)
    reader.refresh()
    assert len(service.of("GetDurableExecutionHistory")) == pages + 1
    assert len(reader.events) == len(service.life.history)
    assert {
        request.query["IncludeExecutionData"] for request in service.of("GetDurableExecutionHistory")
    } == {"true"}


def test_a_marker_that_has_expired_is_not_used_again(
    serve: Serve, connect: Connect, clock: FakeClock
) -> None:
    service, reader = reading(serve, connect, clock)
    reader.refresh()
    service.faults["GetDurableExecutionHistory"] = [Fault(400, "InvalidParameterValueException", "expired")]
    reader.refresh()
    assert [event["EventId"] for event in reader.events] == list(range(1, len(service.life.history) + 1))


def test_an_answer_that_is_older_than_the_last_one_is_ignored(
    serve: Serve, connect: Connect, clock: FakeClock
) -> None:
    service, reader = reading(serve, connect, clock)
    service.life.page_events = 1000
    reader.refresh()
    known = len(reader.events)
    service.life.history = service.life.history[:4]
    reader.refresh()
    assert len(reader.events) == known
