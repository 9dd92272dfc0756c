"""The order of texts that are levels of a scale (Fair < Good), or ranges (40-49 < 50-59)."""

import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

MIN_LEVELS, MAX_LEVELS = 3, 100  # the order of two says nothing
# A line for each scale: its levels from the lowest, with commas between synonyms.
SCALES = Path(__file__).with_name("scales.txt").read_text(encoding="utf-8").splitlines()
COUNTED = (  # words before numbers that rise
    "level", "lvl", "grade", "stage", "tier", "rank", "phase", "step", "priority", "severity",
    "quarter", "q", "week", "month", "year", "day", "round", "generation",
)  # fmt: skip
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
NUMBER = r"(-?\d+(?:\.\d+)?)\s?([km]?)(?![a-z])"
SEPARATOR = r"(?:\s?(?:-|–|—|\.\.+|,|~)\s?|\s(?:to|and|up to|bis|à)\s)"
BELOW = r"<=?|≤|under|below|less than|fewer than|up to|at most|unter|bis"
ABOVE = r">=?|≥|over|above|more than|at least|from|über|ab"
OR_MORE = r"\+|(?:and|or) (?:more|above|over|older|up|greater|higher)|plus"
OR_LESS = r"(?:and|or) (?:less|below|under|younger|fewer|lower)"
RANGES = [
    (re.compile(rf"(?:between )?[(\[]?{NUMBER}{SEPARATOR}{NUMBER}[)\]]?"), "both"),
    (re.compile(rf"{NUMBER}\s?<=?\s?\w*\s?<=?\s?{NUMBER}"), "both"),
    (re.compile(rf"(?:{BELOW})\s?{NUMBER}|{NUMBER}\s?(?:{OR_LESS})"), "below"),
    (re.compile(rf"(?:{ABOVE})\s?{NUMBER}|{NUMBER}\s?(?:{OR_MORE})"), "above"),
    (re.compile(NUMBER), "point"),
]
UNITS = re.compile(
    r"(?<=[\d+])\s?(years?|yrs?|months?|days?|hours?|minutes?|min|h|km|kg|cm)(?: old)?(?![a-z])"
)
FACTORS = {"": 1.0, "k": 1e3, "m": 1e6}

Range = tuple[float, float]


def infer_order(texts: Collection[str]) -> list[str] | None:
    """Return different texts in their order, lowest first; None if they have none that is known.

    All of them must be levels of one scale, or ranges that do not overlap.
    """
    if not MIN_LEVELS <= len(texts) <= MAX_LEVELS:
        return None
    different, plain = [*texts], [normalize(text) for text in texts]
    for rank in (place_on_scale, count_levels, rank_ranges):
        places: Sequence[int | Range] | None = rank(plain)
        if places is not None:
            return [different[n] for n in sorted(range(len(plain)), key=places.__getitem__)]
    return None


def normalize(text: str) -> str:
    """Return a text in lower case, with one kind of space."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


def place_on_scale(texts: list[str]) -> list[int] | None:
    """Return the place of each text on the one scale that has all, at places of their own."""
    split = [re.fullmatch(r"(?:(\d+)\s?[-.:)]\s?(?=[^\W\d]))?(.*)", text) for text in texts]
    parts = [found.groups() for found in split if found]  # 1 - never
    words = [word for _, word in parts]
    words = [re.sub(r"(?<=\w)[-_\s]+(?=\w)", " ", word) for word in words]
    for scale in SCALES:
        levels = {
            name.strip(): place
            for place, names in enumerate(scale.split("|"))
            for name in names.split(",")
        }
        places = [levels.get(word, -1) for word in words]
        if min(places) >= 0 and len(set(places)) == len(texts):
            order = sorted(range(len(texts)), key=places.__getitem__)
            numbers = [int(parts[place][0]) for place in order if parts[place][0]]
            rising = sorted(set(numbers))
            return places if numbers in (rising, rising[::-1]) else None  # not 19-Dec, 20-Jan
    return None


def count_levels(texts: list[str]) -> list[int] | None:
    """Return the numbers of texts such as stage II or Q1."""
    pattern = re.compile(rf"({'|'.join(COUNTED)})[-_\s]?(\d+|[ivx]+)")
    found = [pattern.fullmatch(text) for text in texts]
    if not all(found) or len({match[1] for match in found if match}) > 1:
        return None
    counts = [match[2] for match in found if match]
    most = 4 if texts[0].startswith("q") else MAX_LEVELS  # Q12011 is a quarter of a year
    if all(count in ROMAN for count in counts):
        numbers = [ROMAN.index(count) for count in counts]
    elif all(count.isdecimal() for count in counts):
        numbers = [int(count) for count in counts]
    else:
        return None
    are_counts = len(set(numbers)) == len(texts) and (max(numbers) <= most or "year" in texts[0])
    return numbers if are_counts else None


def rank_ranges(texts: list[str]) -> list[Range] | None:
    """Return the ends of ranges of numbers that do not overlap, of one unit or none."""
    found = [parse_range(text) for text in texts]
    ranges = [ends for ends, _ in found if ends is not None]
    units = {unit for _, unit in found if unit}
    if len(ranges) < len(texts) or len(units) > 1 or all(low == high for low, high in ranges):
        return None
    ordered = sorted(ranges)
    apart = all(a[1] <= b[0] and a != b for a, b in pairwise(ordered))
    return ranges if apart and all(low <= high for low, high in ranges) else None


def parse_range(text: str) -> tuple[Range | None, str]:
    """Return the ends of a range such as 18 to 24 years or < $15,000, and its unit."""
    bare = re.sub(r"(?<=\d)[,' ](?=\d{3}(?!\d))", "", text)
    sign = re.search(r"[$€£%]", bare)
    bare = re.sub(r"\s?[$€£%]\s?", "", bare)
    units = {name.removesuffix("s") for name in UNITS.findall(bare)}
    if len(units) > 1:  # 6 months to 2 years
        return None, ""
    bare = UNITS.sub("", bare)
    name = next(iter(units), sign[0] if sign else "")
    for pattern, kind in RANGES:
        match = pattern.fullmatch(bare)
        if match is None:
            continue
        groups = [group for group in match.groups() if group is not None]
        numbers = [
            float(number) * FACTORS[factor]
            for number, factor in zip(groups[::2], groups[1::2], strict=True)
        ]
        low = -math.inf if kind == "below" else numbers[0]
        high = math.inf if kind == "above" else numbers[-1]
        return (low, high), name
    return None, ""
