"""Durations as they are written in files, such as 2:19:21, 4:50 and 1h 30m, as numbers."""

from __future__ import annotations

import functools

import pyarrow as pa
from pyarrow import compute

from fathom.settings.column_settings import DURATION_UNITS

START = r"^(?P<sign>[+-]?)"
DAYS = r"(?:(?P<days>\d+) days?,? )?"
SECONDS = r"(?P<seconds>[0-5]\d(?:[.,]\d+)?)$"
WITH_HOURS = rf"{START}{DAYS}(?P<hours>\d+):(?P<minutes>[0-5]\d):{SECONDS}"
WITHOUT_HOURS = rf"{START}(?P<minutes>\d+):{SECONDS}"
WORDS = "".join(  # also ISO 8601: PT1H30M
    [
        rf"(?i){START}P?",
        r"(?:(?P<days>\d+) ?(?:days?|d|天),? ?)?T?",
        r"(?:(?P<hours>\d+) ?(?:hours?|hrs?\.?|h|std\.?|小时|时),? ?)?",
        r"(?:(?P<minutes>\d+) ?(?:minutes?|mins?\.?|m|分钟|分),? ?)?",
        r"(?:(?P<seconds>\d+(?:[.,]\d+)?) ?(?:seconds?|secs?\.?|s|秒))?$",
    ]
)
PATTERNS = {
    "h:mm:ss": [WITH_HOURS, WITHOUT_HOURS],
    "m:ss": [WITH_HOURS, WITHOUT_HOURS],
    "h:mm": [rf"{START}{DAYS}(?P<hours>\d+):(?P<minutes>[0-5]\d)$"],
    "1h 30m": [WORDS],
    "1h 30m 5s": [WORDS],
}
LENGTHS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def parse_durations(texts: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    """Return numbers of the format's unit as float64; null for texts that are no durations."""
    texts = compute.if_else(compute.match_substring_regex(texts, r"\d"), texts, None)
    found = [parse_pattern(texts, pattern) for pattern in PATTERNS[form]]
    return compute.divide(compute.coalesce(*found), LENGTHS[DURATION_UNITS[form]])


def parse_pattern(texts: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """Return the seconds of the texts that match."""
    parts = compute.extract_regex(texts, pattern)
    names = [field.name for field in parts.type if field.name in LENGTHS]
    seconds = [compute.multiply(part(parts, name), LENGTHS[name]) for name in names]
    total = functools.reduce(compute.add, seconds)
    is_negative = compute.equal(compute.struct_field(parts, "sign"), "-")
    return compute.if_else(is_negative, compute.negate(total), total)


def part(parts: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return one part as numbers, 0 where it is left out."""
    digits = compute.replace_substring(compute.struct_field(parts, name), ",", ".")
    digits = compute.if_else(compute.equal(digits, ""), "0", digits)
    return digits.cast(pa.float64())
