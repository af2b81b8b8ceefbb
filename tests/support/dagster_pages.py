"""Dagster's pages as people use them, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Browser, Page, Request
from playwright.sync_api import TimeoutError as NotShown

QUIET_MILLISECONDS = 1200
GIVES_UP_MILLISECONDS = 60_000
LIST_OPENS_MILLISECONDS = 10_000
PARTITION = "Partition"


@contextmanager
def opened(browser: Browser) -> Iterator["DagsterPages"]:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    page.set_default_timeout(GIVES_UP_MILLISECONDS)
    try:
        yield DagsterPages(page)
    finally:
        page.close()


class DagsterPages:
    """`errors`: what went wrong in the pages' own scripts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self._asked: set[Request] = set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._asked.add(request) if "/graphql" in request.url else None)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def _ended(self, request: Request) -> None:
        self._asked.discard(request)

    def visit(self, url: str) -> None:
        self.page.goto(url, wait_until="domcontentloaded")
        self.settle()

    def settle(self) -> None:
        """Until it has asked nothing for a while: its pages are built of many answers."""
        waited = quiet = 0
        while quiet < QUIET_MILLISECONDS:
            self.page.wait_for_timeout(100)
            waited, quiet = waited + 100, 0 if self._asked else quiet + 100
            assert waited < GIVES_UP_MILLISECONDS, f"still loading: {self.page.url}"

    def choose_partition(self, base: str, job: str, partition: str) -> None:
        """In the job's Launchpad, opened again while its list of partitions stays shut: a click that comes before the
        page's scripts is lost."""
        offered = self.page.get_by_text(partition, exact=True).first
        for _ in range(GIVES_UP_MILLISECONDS // LIST_OPENS_MILLISECONDS):
            self.visit(f"{base}/locations/wfgov/jobs/{job}/playground")
            self.page.get_by_placeholder(PARTITION).click()
            with suppress(NotShown):
                offered.wait_for(timeout=LIST_OPENS_MILLISECONDS)
                break
        offered.click()
        self.settle()

    def launch(self) -> str:
        """Press the button; the run's URL, once it has succeeded."""
        self.page.get_by_role("button", name="Launch Run").click()
        self.page.wait_for_url("**/runs/*")
        self.page.get_by_text("RUN_SUCCESS").first.wait_for()
        self.settle()
        return self.page.url

    def text(self) -> str:
        return self.page.locator("body").inner_text()
