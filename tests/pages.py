"""Reads a page as text, or opens it in a browser."""

import html
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-background-networking", "--disable-component-update", "--disable-gpu",
    "--disable-sync", "--no-first-run", "--no-sandbox",
]  # fmt: skip
EMPTY = {"meta", "link", "img", "input", "br", "hr"}  # elements without an end


class Outline(HTMLParser):
    """The ids of a page, its links to them, and the elements that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(dict(attrs))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(dict(attrs))

    def note(self, attributes: dict[str, str | None]) -> None:
        if name := attributes.get("id"):
            self.ids.append(name)
        if (link := attributes.get("href")) and link.startswith("#"):
            self.links.append(link[1:])

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.faults.append(tag)


def page_text(file: Path) -> str:
    """Return the text of a page, words one space apart."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", file.read_text())).split())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser on PATH, looked for {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield launched
        launched.close()


def opened(browser: Browser, page_file: Path, **settings: Any) -> Page:
    """Return the page, opened from disk without a network."""
    size = {"width": 1100, "height": 900}
    page = browser.new_context(offline=True, **{"viewport": size} | settings).new_page()
    page.goto(page_file.as_uri())
    return page
