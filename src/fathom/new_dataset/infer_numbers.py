"""A column of texts that are numbers: its declaration, and what is uncertain about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fathom.download.declared_columns import plain_numbers
from fathom.new_dataset.column_guess import OtherReading, Reading
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.exclusions import MAX_CODES, is_frequent
from fathom.new_dataset.missing_markers import list_missing
from fathom.new_dataset.number_formats import (
    MARKS,
    MIN_FIT,
    NAMES,
    NumberFormat,
    Numbers,
    choose_format,
)
from fathom.new_dataset.printing import count_rows, join_first, shorten
from fathom.new_dataset.sentinels import find_limits, find_sentinels, say_far
from fathom.settings.column_settings import ColumnKind, ColumnSettings

LIMIT = r"[<>≤≥]\s*[-+]?\d.*"
MAX_ODD = 10  # different texts that are no numbers, in a column of numbers
MAX_NAMED = 3
TEXT = ColumnSettings(kind="text")


@dataclass(frozen=True)
class Context:
    """What a column's texts do not tell.

    `proofs` has another column that proves a decimal mark, for each mark; `decimal` is that of the
    file.
    """

    is_target: bool
    proofs: Mapping[str, str]
    decimal: str


def are_mostly_numbers(numbers: Numbers, is_feature: bool) -> bool:
    """Tell whether the texts that are no numbers are mistakes, one that stands for none, or limits
    of what was measured: <0.01.
    """
    fits = numbers.formats[0].fits
    odd = numbers.texts.where(~fits)
    if not len(odd):
        return True
    codes = numbers.texts.where(fits).match(r"\d+").all() and odd.match(r".*\d.*").any()
    few_codes = len(numbers.texts) <= MAX_CODES
    stands_for_none = len(odd) == 1 and not odd.match(r".*\d.*").any()  # Varies with device
    limits = len(odd) <= MAX_ODD and odd.match(LIMIT).all()
    if is_feature and (stands_for_none or limits):
        return not few_codes  # in any number of rows
    return numbers.share >= MIN_FIT and len(odd) <= MAX_ODD and not (codes or few_codes)


def read_numbers(texts: Texts, markers: Mask, numbers: Numbers, context: Context) -> Reading:
    """Declare a column of numbers.

    Args:
        texts: all texts of the column.
        markers: those that mean a missing value.
        numbers: of the other texts.
    """
    form = choose_format(numbers, context.proofs, context.decimal)
    present = numbers.texts.where(form.fits)
    declaration = declare(form, numbers, context.decimal, "number")
    values = to_floats(present, declaration, context.decimal)
    limits = find_limits(values)
    sentinels = np.isin(values, find_sentinels(values[~limits], present.counts[~limits]))
    places = np.flatnonzero(~markers)[form.fits]
    absent = np.ones(len(texts), dtype=bool)
    absent[places[~(limits | sentinels)]] = False
    missing = list_missing(texts, absent)
    kept = values[~(limits | sentinels)]
    kind = number_kind(kept, form, numbers, bool(absent.any() or texts.empty))
    declaration = declaration.model_copy(update={"kind": kind, "missing": missing})
    few = len(kept) <= MAX_CODES
    checks = [
        *check_marks(form, numbers, declaration, context.decimal),
        *check_unit(numbers, context),
        *check_codes(present, values, context),
        *check_odd(numbers.texts.where(~form.fits), other=None if context.is_target else TEXT),
        *check_sentinels(texts, present.where(sentinels), absent, declaration),
        *(check_target(texts.where(markers)) if context.is_target and few else ()),
    ]
    unit = numbers.unit
    special = form.thousands or unit.text or unit.parentheses or unit.magnitudes
    such_as = f"such as {find_example(numbers, form).list()[0]}" if special else ""
    marked = markers | texts.isin(present.list(limits))
    evidence = [such_as, name_markers(texts.where(marked))]
    return Reading(declaration, "; ".join(filter(None, evidence)), checks=tuple(checks))


def declare(
    form: NumberFormat, numbers: Numbers, file_decimal: str, kind: ColumnKind
) -> ColumnSettings:
    mark = form.decimal_mark
    decimal = mark if mark != file_decimal else None
    return ColumnSettings(
        kind=kind,
        decimal=decimal,  # type: ignore[arg-type]
        thousands=form.thousands,  # type: ignore[arg-type]
        unit=numbers.unit.text,
        parentheses=numbers.unit.parentheses,
        magnitudes=numbers.unit.magnitudes,
    )


def to_floats(texts: Texts, declaration: ColumnSettings, decimal: str) -> NDArray[np.float64]:
    plain = plain_numbers(texts.arrow, declaration, decimal)
    return np.asarray(plain.cast(pa.float64()).to_numpy(), dtype=np.float64)


def number_kind(
    values: NDArray[Any], form: NumberFormat, numbers: Numbers, has_gaps: bool
) -> ColumnKind:
    """Whole numbers without a decimal mark are integers; so are 1.0 and 2.0 if they may be codes,
    or have one because of missing values.
    """
    if (values % 1 != 0).any() or np.abs(values).max(initial=0) >= 2**63:
        return "number"
    few = has_gaps or len(np.unique(values)) <= MAX_CODES
    few = few and numbers.unit.text is None and np.abs(values).max(initial=0) < 2**53
    return "integer" if form.decimal is None or few else "number"


def find_example(numbers: Numbers, form: NumberFormat) -> Texts:
    """Return the first number with a mark between thousands, a decimal mark or a unit."""
    fitting = numbers.texts.where(form.fits)
    mark = form.thousands or form.decimal
    pattern = r"\d+" if mark is None else f".*{MARKS[mark]}.*"
    marked = fitting.where(fitting.match(pattern) == (mark is not None))
    return marked.where(np.arange(len(marked)) == 0)


def name_markers(markers: Texts) -> str:
    """Name texts that mean a missing value, as they are in the file."""
    counted = zip(markers.list(), markers.counts, strict=True)
    return join_first(
        (f"{shorten(text)} in {count_rows(rows)}" for text, rows in counted), MAX_NAMED
    )


def check_marks(
    form: NumberFormat, numbers: Numbers, declaration: ColumnSettings, decimal: str
) -> list[OtherReading]:
    if form.other is None or form.sure:
        return []
    other = declare(form.other, numbers, decimal, "number")
    other = other.model_copy(update={"missing": declaration.missing})
    mark = form.thousands if form.thousands in NAMES else form.decimal
    example = find_example(numbers, form)
    value = to_floats(example, declaration, decimal)[0]
    because = f"every {NAMES[str(mark)]} is followed by three digits"
    if form.thousands == mark:
        why = f", because {because}" + (f" and {form.why}" if form.why else "")
    else:
        why = f", because {form.why}" if form.why else f", though {because}"
    return [(f"{example.list()[0]} is read as {value:.15g}{why}", other)]


def check_unit(numbers: Numbers, context: Context) -> list[OtherReading]:
    unit, texts = numbers.unit, numbers.texts
    if unit.text is None:
        plain = texts.match(r"[^\pL]+")
        if not unit.magnitudes or not plain.any():
            return []
        example, scaled = texts.list(plain)[0], texts.list(~plain)[0]
        other = None if context.is_target else TEXT
        return [(f"{example} is read as it is written, though {scaled} has a magnitude", other)]
    if unit.bare:
        rows = f"{unit.bare:,} of {texts.total:,} values have"
        other = None if context.is_target else TEXT
        return [(f"{rows} no {unit.text}, and are read as if they had it", other)]
    if unit.is_known or not texts.match(r".*\d[A-Za-z].*").any():
        return []
    evidence = f"{texts.list()[0]} is read as a number with the unit {unit.text}"
    return [(evidence, read_as_code(texts, context))]


def check_codes(texts: Texts, values: NDArray[np.float64], context: Context) -> list[OtherReading]:
    """Name a number that may be a code: 12E5, or 01.10."""
    codes = texts.match(r"\d+[eE]\d+|0\d+[.,]\d+")
    if not codes.any():
        return []
    evidence = (
        f"{texts.list(codes)[0]} is read as the number {values[codes][0]:.15g}, not as a code"
    )
    return [(evidence, read_as_code(texts, context))]


def read_as_code(texts: Texts, context: Context) -> ColumnSettings | None:
    """Return the declaration of codes, None for those that a target cannot hold."""
    if context.is_target:
        return None
    return ColumnSettings(kind="category" if is_frequent(texts) else "text_id")


def check_odd(
    odd: Texts, what: str = "number", other: ColumnSettings | None = TEXT
) -> list[OtherReading]:
    if not len(odd):
        return []
    return [(f"{name_rows(odd)}: no {what}, and read as missing", other)]


def name_marks(words: Texts) -> Reading | None:
    """Leave out numbers of which some have decimal points and some commas; None for other texts."""
    marked = [words.match(rf"[-+]?\d*{mark}\d+") for mark in (r"\.", ",")]
    numbers = marked[0] | marked[1] | words.match(r"[-+]?\d+")
    if not (marked[0].any() and marked[1].any() and words.share(numbers) >= MIN_FIT):
        return None
    examples = [name_rows(words.where(mask).where(slice(1))) for mask in marked]
    why = f"numbers with decimal points and with commas: {', '.join(examples)}"
    return leave_out(why)


def leave_out(why: str) -> Reading:
    """Leave out a column that only a change of the file makes readable."""
    return Reading(TEXT, reason=why, checks=((f"left out: {why}", None),))


def name_rows(texts: Texts) -> str:
    named = zip(texts.list(), texts.first, strict=True)
    return join_first((f"{shorten(text)} (row {row})" for text, row in named), MAX_NAMED)


def check_sentinels(
    texts: Texts, sentinels: Texts, absent: Mask, declaration: ColumnSettings
) -> list[OtherReading]:
    if not len(sentinels):
        return []
    others = absent & ~texts.isin(sentinels.list())
    missing = list_missing(texts, others)
    evidence = say_far(name_markers(sentinels))
    return [(evidence, declaration.model_copy(update={"missing": missing}))]


def check_target(markers: Texts) -> list[OtherReading]:
    if not len(markers):
        return []
    other = ColumnSettings(kind="category", missing=[])
    return [(f"{name_markers(markers)} is read as missing, not as a class", other)]
