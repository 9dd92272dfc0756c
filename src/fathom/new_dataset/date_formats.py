"""The format of texts that are dates."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from fathom.new_dataset.column_texts import Mask, Texts

ISO = "ISO8601"
CLOCKS = ["%H:%M", "%H:%M:%S"]
TIMES = [*CLOCKS, "%I:%M %p", "%I:%M%p", "%I:%M:%S %p"]
FORMATS = [  # of dates, that pandas does not guess
    "%d.%m.%y", "%m-%d-%y", "%d-%m-%y", "%m/%d/%y", "%d/%m/%y", "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%b %Y",
    "%B %Y", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z", "%b-%y", "%b-%Y", "%m/%Y",
    "%Y年%m月%d日", "%Y年%m月", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日 %H:%M:%S", *TIMES,
]  # fmt: skip
TIME = r"\d\d?:\d\d(?::\d\d)?(?:\s?[AaPp][Mm])?"
OFFSET = r".*:\d\d(?:\.\d+)?\s?(?:Z|[+-]\d\d(?::?\d\d)?)"
SAMPLE = 50  # texts from which formats are guessed
MIN_DATES = 0.9  # share of the rows that must have a date


def infer_date_format(texts: Texts) -> tuple[str | None, str | None]:
    """Return the format of dates that fits most rows, and one that fits as many.

    The first is None if none fits nearly all rows. The second has day and month swapped, or is
    None. ISO 8601 is preferred. Then points mean that the day is first, and other marks mean, as
    in pandas, that the month is first.
    """
    sample = texts.where(slice(None, None, max(1, len(texts) // SAMPLE)))
    if texts.share(texts.match(r"(?s).*\d.*")) < MIN_DATES:
        return None, None
    guesses = guess_formats(sample.series)
    formats = [form for form in guesses if are_mostly(sample, fits(sample, form))]
    shares = {form: texts.share(fits(texts, form)) for form in formats}
    best = max(shares.values(), default=0.0)
    if best < MIN_DATES:
        return None, None
    first, *others = [form for form, share in shares.items() if share == best]
    swapped = re.sub("%[dm]", lambda match: {"%d": "%m", "%m": "%d"}[match[0]], first)
    return first, swapped if swapped in others else None


def are_mostly(texts: Texts, dates: Mask) -> bool:
    """Tell whether most rows or texts have a date: one other text may be frequent in a sample."""
    return bool(max(texts.share(dates), dates.mean()) >= MIN_DATES)


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
    are_times = sample.str.fullmatch(TIME).mean() >= MIN_DATES  # 2:1 is a score
    return [*iso, *guesses, *(text for text in FORMATS if (text in TIMES) == are_times)]


def fits(texts: Texts, date_format: str) -> Mask:
    """Tell which texts are dates of a format."""
    dates = pd.to_datetime(texts.series, format=date_format, errors="coerce", utc=True)
    valid = dates.notna() & ~texts.series.str.isalpha()  # now and today, for pandas
    return np.asarray(valid, dtype=bool)
