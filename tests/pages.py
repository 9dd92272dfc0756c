"""Reads a page as text, or opens it in a browser."""

import html
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page


def page_text(file: Path) -> str:
    """Return the text of a page, words one space apart."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", file.read_text())).split())


def opened(browser: Browser, page_file: Path, **settings: Any) -> Page:
    """Return the page, opened from disk without a network."""
    size = {"width": 1100, "height": 900}
    page = browser.new_context(offline=True, **{"viewport": size} | settings).new_page()
    page.goto(page_file.as_uri())
    return page
