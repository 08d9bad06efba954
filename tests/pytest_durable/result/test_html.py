"""The page stands on its own, and nothing of a run can break out of it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from pytest_durable.history.log import EventLog
from pytest_durable.result.html import html_page

_VOID = {"meta", "br"}


class Elements(HTMLParser):
    """Notes every element, and that each one that opens is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.urls: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.urls += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_page_is_well_formed_and_loads_nothing(order: Any) -> None:
    page = Elements(html_page(order.log))
    assert "script" not in page.names
    assert "link" not in page.names
    assert page.urls == []


def test_the_page_follows_the_readers_colour_scheme(order: Any) -> None:
    assert "prefers-color-scheme: dark" in html_page(order.log)


def test_each_invocation_has_a_lane_of_its_own(order: Any) -> None:
    page = html_page(order.log)
    # Four invocations, and the end of the execution after the last.
    assert page.count('<tbody class="lane">') == 5
    assert page.count('<tr class="gap">') == 3


def test_text_of_the_run_is_escaped(story: Any) -> None:
    story.started('"<script>input</script>"')
    story.done("<script>name</script>", '"<script>value</script>"')
    story.invoked({"ErrorType": "<script>", "ErrorMessage": "</table>"})
    page = html_page(story.log, title="<script>title</script>")
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 5
    Elements(page)


def test_a_page_of_an_empty_log_is_well_formed() -> None:
    assert "Nothing has happened yet." in html_page(EventLog())
    Elements(html_page(EventLog()))
