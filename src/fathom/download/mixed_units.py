"""Numbers in mixed units, such as 2:19:21, 1h 30m, 5'10", 11st 4lb and 40°26'46"N."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
from pyarrow import compute

from fathom.settings.column_settings import MIXED_UNITS

SIGN = r"^(?P<sign>[+-]?)"
NUMBER = r"\d+(?:[.,]\d+)?"
BELOW_12 = r"(?:0?\d|1[01])(?:[.,]\d+)?"  # 5'100 is a number with a thousands mark
DAYS = r"(?:(?P<days>\d+) days?,? )?"
SECONDS = r"(?P<seconds>[0-5]\d(?:[.,]\d+)?)$"
WITH_HOURS = rf"{SIGN}{DAYS}(?P<hours>\d+):(?P<minutes>[0-5]\d):{SECONDS}"
WITHOUT_HOURS = rf"{SIGN}(?P<minutes>\d+):{SECONDS}"
WITHOUT_SECONDS = rf"{SIGN}{DAYS}(?P<hours>\d+):(?P<minutes>[0-5]\d)$"
WORDS = "".join(  # also ISO 8601: PT1H30M
    [
        rf"(?i){SIGN}P?",
        r"(?:(?P<days>\d+) ?(?:days?|d|天),? ?)?T?",
        r"(?:(?P<hours>\d+) ?(?:hours?|hrs?\.?|h|std\.?|小时|时),? ?)?",
        r"(?:(?P<minutes>\d+) ?(?:minutes?|mins?\.?|m|分钟|分),? ?)?",
        rf"(?:(?P<seconds>{NUMBER}) ?(?:seconds?|secs?\.?|s|秒))?$",
    ]
)
FEET_MARK = r"(?:['′’]|ft\.?|feet|foot)"
INCH_MARK = r"(?:[\x{22}″”]|''|′′|’’|in\.?|inch(?:es)?)"
FEET = rf"(?i){SIGN}(?P<feet>\d+) ?{FEET_MARK}(?:[ ,-]*(?P<inches>{BELOW_12}) ?{INCH_MARK}?)?$"
INCHES = rf"(?i){SIGN}(?P<inches>{NUMBER}) ?{INCH_MARK}$"
FEET_DASH = rf"{SIGN}(?P<feet>[1-9])-(?P<inches>{BELOW_12})$"
STONES = r"(?i)^(?P<stones>\d+) ?(?:st\.?|stones?)"
POUNDS = (
    rf"(?i)^(?P<pounds>\d+) ?(?:lbs?\.?|pounds?)(?:[ ,]*(?P<ounces>{NUMBER}) ?(?:oz\.?|ounces?))?$"
)
STONES_POUNDS = rf"{STONES}(?:[ ,]*(?P<pounds>{NUMBER}) ?(?:lbs?\.?|pounds?)?)?$"
ANGLE = "".join(  # the letter of a direction stands before or behind it: 33.87° S is -33.87
    [
        rf"{SIGN}(?P<before>[NSEW]?) ?(?P<degrees>{NUMBER}) ?[°º˚]? ?",
        rf"(?:(?P<minutes>{NUMBER}) ?['′’] ?)?(?:(?P<seconds>{NUMBER}) ?(?:[\x{{22}}″”]|''|′′) ?)?",
        r"(?P<behind>[NSEW]?)$",
    ]
)


class Form(NamedTuple):
    """Patterns of RE2, and the sizes of the units that their groups are named after."""

    patterns: list[str]
    sizes: Mapping[str, float]


TIME = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
FORMS = {
    "h:mm:ss": Form([WITH_HOURS, WITHOUT_HOURS], TIME),
    "m:ss": Form([WITH_HOURS, WITHOUT_HOURS], TIME),
    "h:mm": Form([WITHOUT_SECONDS], TIME),
    "1h 30m": Form([WORDS], TIME),
    "1h 30m 5s": Form([WORDS], TIME),
    "5'10\"": Form([FEET, INCHES], {"feet": 12, "inches": 1}),
    "5-10": Form([FEET_DASH], {"feet": 12, "inches": 1}),
    "11st 4lb": Form([STONES_POUNDS], {"stones": 14, "pounds": 1}),
    "7lb 8oz": Form([POUNDS], {"pounds": 16, "ounces": 1}),
    "40°26'46\"N": Form([ANGLE], {"degrees": 3_600, "minutes": 60, "seconds": 1}),
}


def parse_mixed_units(texts: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    """Return numbers of the format's unit as float64; null for texts of another form."""
    texts = compute.if_else(compute.match_substring_regex(texts, r"\d"), texts, None)
    patterns, sizes = FORMS[form]
    found = [parse_pattern(texts, pattern, sizes) for pattern in patterns]
    return compute.divide(compute.coalesce(*found), sizes[MIXED_UNITS[form]])


def parse_pattern(
    texts: pa.ChunkedArray, pattern: str, sizes: Mapping[str, float]
) -> pa.ChunkedArray:
    """Return the sum of all parts of the texts that match, negative with a sign, S or W."""
    parts = compute.extract_regex(texts, pattern)
    names = [field.name for field in parts.type]
    terms = [compute.multiply(part(parts, name), sizes[name]) for name in names if name in sizes]
    total = functools.reduce(compute.add, terms)
    signs = [compute.struct_field(parts, name) for name in names if name not in sizes]
    for sign in signs:
        is_negative = compute.is_in(sign, pa.array(["-", "S", "W"]))
        total = compute.if_else(is_negative, compute.negate(total), total)
    return total


def part(parts: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return one part as numbers, 0 where it is left out."""
    digits = compute.replace_substring(compute.struct_field(parts, name), ",", ".")
    digits = compute.if_else(compute.equal(digits, ""), "0", digits)
    return digits.cast(pa.float64())
