"""A real browser on a real server: Debian's Chromium, driven by Playwright. Skipped where there is none."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.db import connections

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
