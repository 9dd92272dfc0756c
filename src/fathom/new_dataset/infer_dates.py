"""Columns of dates: their format, and what is uncertain about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.date_texts import parse_date_texts
from fathom.new_dataset.column_guess import OtherReading, Reading
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.date_formats import (
    CLOCKS,
    ISO,
    OFFSET,
    are_dates,
    find_formats,
    fits,
    infer_date_format,
    infer_digits_format,
    infer_short_months,
)
from fathom.new_dataset.infer_durations import check_clock
from fathom.new_dataset.infer_months import LocalFormat, infer_local_format
from fathom.new_dataset.infer_numbers import check_odd, leave_out, name_markers, name_rows
from fathom.new_dataset.missing_markers import list_missing
from fathom.new_dataset.printing import shorten
from fathom.new_dataset.sentinels import find_far_dates, say_far
from fathom.settings.column_settings import ColumnSettings, Language

FUTURE = 2030  # years of two digits that are later may be of the last century


def read_dates(texts: Texts, markers: Mask, words: Texts) -> Reading | None:
    """Declare a column of dates, or return None for other texts.

    Args:
        texts: all texts of the column.
        markers: those that mean a missing value.
        words: the others.
    """
    form, other = infer_date_format(words)
    share = 0.0 if form is None else words.share(fits(words, form))
    local = infer_local_format(words) if share < 1 else None
    if local is not None and local.share > share:
        reading = read_format(texts, markers, words, local.form, None, local.language)
        return replace(reading, checks=(*reading.checks, *check_language(local, reading)))
    if form is None:
        form = infer_short_months(words)
    return None if form is None else read_format(texts, markers, words, form, other)


def check_language(local: LocalFormat, reading: Reading) -> list[OtherReading]:
    """Name another language whose names of months are the same, as far as the column has them."""
    if not local.others:
        return []
    other = local.others[0]
    changed = reading.declaration.model_copy(update={"language": other})
    named = f"the months may be named in the language {local.language} or {other}"
    return [(f"{named}; both read the same dates", changed)]


def read_digit_dates(texts: Texts, markers: Mask, words: Texts) -> Reading | None:
    """Declare a column of dates without marks, such as 20200131, or return None for others."""
    form, other = infer_digits_format(words)
    return None if form is None else read_format(texts, markers, words, form, other)


def read_format(
    texts: Texts,
    markers: Mask,
    words: Texts,
    form: str,
    other: str | None,
    language: Language | None = None,
) -> Reading:
    """Declare dates of a format; another one fits as well, if it is not None."""
    dates = parse_date_texts(words.series, form, language)
    valid = are_dates(words, dates)
    far = words.where(valid).where(find_far_dates(dates[valid], words.counts[valid]))
    odd = words.where(~valid)
    absent = markers | texts.isin(odd.list())
    missing = list_missing(texts, absent | texts.isin(far.list()))
    declaration = ColumnSettings(
        kind="date",
        format=None if form == ISO else form,
        language=language,
        missing=missing,
    )
    evidence = [name_markers(texts.where(markers))]
    checks = check_odd(odd, "date")
    if len(far):
        near = declaration.model_copy(update={"missing": list_missing(texts, absent)})
        checks.append((say_far(name_markers(far)), near))
    if form in CLOCKS:
        checks += check_clock(words.where(valid), missing)
    if other is not None:
        example = shorten(words.list(valid)[0])
        changed = declaration.model_copy(update={"format": other})
        checks.append((f"{example} is read as {form}, but {other} fits as well", changed))
    if words.match(OFFSET).any():
        evidence.append("times with an offset become UTC; `zone: Europe/Berlin` makes them local")
    for directive, name in (("%q", "quarter"), ("%V", "week")):
        if directive in form and "%u" not in form:
            evidence.append(f"each {name} is read as its first day")
    if "%y" in form:
        evidence.append("years 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068")
        checks += check_century(words, dates)
    return Reading(declaration, "; ".join(filter(None, evidence)), checks=tuple(checks))


def check_century(words: Texts, dates: pd.Series[Any]) -> list[OtherReading]:
    """Name a date whose year of two digits may be one of the past: 01.02.45."""
    later = (dates.dt.year > FUTURE).to_numpy()
    if not later.any():
        return []
    evidence = f"{words.list(later)[0]} is read as {dates[later].iloc[0]:%Y-%m-%d}"
    return [(f"{evidence}: write years with four digits, if they are not of the future", None)]


def name_formats(words: Texts) -> Reading | None:
    """Leave out dates of several formats, and name them; None for other texts."""
    formats = find_formats(words) if words.match(r".*\d.*").all() else []
    if len(formats) < 2:
        return None
    masks = np.array([fits(words, form) for form in formats])
    alone = [words.where(mask & (masks.sum(axis=0) == 1)) for mask in masks]
    examples = [name_rows(texts.where(slice(1))) for texts in alone if len(texts)]
    return leave_out(f"dates of several formats: {', '.join(examples)}")
