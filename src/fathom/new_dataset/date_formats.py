"""The format of dates that are texts."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.tseries.api import guess_datetime_format

ISO = "ISO8601"
FORMATS = [  # that pandas does not guess
    "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%b %Y", "%B %Y", "%b-%y", "%b-%Y", "%m/%Y",
    "%H:%M", "%H:%M:%S",
]  # fmt: skip
TIME = r"\d\d?:\d\d(?::\d\d)?"
SAMPLE = 50  # texts from which formats are guessed
MIN_SHARE = 0.9  # share of the different texts that must be dates


@dataclass(frozen=True)
class DateFormat:
    """The format of a column of dates, in pandas' notation.

    `other` fits as well, with day and month swapped. `invalid` has the texts that are no such
    dates.
    """

    text: str
    other: str | None
    invalid: list[str]


def infer_date_format(texts: pd.Series[str]) -> DateFormat | None:
    """Return the format that fits most of the different texts, or None if none fits nearly all.

    Of two formats that fit equally, ISO 8601 is first. Then points mean that the day is first,
    and other marks mean, as in pandas, that the month is first.
    """
    distinct = texts.drop_duplicates()
    sample = distinct.iloc[:: max(1, len(distinct) // SAMPLE)]
    formats = [text for text in guess_formats(sample) if fits(sample, text).mean() >= MIN_SHARE]
    valid = {text: fits(distinct, text) for text in formats}
    best = max((float(of.mean()) for of in valid.values()), default=0.0)
    if best < MIN_SHARE:
        return None
    first, *others = [text for text, of in valid.items() if of.mean() == best]
    swapped = re.sub("%[dm]", lambda match: {"%d": "%m", "%m": "%d"}[match[0]], first)
    other = swapped if swapped in others else None
    return DateFormat(first, other, [*map(str, distinct[~valid[first]])])


def guess_formats(sample: pd.Series[str]) -> list[str]:
    """Return formats that may fit, the likeliest first."""
    guesses: dict[str, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 31/01/2020 with the month first, and the like
        for text in sample:
            for day_first in ("." in text, "." not in text):
                guess = guess_datetime_format(text, dayfirst=day_first)
                guesses |= {} if guess is None or guess == "%Y" else {guess: None}
    iso = [ISO] if any(guess.startswith("%Y") for guess in guesses) else []
    are_times = sample.str.fullmatch(TIME).mean() >= MIN_SHARE  # 2:1 is a score
    return [*iso, *guesses, *(text for text in FORMATS if text.startswith("%H") == are_times)]


def fits(texts: pd.Series[str], date_format: str) -> pd.Series[bool]:
    """Tell which texts are dates of a format."""
    try:
        dates: pd.Series[Any] = pd.to_datetime(texts, format=date_format, errors="coerce")
    except ValueError:  # several time zones
        return pd.Series(False, texts.index)
    return dates.notna() & ~texts.str.isalpha()  # pandas reads "now" and "today" as ISO 8601
