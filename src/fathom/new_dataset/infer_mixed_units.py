"""Columns of numbers in mixed units: 5'10", 6-2, 11st 4lb, 7lb 8oz and 40°26'46"N."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyarrow import compute

from fathom.download.mixed_units import parse_mixed_units
from fathom.new_dataset.column_guess import Reading
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.infer_numbers import check_odd, leave_out, name_markers
from fathom.new_dataset.missing_markers import list_missing
from fathom.new_dataset.printing import shorten
from fathom.settings.column_settings import ColumnSettings

MIN_FIT = 0.9  # share of the rows
MIN_HEIGHTS = 5  # different ones
NUMBER = r"\d+(?:[.,]\d+)?"
# 120/80, 3 out of 14, 35 x 24 x 2 cm
SEVERAL = rf"[^0-9]*{NUMBER}(?: ?(?:/|x|×|by|of|out of) ?{NUMBER}){{1,3}}[^0-9]*"
PROOFS = {  # texts with two units, of which a column has some
    "5'10\"": r"(?i)\d+ ?(['′’]|ft\.?|feet|foot)[ ,-]*\d.*",
    "11st 4lb": r"(?i)\d+ ?(st\.?|stones?)[ ,]*\d.*",
    "7lb 8oz": r"(?i)\d+ ?(lbs?\.?|pounds?)[ ,]*\d.*",
    "40°26'46\"N": r".*\d ?[°º˚] ?\d.*",
}


def read_mixed_units(texts: Texts, markers: Mask, words: Texts) -> Reading | None:
    """Declare a column of numbers in mixed units, or return None for other texts.

    Args:
        texts: all texts of the column.
        markers: those that mean a missing value.
        words: the others.
    """
    form = find_form(words)
    if form is None:
        return None
    others: list[tuple[str, ColumnSettings]] = []
    if form == "5-10":
        others = [("a height in feet and inches", ColumnSettings(kind="category"))]
    return read_form(form, texts, markers, words, others, digits=6)


def read_form(
    form: str,
    texts: Texts,
    markers: Mask,
    words: Texts,
    others: Sequence[tuple[str, ColumnSettings]] = (),
    what: str = "number",
    digits: int = 15,
) -> Reading:
    """Declare a column of numbers in mixed units; texts of another form are missing.

    Args:
        others: declarations to choose instead, without their missing values, and what to say.
        what: the name of the values in the check of texts of another form.
        digits: of the example.
    """
    values = parse_mixed_units(words.arrow, form)
    fits = np.asarray(values.is_valid())
    odd = words.where(~fits)
    missing = {"missing": list_missing(texts, markers | texts.isin(odd.list()))}
    declaration = ColumnSettings(kind="number", format=form).model_copy(update=missing)
    example, value = words.list(fits)[0], values.drop_null()[0].as_py()
    evidence = f"{example} is read as {value:.{digits}g} {declaration.value_unit}"
    checks = check_odd(odd, what)
    checks += [(f"{evidence}, {why}", other.model_copy(update=missing)) for why, other in others]
    named = name_markers(texts.where(markers))
    return Reading(declaration, "; ".join(filter(None, [evidence, named])), checks=tuple(checks))


def has_form(words: Texts, form: str) -> bool:
    """Tell whether nearly all texts have a format of mixed units."""
    return words.share(np.asarray(parse_mixed_units(words.arrow, form).is_valid())) >= MIN_FIT


def find_form(words: Texts) -> str | None:
    """Return the format of texts of which nearly all have it."""
    forms = [form for form, proof in PROOFS.items() if words.match(proof).any()]
    if has_both_directions(words):
        forms.append("40°26'46\"N")
    if are_heights(words):
        forms.append("5-10")
    return next((form for form in forms if has_form(words, form)), None)


def has_both_directions(words: Texts) -> bool:
    """Tell whether numbers are in the north and the south, or in the east and the west."""
    return any(
        words.match(rf"\d.*{first}").any()
        and words.match(rf"\d.*{second}").any()
        and bool(words.match(rf"\d+([.,]\d+)? ?°? ?[{first}{second}]").all())
        for first, second in ("NS", "EW")
    )


def are_heights(words: Texts) -> bool:
    """Tell whether texts are heights of people: results of matches do not have all of this."""
    return (
        len(words) >= MIN_HEIGHTS
        and bool(words.match("[4-7]-.*").all())
        and words.share(words.match("[56]-.*")) >= 0.5
        and all(words.match(f".*-{inches}").any() for inches in ("0?[0-4]", "0?[89]", "1[01]"))
    )


def name_several(words: Texts) -> Reading | None:
    """Leave out texts with several numbers each, such as 120/80; None for other texts."""
    if words.share(words.match(SEVERAL)) < MIN_FIT:
        return None
    forms = compute.replace_substring_regex(words.arrow, NUMBER, "#")
    counts = forms.value_counts()
    form = counts.field("values")[int(np.argmax(counts.field("counts")))].as_py()
    is_form = np.asarray(compute.equal(forms, form))
    if words.share(is_form) < MIN_FIT:
        return None
    example = shorten(words.list(is_form)[0])
    return leave_out(f"{form.count('#')} numbers in each text, such as {example}: split the column")
