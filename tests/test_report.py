"""The page says what the stages found, stands on its own, and shows in a real browser."""

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from fathom.report.tables import number

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-background-networking", "--disable-component-update", "--disable-gpu",
    "--disable-sync", "--no-first-run", "--no-sandbox",
]  # fmt: skip


class Text(HTMLParser):
    """Collects a page's text."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@pytest.fixture(scope="module")
def page_file(built: Path) -> Path:
    return built / "report/index.html"


@pytest.mark.parametrize("dataset", ["california_housing", "digits"])
@pytest.mark.parametrize("model", ["mlp", "selu", "wide_deep"])
def test_shows_the_figures_of_the_metrics_files(
    page_file: Path, built: Path, dataset: str, model: str
) -> None:
    parser = Text()
    parser.feed(page_file.read_text())
    words = " ".join(parser.parts).split()
    figures = json.loads((built / f"metrics/{dataset}/{model}.json").read_text())
    assert all(number(value) in words for value in figures["test"].values())


def test_needs_no_other_file(page_file: Path) -> None:
    page = page_file.read_text()
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page.replace("xlink:", ""))
    assert "@import" not in page
    assert "url(" not in page.replace("url(#", "")
    assert page_file.stat().st_size < 5_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on PATH, looked for {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, page_file: Path) -> Iterator[Page]:
    """Return the page, opened from disk without a network."""
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.goto(page_file.as_uri())
    yield page
    context.close()


def test_opens_without_network_or_errors(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(page_file.as_uri())
    assert complaints == []
    assert page.title() == "Fathom report"
    context.close()


def test_every_chart_is_drawn(page: Page) -> None:
    drawings = page.locator("figure svg")
    assert drawings.count() == 4  # learning curves and errors of two data sets
    for index in range(drawings.count()):
        box = drawings.nth(index).bounding_box()
        assert box is not None
        assert box["width"] > 600
        assert box["height"] > 150
        assert drawings.nth(index).locator("path, rect").count() > 20


def test_best_model_comes_first(page: Page) -> None:
    for section, smaller_is_better in (("california_housing", True), ("digits", False)):
        cells = page.locator(f"#{section} tbody tr td:nth-of-type(1)").all_inner_texts()
        figures = [float(cell) for cell in cells]
        assert figures == sorted(figures, reverse=not smaller_is_better)


def test_fits_a_phone(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
