"""Durations as they are written in files, such as 2:19:21 and 4:50, as numbers."""

from __future__ import annotations

import functools

import pyarrow as pa
from pyarrow import compute

START = r"^(?P<sign>[+-]?)"
DAYS = r"(?:(?P<days>\d+) days?,? )?"
SECONDS = r"(?P<seconds>[0-5]\d(?:[.,]\d+)?)$"
WITH_HOURS = rf"{START}{DAYS}(?P<hours>\d+):(?P<minutes>[0-5]\d):{SECONDS}"
WITHOUT_HOURS = rf"{START}(?P<minutes>\d+):{SECONDS}"
PATTERNS: dict[str, list[str]] = {
    "h:mm:ss": [WITH_HOURS, WITHOUT_HOURS],
    "m:ss": [WITHOUT_HOURS, WITH_HOURS],
    "h:mm": [rf"{START}{DAYS}(?P<hours>\d+):(?P<minutes>[0-5]\d)$"],
}
LENGTHS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
UNITS: dict[str, str] = {"h:mm:ss": "seconds", "m:ss": "seconds", "h:mm": "minutes"}


def parse_durations(texts: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    """Return seconds, for h:mm minutes, as float64; null for texts that are no durations."""
    found = [parse_pattern(texts, pattern) for pattern in PATTERNS[form]]
    return compute.divide(compute.coalesce(*found), LENGTHS[UNITS[form]])


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
