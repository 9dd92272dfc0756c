"""Words for thousands, millions and more behind numbers: 850K, 1.5M, 2 Mio., 3.2万."""

from __future__ import annotations

import re

import pyarrow as pa
from pyarrow import compute

EXPONENTS = {
    "k": 3, "tsd": 3, "tsd.": 3, "thousand": 3, "lac": 5, "lacs": 5, "lakh": 5, "lakhs": 5,
    "m": 6, "mn": 6, "mio": 6, "mio.": 6, "million": 6, "millions": 6, "cr": 7, "cr.": 7,
    "crore": 7, "crores": 7, "b": 9, "bn": 9, "mrd": 9, "mrd.": 9,
    "billion": 9, "billions": 9, "t": 12, "tn": 12, "trillion": 12, "千": 3, "万": 4, "百万": 6,
    "千万": 7, "亿": 8,
}  # fmt: skip


def write_exponents(texts: pa.ChunkedArray, space: str) -> pa.ChunkedArray:
    """Write magnitudes at the end of texts as exponents: 1.5e6 for 1.5M.

    Args:
        space: the pattern of the spaces before them.
    """
    for exponent in sorted(set(EXPONENTS.values())):
        words = [re.escape(word) for word, number in EXPONENTS.items() if number == exponent]
        pattern = rf"(?i)(\d[.,]?){space}*(?:{'|'.join(words)})$"
        texts = compute.replace_substring_regex(texts, pattern, rf"\1e{exponent}")
    return texts
