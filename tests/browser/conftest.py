"""A real browser on a real server: Debian's Chromium, driven by Playwright. Skipped where there is none."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connections

from members.kit.rates import counters
from tests.browser.walk import PHONE

EXPECTED = "404 (Not Found)"  # what Chromium says of a page that we asked for and that is not there

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium(django_db_setup: None) -> Iterator[object]:
    """The browser, started once."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium here: install it, or set CHROMIUM to its path, to run the browser tests")
    sync_api = pytest.importorskip("playwright.sync_api")
    # Playwright keeps a loop running in this thread. Django therefore fears for its connections and opens others,
    # which know nothing of the test database's promises; but nothing here is async, so they stay the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    ours = connections["default"]
    with sync_api.sync_playwright() as playwright:
        connections["default"] = ours
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(autouse=True)
def a_quiet_shop(settings):
    settings.DEMO = True  # the page shows the code
    cache.clear()
    counters().flushdb()


@pytest.fixture
def open_browser(chromium, live_server):
    """Opens a page of its own; fails the test at its end for any complaint, or any request to elsewhere."""
    opened, complaints = [], []

    def open_one(locale="en-GB", viewport=PHONE, **more):
        context = chromium.new_context(locale=locale, viewport=viewport, base_url=live_server.url, **more)
        page = context.new_page()
        page.on("console", lambda said: said.type in {"error", "warning"} and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(live_server.url) or complaints.append(asked.url))
        opened.append(context)
        return page

    yield open_one
    for context in opened:
        context.close()
    assert [text for text in complaints if EXPECTED not in text] == []
