"""The page of a run stands on its own, is the same in any order, and no test can break out of it."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from pytest_durable.report.page import Entry, report_page

VOID = {"meta", "br"}


class Elements(HTMLParser):
    """Notes every element, and that each one that opens is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


PASSED = Entry("test_a.py::test_one", "passed", executions=[("execution one SUCCEEDED", "<table></table>")])
FAILED = Entry("test_b.py::test_two", "failed", "assert 2 == 1", {"token": "d1.abc", "smallest": ""})


def test_tests_stand_in_the_order_of_their_names() -> None:
    page = report_page([FAILED, PASSED])
    assert page == report_page([PASSED, FAILED])
    assert page.index("test_one") < page.index("test_two")
    assert "<p>1 failed, 1 passed</p>" in page


def test_a_failed_test_is_open_and_shows_its_message_and_facts() -> None:
    page = report_page([FAILED])
    assert '<details class="test failed" open>' in page
    assert "<pre>assert 2 == 1</pre>" in page
    assert "<dt>token</dt><dd>d1.abc</dd>" in page
    # What there is nothing to tell of is left out.
    assert "smallest" not in page


def test_everything_that_a_test_says_is_escaped() -> None:
    evil = "</pre><script>alert('x')</script>"
    entry = Entry(f"test.py::test[{evil}]", "failed", evil, {evil: evil}, [(evil, "<table></table>")])
    assert "script" not in Elements(report_page([entry])).names


def test_addresses_of_objects_are_left_out() -> None:
    one, two = (Entry("t", "failed", f"<shop.Gateway object at {at}>") for at in ("0x7f13", "0x8a24"))
    assert report_page([one]) == report_page([two])


def test_an_entry_survives_its_way_between_processes() -> None:
    for entry in (PASSED, FAILED):
        assert report_page([Entry.from_json(json.loads(json.dumps(entry.to_json())))]) == report_page([entry])


def test_a_run_without_durable_tests_says_so() -> None:
    assert "no durable test has run" in report_page([])
