"""Columns of durations: 1h 30m, or 2:19:21, which may look like a time of day."""

from __future__ import annotations

from fathom.new_dataset.column_guess import OtherReading, Reading
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.infer_mixed_units import MIN_FIT, has_form, read_form
from fathom.new_dataset.infer_numbers import Context
from fathom.settings.column_settings import ColumnSettings

START = r"(?s)[+-]?P?T?\d.*"
CLOCK = r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
BEFORE_SIX = r"0?[0-5]:.*"  # at night: more than half of a column are rarely times of day
AFTERNOON = r"(1[2-9]|2[0-3]):.*"
TWO_PARTS = r".*\d ?\pL+\.?,? ?\d+ ?\pL+\.?"  # 90 min alone is a number with a unit


def read_durations(texts: Texts, markers: Mask, words: Texts, context: Context) -> Reading | None:
    """Declare a column of durations, or return None for other texts and for times of day.

    Texts that may be either are durations if more than half of the rows are below 6:00, and in a
    target, since networks do not predict dates.

    Args:
        texts: all texts of the column.
        markers: those that mean a missing value.
        words: the others.
    """
    form = find_duration_form(words)
    if form is None:
        return None
    is_clock = bool(words.match(CLOCK).all())
    if is_clock and not context.is_target and words.share(words.match(BEFORE_SIX)) <= 0.5:
        return None
    others: list[tuple[str, ColumnSettings]] = []
    if is_clock and not context.is_target:
        why = "not as a time of day, because more than half of the rows are below 6:00"
        clock = "%H:%M:%S" if form == "h:mm:ss" else "%H:%M"
        others = [(why, ColumnSettings(kind="date", format=clock))]
    elif form == "m:ss" and context.is_target:
        others = [("not minutes", ColumnSettings(kind="number", format="h:mm"))]
    return read_form(form, texts, markers, words, others, what="duration")


def find_duration_form(words: Texts) -> str | None:
    """Return the format of texts of which nearly all may be durations."""
    if words.share(words.match(START)) < MIN_FIT:  # soon, for free text
        return None
    form = "h:mm:ss" if words.match(".*:.*:.*").any() else "m:ss"
    if words.match(TWO_PARTS).any():
        form = "1h 30m 5s" if words.match(r"(?i).*\d ?(s|sec.*|秒)").any() else "1h 30m"
    return form if has_form(words, form) else None


def check_clock(words: Texts, missing: list[str] | None) -> list[OtherReading]:
    """Name a time of day that may be a duration: without a leading zero, or all before noon."""
    form = find_duration_form(words)
    has_zeros = words.match(r"0\d:.*").any() and not words.match(r"\d:.*").any()
    if form is None or (has_zeros and words.match(AFTERNOON).any()):
        return []
    other = ColumnSettings(kind="number", format=form, missing=missing)
    return [(f"{words.list()[0]} is read as a time of day, not as a duration", other)]
