"""The format of texts that are dates."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format
from pyarrow import compute

from fathom.artifacts.date_texts import parse_date_texts
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.settings.column_settings import Language

ISO = "ISO8601"
CLOCKS = ["%H:%M", "%H:%M:%S"]
TIMES = [*CLOCKS, "%I:%M %p", "%I:%M%p", "%I:%M:%S %p"]
FORMATS = [  # of dates, that pandas does not guess
    "%d.%m.%y", "%m-%d-%y", "%d-%m-%y", "%m/%d/%y", "%d/%m/%y", "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%b %Y",
    "%B %Y", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z", "%b-%y", "%b-%Y", "%m/%Y",
    "%d-%b-%y", "%d%b%Y", "%d%b%y", "%d %b %y", "%d%b%Y:%H:%M:%S", "%d-%b-%y %H:%M",
    "%d.%m.%y %H:%M", "%m/%d/%y %I:%M %p", "%m/%d/%Y, %I:%M:%S %p", "%Y-%m-%d %H:%M:%S,%f",
    "%a, %d %b %Y %H:%M:%S %Z", "%m-%Y", "%Y년 %m월 %d일", "%d.%m.%Y %H:%M Uhr",
    "%d.%m.%y %H:%M Uhr", "%B %dth, %Y", "%b %dth, %Y", "%B %dth %Y", "%b %dth %Y", "%dth %B %Y",
    "%dth %b %Y", "%dth of %B %Y", "%dth of %B, %Y", "%m/%d/%Y %I:%M%p", "%d/%m/%Y %I:%M%p",
    "%m/%d/%y %I:%M%p", "%d/%m/%y %I:%M%p", "%b '%y", "%d %b %Y (%a)",
    "%Y-Q%q", "%YQ%q", "%Y Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "Q%q/%y", "Q%q %y",
    "%G-W%V", "%GW%V", "%G W%V", "KW %V %G", "KW %V/%G", "KW%V %G", "KW%V/%G",
    "%G-W%V-%u", "%Y年%m月%d日", "%Y年%m月", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日 %H:%M:%S", *TIMES,
]  # fmt: skip
DIGITS = {  # formats without marks, by their number of digits
    8: ["%Y%m%d", "%d%m%Y", "%m%d%Y"],
    10: ["%Y%m%d%H"],
    12: ["%Y%m%d%H%M"],
    14: ["%Y%m%d%H%M%S"],
}
YEARS = (1900, 2100)  # of these
TIME = r"\d\d?:\d\d(?::\d\d)?(?:\s?[AaPp]\.?\s?[Mm]\.?)?"
HALF_DAY = re.compile(r"(?i)(?<=\d)(\s?)[ap]\.?\s?m\b\.?")
OFFSET = r".*:\d\d(?:\.\d+)?\s?(?:Z|[+-]\d\d(?::?\d\d)?)"
SAMPLE = 50  # texts from which formats are guessed
MIN_MONTHS = 6  # that follow each other
MIN_DATES = 0.9  # share of the rows that must have a date


def infer_date_format(texts: Texts, more: Sequence[str] = ()) -> tuple[str | None, str | None]:
    """Return the format of dates that fits most rows, and one that fits as many.

    The usual formats and `more` are tried. The first is None if none fits nearly all rows. The
    second has day and month swapped, or is None. ISO 8601 is preferred. Then points mean that the
    day is first, and other marks mean, as in pandas, that the month is first.
    """
    sample = take_sample(texts)
    if texts.share(texts.match(r"(?s).*\d.*")) < MIN_DATES:
        return None, None
    guesses = [*guess_formats(sample.series), *more]
    formats = [form for form in guesses if are_mostly(sample, fits(sample, form))]
    shares = {form: texts.share(fits(texts, form)) for form in formats}
    best = max(shares.values(), default=0.0)
    if best < MIN_DATES:
        return None, None
    first, *others = [form for form, share in shares.items() if share == best]
    swapped = re.sub("%[dm]", lambda match: {"%d": "%m", "%m": "%d"}[match[0]], first)
    return first, swapped if swapped in others else None


def infer_digits_format(texts: Texts) -> tuple[str | None, str | None]:
    """Return the format of dates such as 20200131 that fits all texts, and one that does, too."""
    lengths = compute.utf8_length(texts.arrow).unique()
    if len(lengths) != 1 or not texts.match(r"\d+(\.0)?").all():
        return None, None
    end = ".0" if texts.match(r".*\.0").all() else ""  # of integers beside missing values
    forms = [f"{form}{end}" for form in DIGITS.get(lengths[0].as_py() - len(end), [])]
    dates = {form: pd.to_datetime(texts.series, format=form, errors="coerce") for form in forms}
    found = [form for form in forms if dates[form].dt.year.between(*YEARS).all()]
    first, second, *_ = [*found, None, None]
    return first, second


def infer_short_months(texts: Texts) -> str | None:
    """Return the format of months such as 1/86, 2/86, 3/86, if all follow each other by the same
    step; other pairs of numbers are no dates.
    """
    mark = compute.utf8_slice_codeunits(compute.utf8_trim(texts.arrow, "0123456789"), 0, 1).unique()
    if len(texts) < MIN_MONTHS or len(mark) != 1 or mark[0].as_py() not in tuple("/.-"):
        return None
    for form in (f"%m{mark[0]}%y", f"%y{mark[0]}%m"):
        dates = pd.to_datetime(texts.series, format=form, errors="coerce")
        if dates.notna().all():
            steps = np.diff(12 * dates.dt.year + dates.dt.month)
            if (steps == steps[0]).all() and abs(steps[0]) in (1, 3):
                return form
    return None


def find_formats(texts: Texts) -> list[str]:
    """Return formats that together fit nearly all rows, the most frequent first, or none."""
    rest = take_sample(texts)
    most, formats = (1 - MIN_DATES) * rest.total, list[str]()
    guesses = [form for form in guess_formats(rest.series) if not has_words(form)]
    while rest.total > most:
        shares = {form: rest.share(fits(rest, form)) for form in guesses}
        best = max(shares, key=lambda form: shares[form], default="")
        if not shares.get(best):
            return []
        formats.append(best)
        rest = rest.where(~fits(rest, best))
    return formats


def take_sample(texts: Texts) -> Texts:
    return texts.where(slice(None, None, max(1, len(texts) // SAMPLE)))


def has_words(date_format: str) -> bool:
    """Tell whether pandas took words of a text for a format: 3rd, or a.m."""
    return bool(re.search("[A-SU-Ya-z]", re.sub("%.", "", date_format)))


def are_mostly(texts: Texts, dates: Mask) -> bool:
    """Tell whether most rows or texts have a date: one other text may be frequent in a sample."""
    return bool(max(texts.share(dates), dates.mean()) >= MIN_DATES)


def guess_formats(sample: pd.Series[str]) -> list[str]:
    """Return formats that may fit, the likeliest first."""
    guesses: dict[str, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 31/01/2020 with the month first, and the like
        for text in sample.str.replace(HALF_DAY, r"\1AM", regex=True):  # PM is not guessed
            for day_first in ("." in text, "." not in text):
                guess = guess_datetime_format(text, dayfirst=day_first)
                guess = guess or guess_datetime_format(text.title(), dayfirst=day_first)  # NOV
                if guess not in (None, "%Y") and not re.match(r"%Y\W*%d", guess):  # 2020. 1. 5.
                    guesses[guess] = None
    iso = [ISO] if any(guess.startswith("%Y") for guess in guesses) else []
    are_times = sample.str.fullmatch(TIME).mean() >= MIN_DATES  # 2:1 is a score
    return [*iso, *guesses, *(text for text in FORMATS if (text in TIMES) == are_times)]


def fits(texts: Texts, date_format: str, language: Language | None = None) -> Mask:
    """Tell which texts are dates of a format."""
    marked = texts.match(marks_pattern(date_format))
    if language is None and not marked.any():  # pandas takes much longer
        return marked
    return are_dates(texts, parse_date_texts(texts.series, date_format, language))


def marks_pattern(date_format: str) -> str:
    """Return a pattern of texts that have the marks of a format: `(?is).*/.*/.*` of %d/%m/%y."""
    if "%" not in date_format:  # ISO 8601, and Unix times
        return "(?s).*"
    date_format = date_format.replace("%dth", "%d")  # 1st, too
    marks = [r"\s+".join(map(re.escape, mark.split(" "))) for mark in re.split("%.", date_format)]
    return f"(?is){'.*'.join(marks)}"


def are_dates(texts: Texts, dates: pd.Series[pd.Timestamp]) -> Mask:
    """Tell which texts are dates, by what was parsed of them."""
    valid = dates.notna() & ~texts.series.str.isalpha()  # now and today, for pandas
    return np.asarray(valid, dtype=bool)
