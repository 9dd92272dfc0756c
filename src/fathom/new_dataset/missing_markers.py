"""Texts that mean a missing value, such as ? and NA, or are a value of their own."""

from __future__ import annotations

import numpy as np

from fathom.new_dataset.column_texts import Mask, Texts
from fathom.settings.column_settings import MISSING

MARKERS = {  # lower-case texts that mean a missing value among numbers and dates
    "?", "??", "-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "/", "n.a.", "n.a",
    "n/a", "na", "n/d", "nd", "nan", "nil", "none", "null", "\\n", "(null)", "<null>", "[null]",
    "<na>", "(none)", "unknown", "unk", "undefined", "missing", "blank", "(blank)", "empty", "nat",
    "no data", "not available", "not applicable", "not known", "not reported", "tbd", "tba", "#n/a",
    "#na", "#null!", "#value!", "#ref!", "#div/0!", "#num!", "#name?", "#####", "k.a.", "k. a.",
    "n.v.", "s/d", "－", "无", "暂无", "未知", "不明", "keine angabe", "inconnu", "unbekannt",
    "inf", "-inf", "+inf", "infinity", "-infinity", "0000-00-00", "0000-00-00 00:00:00",
    "00/00/0000", "00.00.0000", "00000000", "9999-12-31", "9999-12-31 00:00:00",
    "9999-12-31 23:59:59",
    "9999-12-31t00:00:00", "12/31/9999", "31/12/9999", "31.12.9999", "99991231",
    *(text.lower() for text in MISSING if text),
}  # fmt: skip


def find_markers(texts: Texts) -> Mask:
    return texts.lower.isin(MARKERS)


def find_usual(texts: Texts) -> Mask:
    """Tell which texts stand for a missing value unless the column's declaration lists others."""
    return texts.isin(texts.usual)


def find_values(texts: Texts, markers: Mask) -> Mask:
    """Tell which markers in a column of categories are values of their own.

    Those are if there are empty fields beside them, if they are as frequent as the rarest of the
    other texts, or if there is only one of these.
    """
    if markers.all() or not markers.any():
        return np.zeros_like(markers)
    if (~markers).sum() == 1:
        return markers
    rarest = texts.counts[~markers].min()
    return np.asarray(markers & ((texts.empty > 0) | (texts.counts >= rarest)), dtype=bool)


def list_missing(texts: Texts, markers: Mask) -> list[str] | None:
    """Return `missing` of a declaration that has exactly these markers, None for the usual ones."""
    return None if np.array_equal(markers, find_usual(texts)) else texts.list(markers)
