"""Reads a page as text."""

import html
import re
from pathlib import Path


def page_text(file: Path) -> str:
    """Return the text of a page, words one space apart."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", file.read_text())).split())
