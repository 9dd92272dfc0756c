"""Columns of durations: 1h 30m, or 2:19:21, which may look like a time of day."""

from __future__ import annotations

import numpy as np

from fathom.download.mixed_units import parse_mixed_units
from fathom.new_dataset.column_guess import OtherReading, Reading
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.infer_numbers import Context, check_odd, name_markers
from fathom.new_dataset.missing_markers import list_missing
from fathom.settings.column_settings import ColumnSettings

MIN_DURATIONS = 0.9  # share of the rows
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
    durations = duration_declaration(words)
    if durations is None:
        return None
    is_clock = bool(words.match(CLOCK).all())
    if is_clock and not context.is_target and words.share(words.match(BEFORE_SIX)) <= 0.5:
        return None
    values = parse_mixed_units(words.arrow, str(durations.format))
    valid = np.asarray(values.is_valid())
    odd = words.where(~valid)
    missing = list_missing(texts, markers | texts.isin(odd.list()))
    durations = durations.model_copy(update={"missing": missing})
    checks = check_odd(odd, "duration")
    example, value = words.list(valid)[0], values.drop_null()[0].as_py()
    evidence = f"{example} is read as {value:.15g} {durations.value_unit}"
    if is_clock and not context.is_target:
        why = "because more than half of the rows are below 6:00"
        clock = "%H:%M:%S" if durations.format == "h:mm:ss" else "%H:%M"
        other = ColumnSettings(kind="date", format=clock, missing=missing)
        checks.append((f"{evidence}, not as a time of day, {why}", other))
    elif durations.format == "m:ss" and context.is_target:
        other = durations.model_copy(update={"format": "h:mm"})
        checks.append((f"{evidence}, not minutes", other))
    named = name_markers(texts.where(markers))
    return Reading(durations, "; ".join(filter(None, [evidence, named])), checks=tuple(checks))


def duration_declaration(words: Texts) -> ColumnSettings | None:
    """Declare texts of which nearly all may be durations."""
    if words.share(words.match(START)) < MIN_DURATIONS:  # soon, for free text
        return None
    form = "h:mm:ss" if words.match(".*:.*:.*").any() else "m:ss"
    if words.match(TWO_PARTS).any():
        form = "1h 30m 5s" if words.match(r"(?i).*\d ?(s|sec.*|秒)").any() else "1h 30m"
    fits = np.asarray(parse_mixed_units(words.arrow, form).is_valid())
    if words.share(fits) < MIN_DURATIONS:
        return None
    return ColumnSettings(kind="number", format=form)


def check_clock(words: Texts, missing: list[str] | None) -> list[OtherReading]:
    """Name a time of day that may be a duration: without a leading zero, or all before noon."""
    durations = duration_declaration(words)
    has_zeros = words.match(r"0\d:.*").any() and not words.match(r"\d:.*").any()
    if durations is None or (has_zeros and words.match(AFTERNOON).any()):
        return []
    other = durations.model_copy(update={"missing": missing})
    return [(f"{words.list()[0]} is read as a time of day, not as a duration", other)]
