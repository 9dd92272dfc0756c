"""Dates as they are written in files and requests: by a format of pandas, or as Unix times."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from fathom.artifacts.month_names import MONTHS, to_english
from fathom.settings.column_settings import Language

UNIX = {"unix seconds": 1, "unix milliseconds": 1000}  # formats, and their numbers per second
LAST = 10_000_000_000  # seconds since 1970: the year 2286
NUMBER = r"-?\d{1,16}(\.\d{1,9})?"
QUARTER = re.compile(r"(?i)Q[1-4](?!\d)")
ORDINAL = re.compile(r"(?i)(?<=\d)(?:st|nd|rd|th)\b")  # 1st; formats have %dth
HALF_DAY = re.compile(r"(?i)([ap])\.\s?m\b\.?")  # a.m.


def parse_date_texts(
    texts: pd.Series[Any], date_format: str, language: Language | None = None
) -> pd.Series[pd.Timestamp]:
    """Return times in UTC; those without an offset are taken as such. NaT for other texts.

    With a language, %B and %b stand for full and abbreviated names of months. Q%q is a quarter and
    %V a week without a day (%u), both for their first day. %p is also a.m. and p.m., and %dth also
    1st, 2nd and 3rd.

    Raises:
        ValueError: the format does not exist; `re.error`, too.
    """
    if date_format in UNIX:
        numbers = pd.to_numeric(texts.where(texts.str.fullmatch(NUMBER, na=False)))
        seconds = (numbers / UNIX[date_format]).where(lambda n: n.abs() < LAST)
        return pd.to_datetime(seconds, unit="s", utc=True).dt.round("us")
    if language is not None:
        texts, date_format = to_english(texts, language), date_format.replace("%B", "%b")
    if "%p" in date_format:
        texts = texts.str.replace(HALF_DAY, r"\1m", regex=True)
    if "%dth" in date_format:
        texts = texts.str.replace(ORDINAL, "th", regex=True)
    if "Q%q" in date_format:
        texts = texts.where(texts.str.contains(QUARTER, na=False))
        texts = texts.str.replace(QUARTER, lambda q: f"Q{3 * int(q[0][1]) - 2:02d}", regex=True)
        date_format = date_format.replace("Q%q", "Q%m")
    if "%V" in date_format and not re.search("%[uwaA]", date_format):
        texts, date_format = texts + " 1", f"{date_format} %u"
    return pd.to_datetime(texts, format=date_format, errors="coerce", utc=True)


def write_date(time: pd.Timestamp, date_format: str, language: Language | None = None) -> str:
    """Return a text from which `parse_date_texts` reads a time, which has a zone."""
    if date_format in UNIX:
        return str(round(time.timestamp() * UNIX[date_format]))
    if language is not None:
        date_format = re.sub("%[Bb]", MONTHS[language][time.month - 1][0], date_format)
    date_format = date_format.replace("%q", str(time.quarter))
    date_format = date_format.replace("%dth", f"{time.day}{ordinal_ending(time.day)}")
    return time.strftime(date_format)


def ordinal_ending(day: int) -> str:
    """Return the letters of 1st, 2nd, 3rd or 4th."""
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day // 10 != 1 else 0, "th")


def has_offset(date_format: str) -> bool:
    """Tell whether texts say their offset from UTC."""
    return date_format in UNIX or "%z" in date_format or "%Z" in date_format
