"""The page at ``/``, in a real Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from served import Caller, serving

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

_CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
_DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.skipif(
        _CHROMIUM is None or _DRIVER is None,
        reason="there is no Chromium: apt-get install chromium chromium-driver",
    ),
    pytest.mark.slow,
]


class Page:
    """The page, as somebody sees it."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver = driver
        self._url = url
        driver.get(url)

    def open(self, arn: str) -> None:
        """Open an execution by its address."""
        self.driver.get(f"{self._url}/#{quote(arn, safe='')}")

    def script(self, text: str, *arguments: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(text, *arguments)

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Return what a condition comes to once it is true."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        # An element that is found may be drawn anew before it is clicked.
        stale = [StaleElementReferenceException]
        return WebDriverWait(self.driver, 20, 0.05, ignored_exceptions=stale).until(lambda _: condition())

    def texts(self, selector: str) -> list[str]:
        """Return the texts of elements that can be seen."""
        return list(
            self.script(
                "return [...document.querySelectorAll(arguments[0])]"
                ".filter((found) => found.checkVisibility()).map((found) => found.innerText.trim())",
                selector,
            )
        )

    def click(self, selector: str) -> None:
        """Click the first of the elements."""

        def click() -> bool:
            self.driver.find_element("css selector", selector).click()
            return True

        self.wait(click)

    @property
    def rows(self) -> list[list[str]]:
        """Status, function and name of the executions that are listed."""
        cells = self.texts("#executions tbody td")
        return [cells[index : index + 3] for index in range(0, len(cells), 5)]


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(_DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def module_api() -> Iterator[tuple[Caller, str]]:
    with serving(["greet", "ask", "nap", "misbehave"], processes=2) as server:
        caller = Caller(server.url)
        yield caller, server.url
        caller.close()


@pytest.fixture
def api(module_api: tuple[Caller, str]) -> Caller:
    return module_api[0]


@pytest.fixture
def page(driver: Any, module_api: tuple[Caller, str]) -> Iterator[Page]:
    driver.get("about:blank")
    driver.get_log("browser")
    yield Page(driver, module_api[1])
    # Nothing was refused by the content security policy, and no script has failed.
    assert driver.get_log("browser") == []


def test_executions_are_listed_newest_first_and_filtered(page: Page, api: Caller) -> None:
    api.run("greet", {"name": "Ada"}, DurableExecutionName="first")
    api.ended(api.start("misbehave", {"how": "raise"}, DurableExecutionName="second"))
    newest = [["FAILED", "misbehave", "second"], ["SUCCEEDED", "greet", "first"]]
    page.wait(lambda: page.rows[:2] == newest)
    page.script(
        "const choice = document.getElementById('status');"
        "choice.value = 'SUCCEEDED'; choice.dispatchEvent(new Event('change'))"
    )
    page.wait(lambda: page.rows and {row[0] for row in page.rows} == {"SUCCEEDED"})


def test_an_execution_that_is_clicked_shows_its_timeline(page: Page, api: Caller) -> None:
    api.run("nap", {"seconds": 7200}, DurableExecutionName="sleepy")
    page.wait(lambda: page.rows and page.rows[0][2] == "sleepy")
    page.click("#executions tbody tr")
    page.wait(lambda: page.texts("#timeline .end"))
    assert page.texts("#execution h2 .badge") == ["SUCCEEDED"]
    timeline = page.texts("#timeline")[0]
    assert "step before" in timeline
    assert "1 hour 59 minutes" in timeline
    assert "wait nap" in page.texts("#bars .label")
    assert page.texts("#values .input pre") == ['{\n  "seconds": 7200\n}']
    assert page.texts("#values .result pre") == ['"awake"']
    assert "History events (" in page.texts("#events summary")[0]
    page.click("#events summary")
    assert any("WaitSucceeded nap" in text for text in page.texts("#events li"))


def test_an_execution_is_followed_while_it_runs_and_its_callback_answered(page: Page, api: Caller) -> None:
    arn = api.start("ask", DurableExecutionName="question")
    page.open(arn)
    callback_id = api.callback_id(arn)
    page.wait(lambda: page.texts("#callbacks .id") == [callback_id])
    assert page.texts("#execution h2 .badge") == ["RUNNING"]
    assert page.rows[0] == ["RUNNING", "ask", "question"]
    page.script("document.querySelector('.payload').value = arguments[0]", '{"by": "page"}')
    page.click("#callbacks .succeed")
    page.wait(lambda: page.texts("#execution h2 .badge") == ["SUCCEEDED"])
    assert page.texts("#callbacks .id") == []
    page.wait(lambda: page.rows[0] == ["SUCCEEDED", "ask", "question"])
    assert json.loads(json.loads(api.ended(arn)["Result"])) == {"by": "page"}


def test_an_execution_can_be_stopped(page: Page, api: Caller) -> None:
    arn = api.start("ask")
    page.open(arn)
    page.wait(lambda: page.texts("#callbacks .id"))
    page.click("#stop")
    page.wait(lambda: page.texts("#execution h2 .badge") == ["STOPPED"])
    assert api.status(arn) == "STOPPED"


def test_an_answer_that_is_refused_says_why(page: Page, api: Caller) -> None:
    arn = api.start("ask")
    page.open(arn)
    page.wait(lambda: page.texts("#callbacks .id"))
    # Somebody else is faster, and the page has not noticed yet.
    page.script("refresh = async () => undefined")
    api.client.send_durable_execution_callback_success(CallbackId=api.callback_id(arn))
    page.click("#callbacks .succeed")
    assert "has ended" in page.wait(lambda: "".join(page.texts("#callbacks .told")))
    (logged,) = page.driver.get_log("browser")
    assert "404" in logged["message"]


def test_what_functions_store_is_shown_and_never_run(page: Page, api: Caller) -> None:
    hostile = "</script><img src=x onerror=document.title='owned'><b id=owned>"
    arn = api.start("greet", {"name": hostile})
    api.ended(arn)
    page.open(arn)
    page.wait(lambda: page.texts("#timeline .end"))
    assert hostile in page.texts("#values .result pre")[0]
    assert "onerror" in page.texts("#timeline")[0]
    assert page.script("return document.getElementById('owned')") is None
    assert page.script("return document.title").startswith("SUCCEEDED greet")


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_the_page_fits_every_width(page: Page, api: Caller, width: int) -> None:
    arn = api.start("nap", {"seconds": 5, "long": "x" * 2000})
    api.ended(arn)
    page.driver.set_window_size(width, 900)
    page.open(arn)
    page.wait(lambda: page.texts("#timeline .end"))
    assert (
        page.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    )
    page.driver.set_window_size(1400, 900)


def test_dark_and_light_are_the_readers_choice(page: Page) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        colours.add(page.script("return getComputedStyle(document.body).backgroundColor"))
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(colours) == 2


def test_an_execution_that_does_not_exist_is_told_so(driver: Any, module_api: tuple[Caller, str]) -> None:
    page = Page(driver, module_api[1])
    page.open("arn:nothing")
    page.wait(lambda: "There is no such execution." in page.texts("#execution .name"))


def test_nothing_of_the_page_is_fetched_from_elsewhere() -> None:
    directory = Path(__file__).parents[4] / "pytest_durable" / "endpoint" / "server" / "page"
    for path in directory.iterdir():
        assert "//" not in "".join(
            line for line in path.read_text().splitlines(True) if not line.lstrip().startswith("//")
        )
