"""Reads a page as text."""

from html.parser import HTMLParser
from pathlib import Path


class Text(HTMLParser):
    """Collects a page's text."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def page_text(file: Path) -> str:
    """Return the text of a page, words one space apart."""
    parser = Text()
    parser.feed(file.read_text())
    return " ".join(" ".join(parser.parts).split())
