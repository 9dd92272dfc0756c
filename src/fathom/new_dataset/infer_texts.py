"""What a column of texts holds: numbers, dates, categories, codes or free text."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import numpy as np

from fathom.artifacts.columns import MOSTLY
from fathom.new_dataset.column_guess import OtherReading, Reading
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.exclusions import explain_text, is_frequent, is_repeated
from fathom.new_dataset.identifiers import (
    are_long_codes,
    find_damaged,
    has_leading_zeros,
    name_pattern,
)
from fathom.new_dataset.infer_dates import name_formats, read_dates, read_digit_dates
from fathom.new_dataset.infer_durations import read_durations
from fathom.new_dataset.infer_mixed_units import name_several, read_mixed_units
from fathom.new_dataset.infer_numbers import (
    TEXT,
    Context,
    are_mostly_numbers,
    check_target,
    name_markers,
    name_marks,
    name_rows,
    read_numbers,
)
from fathom.new_dataset.infer_unix import check_unix, find_unix, read_unix
from fathom.new_dataset.missing_markers import find_markers, find_usual, find_values, list_missing
from fathom.new_dataset.number_formats import Numbers
from fathom.new_dataset.ordinal import infer_order
from fathom.new_dataset.printing import count_rows, shorten
from fathom.settings.column_settings import ColumnSettings


def read_texts(texts: Texts, numbers: Numbers | None, context: Context) -> Reading:
    """Declare a column of texts.

    Args:
        texts: all texts of the column.
        numbers: the numbers among the texts that are no markers of missing values, if there are.
    """
    markers = find_markers(texts)
    words = texts.where(~markers)
    if not len(words):
        return read_categories(texts, context)
    if words.lower.isin(["true", "false"]).all():
        return read_booleans(texts, markers, context)
    name = name_pattern(words)
    if name is not None and not context.is_target:
        return Reading(ColumnSettings(kind="text_id"), reason=name)
    if name is not None:
        return read_categories(texts, context)
    times = find_unix(words)
    reading = (
        read_digits(texts, markers, words, times, context)
        or read_durations(texts, markers, words, context)
        or read_mixed_units(texts, markers, words)
    )
    if reading is not None:
        return reading
    if numbers is not None and (numbers.share > MOSTLY or numbers.unit.problem):
        if not numbers.unit.problem and are_mostly_numbers(numbers, not context.is_target):
            reading = read_numbers(texts, markers, numbers, context)
            if times is None:
                return reading
            checks = check_unix(texts, markers, words, times, is_target=context.is_target)
            return replace(reading, checks=(*reading.checks, *checks))
        return read_mixed(texts, numbers, context)
    return read_dates(texts, markers, words) or read_other(texts, words, context)


def read_digits(
    texts: Texts, markers: Mask, words: Texts, times: str | None, context: Context
) -> Reading | None:
    """Declare whole numbers that are dates, such as 20200131, or codes; None for others.

    `times` is the format of Unix times that they may be.
    """
    dates = read_digit_dates(texts, markers, words)
    if dates is None and times is not None:
        dates = read_unix(texts, markers, words, times, is_target=context.is_target)
    codes = name_codes(words) if dates is None else None
    return dates if codes is None else read_codes(texts, markers, codes, context)


def read_other(texts: Texts, words: Texts, context: Context) -> Reading:
    """Declare categories, or leave out numbers and dates of several formats and free text."""
    categories = read_categories(texts, context)
    if context.is_target:
        return categories
    if (numbers := name_marks(words)) is not None:
        return numbers
    if categories.reason is None:
        return categories
    return name_formats(words) or name_several(words) or categories


def read_booleans(texts: Texts, markers: Mask, context: Context) -> Reading:
    values = find_values(texts, markers) if context.is_target else np.zeros_like(markers)
    if values.any():
        return read_categories(texts, context)
    checks = check_target(texts.where(markers)) if context.is_target else []
    declaration = ColumnSettings(kind="boolean", missing=list_missing(texts, markers))
    return Reading(declaration, name_markers(texts.where(markers)), checks=tuple(checks))


def name_codes(words: Texts) -> str | None:
    """Return why whole numbers are codes, or None."""
    damaged = find_damaged(words)
    if damaged is not None:
        return f"identifiers, some of them damaged by a spreadsheet: {damaged}"
    if has_leading_zeros(words):
        example = words.list(words.match(r"0\d+"))[0]
        return f"codes with leading zeros, such as {shorten(example)}"
    if are_long_codes(words):
        return f"codes of many digits, such as {shorten(words.list()[0])}"
    return None


def read_codes(texts: Texts, markers: Mask, why: str, context: Context) -> Reading:
    words = texts.where(~markers)
    if "damaged" in why or not (is_repeated(words) or context.is_target):
        return Reading(ColumnSettings(kind="text_id"), reason=why)
    category = read_categories(texts, context)
    checks = category.checks
    if words.match(r"\d\d?").all():
        example = words.list(words.match(r"0\d"))[0]
        evidence = f"{example} is read as a category, because it has a leading zero"
        checks = (*checks, (evidence, ColumnSettings(kind="integer")))
    return Reading(category.declaration, why, checks=checks)


def read_mixed(texts: Texts, numbers: Numbers, context: Context) -> Reading:
    """Declare a column that is mostly numbers, but has several units or other texts."""
    odd = numbers.texts.where(~numbers.formats[0].fits if numbers.formats else slice(None))
    why = numbers.unit.problem or f"not all numbers: {name_rows(odd)}"
    if context.is_target or (is_repeated(numbers.texts) and not numbers.unit.problem):
        category = read_categories(texts, context, ordered=not context.is_target)
        return replace(category, evidence=why, not_numbers=why)
    if not numbers.unit.problem:
        why = f"{odd.total:,} of {numbers.texts.total:,} values are no numbers: {name_rows(odd)}"
    check = (f"left out: {why}", ColumnSettings(kind="category"))
    checks = (check,) if is_frequent(texts) else ()
    return Reading(TEXT, reason=why, checks=checks, not_numbers=why)


def read_categories(texts: Texts, context: Context, *, ordered: bool = True) -> Reading:
    """Declare a column of categories, or leave out one of free text."""
    markers = find_markers(texts) if context.is_target else find_usual(texts)
    values = find_values(texts, markers)
    absent = markers & ~values
    kind, reason = explain_text(texts.where(~absent))
    if kind != "category" and not context.is_target:
        return Reading(ColumnSettings(kind=kind), reason=reason)
    declaration = ColumnSettings(kind="category", missing=list_missing(texts, absent))
    if context.is_target:
        checks = [
            *check_classes(texts, values, absent),
            *check_alike(texts.where(~absent), "classes"),
        ]
        return Reading(declaration, reason=reason, checks=tuple(checks))
    evidence = f"{name_markers(texts.where(values))}: a value" if values.any() else ""
    if ordered:
        for missing in (absent, np.zeros_like(absent)):
            order = infer_order(texts.list(~missing))
            if order is not None and not texts.match("[A-Fa-f]").all():  # groups, or grades
                scale = {"kind": "ordinal", "order": order, "missing": list_missing(texts, missing)}
                return Reading(ColumnSettings.model_validate(scale), evidence)
    checks = check_alike(texts.where(~absent), "categories")
    return Reading(declaration, evidence, checks=tuple(checks))


def check_alike(texts: Texts, name: str) -> list[OtherReading]:
    """Name categories that look alike: Yes and yes, or two with different blanks."""
    lower = texts.lower.series
    for difference, keys in (
        ("case", lower),
        ("blanks or hidden characters", lower.map(remove_hidden)),
    ):
        alike = keys.duplicated(keep=False).to_numpy()
        if alike.any():
            first = (keys == keys[alike].iloc[0]).to_numpy()
            named = zip(texts.list(first), texts.counts[first], strict=True)
            rows = " and ".join(f"{shorten(text)} in {count_rows(count)}" for text, count in named)
            more = keys[alike].nunique() - 1
            others = f", like {more} more" if more else ""
            why = f"since they differ in {difference}{others}"
            return [(f"{rows} are read as different {name}, {why}", None)]
    return []


def remove_hidden(text: str) -> str:
    """Return a text with single blanks of one kind, and without characters of no width."""
    plain = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c for c in plain if unicodedata.category(c) != "Cf").split())


def check_classes(texts: Texts, values: Mask, absent: Mask) -> list[OtherReading]:
    """Name the classes of a target that may mean a missing value, and the other way round."""
    checks: list[OtherReading] = []
    if values.any() and len(texts) > 2:  # of two, both are classes
        named = name_markers(texts.where(values))
        other = ColumnSettings(kind="category", missing=list_missing(texts, values | absent))
        checks.append((f"{named} is read as a class, because {why_class(texts, values)}", other))
    if absent.any():
        named = name_markers(texts.where(absent))
        other = ColumnSettings(kind="category", missing=[])
        why = "it is rarer than every class"
        checks.append((f"{named} is read as missing, because {why}", other))
    return checks


def why_class(texts: Texts, values: Mask) -> str:
    if texts.empty:
        return f"{texts.empty:,} fields are empty"
    others = texts.where(~values)
    rarest = int(others.counts.argmin())
    rows = count_rows(others.counts[rarest])
    return f"it is as frequent as the rarest other, {shorten(others.list()[rarest])} in {rows}"
