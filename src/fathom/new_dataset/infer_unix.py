"""Columns of Unix times: seconds or milliseconds since 1970."""

from __future__ import annotations

import re

import pandas as pd

from fathom.artifacts.date_texts import UNIX, parse_date_texts
from fathom.new_dataset.column_guess import OtherReading, Reading
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.exclusions import MAX_CODES, names_identifier
from fathom.new_dataset.infer_numbers import check_odd, name_markers
from fathom.new_dataset.missing_markers import list_missing
from fathom.new_dataset.suggestions import split_words
from fathom.settings.column_settings import ColumnSettings

YEARS = (1990, 2034)  # of these
MIN_KNOWN = 0.5  # share of the rows; in the others a time is unknown
MIN_FIT = 0.9  # share of the rows with a time that are of these years
UNKNOWN = r"(0|-1)(\.0)?"
TIME = r"\d{9,13}(\.\d+)?"
NAME = re.compile(
    r"(start|end|event|create|update|unix|epoch|date)?(time|date)(stamp)?|ts|at|epoch|unix|utc|"
    r"created|updated|modified|update|zeit|datum|fecha|hora|heure|时间|日期"
)
MIN_REGULAR = 10  # different times: as many codes that divide by 60 are no accident


def read_unix(
    texts: Texts, markers: Mask, words: Texts, form: str, *, is_target: bool
) -> Reading | None:
    """Declare a column of times whose name or whole minutes prove them, None for others.

    A target needs the name: networks do not predict dates.

    Args:
        texts: all texts of the column.
        markers: those that mean a missing value.
        words: the others.
        form: from `find_unix`.
    """
    proof = find_proof(words, form)
    if proof is None or (is_target and not names_time(words.name)):
        return None
    absent = texts.where(markers)
    unknown = words.where(words.match(UNKNOWN))
    odd = words.where(~words.match(f"{UNKNOWN}|{TIME}"))
    markers = markers | texts.isin(odd.list())
    declaration = declare(texts, markers, unknown, form)
    shown = f"{first_time(words)} is {show(words, form)}"
    evidence = f"{proof}: {shown}; `zone: Europe/Berlin` makes them local"
    checks = check_odd(odd, "time")
    if len(unknown):
        other = declaration.model_copy(update={"missing": list_missing(texts, markers)})
        named = f"{name_markers(unknown)} is read as missing, not as a time of 1970"
        checks.append((named, other))
    evidence = "; ".join(filter(None, [name_markers(absent), evidence]))
    return Reading(declaration, evidence, checks=tuple(checks))


def check_unix(
    texts: Texts, markers: Mask, words: Texts, form: str, *, is_target: bool
) -> list[OtherReading]:
    """Name numbers that may be times, though neither a name nor whole minutes prove it."""
    if is_target or len(words) <= MAX_CODES:
        return []
    other = declare(texts, markers, words.where(words.match(UNKNOWN)), form)
    what = form.removeprefix("unix ")
    read = f"{first_time(words)} is read as a number, but may be {what} since 1970"
    return [(f"{read}: {show(words, form)}", other)]


def find_unix(words: Texts) -> str | None:
    """Return the format by which nearly all known times are of 1990 to 2034, or None."""
    are_times = words.match(TIME)
    known = words.where(are_times)
    if len(known) < 2 or words.share(are_times) < MIN_KNOWN or names_identifier(words.name):
        return None
    odd = words.share(~(are_times | words.match(UNKNOWN)))
    if odd > (1 - MIN_FIT if names_time(words.name) else 0):
        return None
    years = ((form, parse_date_texts(known.series, form).dt.year) for form in UNIX)
    likely = ((form, known.share(year.between(*YEARS).to_numpy())) for form, year in years)
    return next((form for form, share in likely if share >= MIN_FIT), None)


def find_proof(words: Texts, form: str) -> str | None:
    """Say what proves that numbers are times, or return None."""
    what = form.removeprefix("unix ")
    if names_time(words.name):
        return f"{what} since 1970 by its name and values"
    known = words.where(words.match(TIME))
    minutes = pd.to_numeric(known.series) / UNIX[form] / 60
    regular = len(known) >= MIN_REGULAR and bool((minutes % 1 == 0).all())
    return f"{what} since 1970, since all are whole minutes" if regular else None


def names_time(name: str) -> bool:
    return any(NAME.fullmatch(word) for word in split_words(name))


def declare(texts: Texts, markers: Mask, unknown: Texts, form: str) -> ColumnSettings:
    missing = list_missing(texts, markers | texts.isin(unknown.list()))
    return ColumnSettings(kind="date", format=form, missing=missing)


def show(words: Texts, form: str) -> str:
    """Say what time the first number is."""
    time = parse_date_texts(pd.Series([first_time(words)], dtype="str"), form)[0]
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def first_time(words: Texts) -> str:
    return words.list(words.match(TIME))[0]
