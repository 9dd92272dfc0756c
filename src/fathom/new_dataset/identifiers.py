"""Texts that identify something: UUIDs, phone numbers, codes with leading zeros."""

from __future__ import annotations

import numpy as np
from pyarrow import compute

from fathom.new_dataset.column_texts import Texts
from fathom.new_dataset.exclusions import names_identifier

MIN_SHARE = 0.95  # of the rows
SAMPLE = 100
SPREADSHEET_DIGITS = 12  # from which spreadsheets write 5.33E+17
UUID = r"(?i)\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?"
BYTE = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
PATTERNS = [  # of RE2
    ("UUIDs", UUID),
    ("IP addresses", rf"{BYTE}(\.{BYTE}){{3}}(/\d\d?|:\d+)?"),
    ("IP addresses", r"(?i)[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}|[0-9a-f:]*::[0-9a-f:]*"),
    ("MAC addresses", r"(?i)[0-9a-f]{2}([:-][0-9a-f]{2}){5}"),
    ("IBANs", r"(?i)[a-z]{2}\d\d( ?[0-9a-z]{4}){2,7}( ?[0-9a-z]{1,3})?"),
    ("card numbers", r"\d{4}(-\d{4}){3}|\d{4}( \d{4}){3}|\d{4} \d{6} \d{5}"),
    ("phone numbers", r"\+[1-9]([ \-/()]*\d){6,14}"),
    ("phone numbers", r"\(\d{2,5}\)[ \-./]?\d([ \-./]*\d){4,10}"),
    ("phone numbers", r"(1[ \-.])?\d{3}[ \-.]\d{3}[ \-.]\d{4}|0\d{1,4}[ /-]\d([ -]?\d){6,9}"),
    ("phone numbers", r"\d{3} \d{3} \d{3}"),
    ("e-mail addresses", r"[^@\s]+@[^@\s]+\.[^@\s]+"),
]


def name_pattern(texts: Texts) -> str | None:
    """Return what identifiers nearly all texts are, or None."""
    sample = texts.where(np.arange(len(texts)) < SAMPLE)
    if not sample.match(r"(?s).*[\d@:].*").all():
        return None
    for name, pattern in PATTERNS:
        if sample.match(pattern).all() and texts.share(texts.match(pattern)) >= MIN_SHARE:
            return name
    return "card numbers" if are_cards(texts) else None


def are_cards(texts: Texts) -> bool:
    """Tell whether all texts are numbers of 15 or 16 digits with a check digit (Luhn)."""
    if len(texts) < 2 or not texts.match(r"\d{15,16}").all():
        return False
    digits = np.array([[*f"{text:0>16}"] for text in texts.list()], dtype=np.int64)
    digits[:, ::2] *= 2
    return bool((np.where(digits > 9, digits - 9, digits).sum(axis=1) % 10 == 0).all())


def has_leading_zeros(texts: Texts) -> bool:
    """Tell whether texts are digits, some of them after a zero: 02134."""
    return bool(texts.match(r"\d+").all() and texts.match(r"0\d+").any())


def find_damaged(texts: Texts) -> str | None:
    """Return an identifier that a spreadsheet has damaged, such as 5.33E+17, or None.

    It stands among whole numbers, or in a column that is named like an identifier.
    """
    damaged = texts.match(r"\d(\.\d+)?[eE]\+\d\d")
    if not damaged.any() or not (damaged | texts.match(r"\d+")).all():
        return None
    example = texts.list(damaged)[0]
    if int(example[-2:]) + 1 < SPREADSHEET_DIGITS:
        return None
    return None if damaged.all() and not names_identifier(texts.name) else example


def are_long_codes(texts: Texts) -> bool:
    """Tell whether texts are whole numbers of similar length, some of them beyond 64 bits."""
    if not texts.match(r"\d+").all():
        return False
    lengths = compute.utf8_length(texts.arrow).to_numpy()
    if lengths.max() < 19 or lengths.max() - lengths.min() > 3:
        return False
    return max(map(int, texts.list(lengths == lengths.max()))) >= 2**63
