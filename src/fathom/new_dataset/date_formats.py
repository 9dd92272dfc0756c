"""Which format dates have that are written as text."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.tseries.api import guess_datetime_format

ISO = "ISO8601"
FORMS = (  # what pandas does not guess
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M %p",
    "%b %Y",
    "%B %Y",
    "%b-%y",
    "%b-%Y",
    "%m/%Y",
    "%H:%M",
    "%H:%M:%S",
)
TIME = r"\d\d?:\d\d(?::\d\d)?"
SAMPLE = 50  # texts that formats are guessed from
MOSTLY = 0.9  # share of the different texts that must be dates, for the others to be slips


@dataclass(frozen=True)
class Form:
    """The format of a column of dates, in pandas' words.

    `other` fits as well: no value tells the day from the month. `strange` holds the texts that
    are no such dates.
    """

    text: str
    other: str | None
    strange: list[str]


def find_form(texts: pd.Series[str]) -> Form | None:
    """Return the format that most of the different texts have, if nearly all have one.

    Of two that fit equally ISO 8601 goes first; else the day, if points part it from the month,
    and otherwise the month, as with pandas.
    """
    distinct = texts.drop_duplicates()
    sample = distinct.iloc[:: max(1, len(distinct) // SAMPLE)]
    forms = [form for form in candidates(sample) if fitting(sample, form).mean() >= MOSTLY]
    fits = {form: fitting(distinct, form) for form in forms}
    best = max((float(fit.mean()) for fit in fits.values()), default=0.0)
    if best < MOSTLY:
        return None
    first, *others = [form for form, fit in fits.items() if fit.mean() == best]
    swapped = re.sub("%[dm]", lambda part: {"%d": "%m", "%m": "%d"}[part[0]], first)
    return Form(first, swapped if swapped in others else None, [*map(str, distinct[~fits[first]])])


def candidates(sample: pd.Series[str]) -> list[str]:
    """Return the formats that are worth a try, the likeliest first."""
    guesses: dict[str, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 31/01/2020 with the month first, and the like
        for text in sample:
            for day_first in ("." in text, "." not in text):
                guess = guess_datetime_format(text, dayfirst=day_first)
                guesses |= {} if guess is None or guess == "%Y" else {guess: None}
    iso = [ISO] if any(guess.startswith("%Y") for guess in guesses) else []
    times = sample.str.fullmatch(TIME).mean() >= MOSTLY  # 2:1 is a score
    return [*iso, *guesses, *(form for form in FORMS if form.startswith("%H") == times)]


def fitting(texts: pd.Series[str], form: str) -> pd.Series[bool]:
    """Tell which texts are dates of a format."""
    try:
        dates: pd.Series[Any] = pd.to_datetime(texts, format=form, errors="coerce")
    except ValueError:  # several time zones
        return pd.Series(False, texts.index)
    return dates.notna() & ~texts.str.isalpha()  # ISO 8601 has "now" and "today" with pandas
