"""Names of months in the languages of `month_names.yaml`, as strptime reads them."""

from __future__ import annotations

import calendar
import re
import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from fathom.settings.column_settings import Language

FILE = Path(__file__).with_name("month_names.yaml")
MONTHS: dict[Language, list[list[str]]] = {
    language: [names.split() for names in months]
    for language, months in yaml.safe_load(FILE.read_text(encoding="utf-8")).items()
}
WORD = re.compile(r"([^\W\d_]+)(?:\.(?!\w))?")
FIRST = re.compile(r"(?i)\b1(?:er|ro|[oº°])(?=\W)")  # 1er mars, 1º de janeiro


def fold(word: str) -> str:
    """Return a word without case and accents, and the Turkish ı as i."""
    letters = unicodedata.normalize("NFKD", word.casefold()).replace("ı", "i")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


ABBREVIATIONS = {
    language: {
        fold(name): calendar.month_abbr[n] for n, names in enumerate(months, 1) for name in names
    }
    for language, months in MONTHS.items()
}


def to_english(texts: pd.Series[Any], language: Language) -> pd.Series[Any]:
    """Return texts with English abbreviations in place of names of months."""
    english = ABBREVIATIONS[language]

    def translate(text: str) -> str:
        text = FIRST.sub("1", text)
        return WORD.sub(lambda word: english.get(fold(word[1]), word[0]), text)

    return texts.map({text: translate(text) for text in texts.dropna().unique()}).astype("str")
