"""How the texts of a column write numbers: decimal mark, groups of thousands, unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pyarrow as pa
from pyarrow import compute

from fathom.new_dataset.column_texts import Mask, Texts, match_texts
from fathom.new_dataset.number_units import Unit, split_units

MARKS = {".": r"\.", ",": ",", "'": "['\u2019]", " ": "[ \u00a0\u2009\u202f]"}
NAMES = {".": "point", ",": "comma"}
PLAIN = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
MIN_FIT = 0.95  # share of numbers among the rows of a column of numbers


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written; `decimal` is None if no number has a decimal mark.

    `fits` tells which texts are numbers. `other` is a format that fits as many, if there is one;
    `why` says what speaks against it, and `sure` whether that proves it.
    """

    fits: Mask
    decimal: str | None = None
    thousands: str | None = None
    other: NumberFormat | None = None
    why: str = ""
    sure: bool = True

    @property
    def decimal_mark(self) -> str | None:
        """The decimal mark, which points between groups imply to be a comma."""
        return self.decimal or {".": ",", ",": "."}.get(self.thousands or "")


@dataclass(frozen=True)
class Numbers:
    """The numbers of a column, without their unit, and the formats that fit most of them."""

    texts: Texts
    unit: Unit
    bodies: pa.Array
    formats: list[NumberFormat]

    @property
    def share(self) -> float:
        """Share of the rows that have a number."""
        return self.texts.share(self.formats[0].fits) if self.formats else 0.0

    @property
    def proven_mark(self) -> str | None:
        """The decimal mark, if there is no doubt about it."""
        only = len(self.formats) == 1 and self.share >= MIN_FIT
        return self.formats[0].decimal_mark if only else None


def find_numbers(texts: Texts) -> Numbers:
    unit, bodies = Unit(), texts.arrow
    if not texts.match(PLAIN).all():
        unit, bodies = split_units(texts)
    marks = [mark for mark in MARKS if contains(bodies, mark).any()]
    decimals: list[str | None] = [None, *(mark for mark in marks if mark in NAMES)]
    formats: list[NumberFormat] = []
    best = 0.0
    for decimal, thousands in product(decimals, [None, *marks]):
        if decimal is not None and decimal == thousands:
            continue
        fits = match_texts(bodies, number_pattern(decimal, thousands))
        share = texts.share(fits)
        used = [mark for mark in (decimal, thousands) if mark is not None]
        if share < best or share == 0 or not all(contains(bodies, m)[fits].any() for m in used):
            continue
        one = NumberFormat(fits, decimal, thousands)
        formats, best = [*formats, one] if share == best else [one], share
    return Numbers(texts, unit, bodies, formats)


def contains(bodies: pa.Array, mark: str) -> Mask:
    found = compute.match_substring_regex(bodies, MARKS[mark]).fill_null(False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def number_pattern(decimal: str | None, thousands: str | None) -> str:
    fraction = "" if decimal is None else rf"{MARKS[decimal]}\d*"
    plain = rf"\d+(?:{fraction})?" + (f"|{MARKS[decimal]}\\d+" if decimal is not None else "")
    number = rf"(?:{plain})(?:[eE][+-]?\d+)?"
    if thousands is None:
        return rf"[+-]?{number}"
    mark = MARKS[thousands]
    groups = rf"[1-9]\d?\d?(?:{mark}\d\d\d)+|[1-9]\d?(?:{mark}\d\d)*{mark}\d\d\d"
    return rf"[+-]?(?:(?:{groups})(?:{fraction})?|{number})"


def choose_format(numbers: Numbers, proofs: Mapping[str, str], decimal: str) -> NumberFormat:
    """Choose among the formats that fit equally well.

    Args:
        numbers: have at least one format.
        proofs: the column that proves a decimal mark, for each mark that one proves.
        decimal: the decimal mark of the file.
    """
    formats = numbers.formats
    if len(formats) == 1:
        return formats[0]
    whole = numbers.bodies.filter(pa.array(match_texts(numbers.bodies, r"[+-]?\d+")))
    largest = compute.max(compute.abs(whole.cast(pa.float64()))).as_py()
    below = largest is not None and largest < 1000
    if len(proofs) == 1:
        ((mark, column),) = proofs.items()
        for place, one in enumerate(formats[:2]):
            if one.decimal_mark == mark:
                why = f"{column} uses a decimal {NAMES[mark]}"
                sure = one.thousands != "." and not (one.thousands is None and below)
                return replace(one, other=formats[1 - place], why=why, sure=sure)
    as_decimal = next((one for one in formats if one.thousands is None), None)
    as_groups = next((one for one in formats if one.decimal is None), None)
    if as_decimal is None or as_groups is None:  # 1,234 beside 5.678
        order = sorted(formats, key=lambda one: one.decimal_mark != decimal)
        return replace(order[0], other=order[1], sure=False)
    if below:
        sure = as_groups.thousands == decimal_other(decimal)
        why = "numbers below 1,000 have none"
        return replace(as_groups, other=as_decimal, why=why, sure=sure)
    if largest is None and as_groups.thousands == "," and decimal == ".":
        return replace(as_groups, other=as_decimal, sure=False)
    why = "" if largest is None else "larger numbers have none"
    return replace(as_decimal, other=as_groups, why=why, sure=False)


def decimal_other(decimal: str) -> str:
    return "," if decimal == "." else "."
