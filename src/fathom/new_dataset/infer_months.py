"""Dates with names of months in other languages than English: 3. März 2021."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from fathom.artifacts.month_names import MONTHS, to_english
from fathom.new_dataset.column_texts import Texts
from fathom.new_dataset.date_formats import MIN_DATES, fits, infer_date_format, take_sample
from fathom.settings.column_settings import Language

ENGLISH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
FORMATS = [  # with English abbreviations of months
    "%d de %b de %Y", "%d de %b del %Y", "%d %b de %Y", "%b de %Y", "%d. %b %y", "%d.%b %Y",
    "%d %b %Y г.", "%b %Y г.", "%d %b %Y r.", "%b %Y r.",
]  # fmt: skip


@dataclass(frozen=True)
class LocalFormat:
    """A format of dates in a language, the share of rows that it fits, and equal languages."""

    form: str
    language: Language
    share: float
    others: list[Language]


def infer_local_format(texts: Texts) -> LocalFormat | None:
    """Return the format and language that fit most rows, or None if none fits nearly all.

    The names of no two languages mean different months, so that all that fit read the same dates.
    """
    sample = take_sample(texts)
    dated = sample.match(r"(?s).*\pL{3}.*") & sample.match(r"(?s).*\d.*")
    if sample.share(dated) < MIN_DATES:
        return None
    found = []
    for language in MONTHS:
        named = to_english(sample.series, language).str.contains(ENGLISH).to_numpy()
        if sample.share(named) < MIN_DATES:
            continue
        english = replace(texts, arrow=pa.array(to_english(texts.series, language)))
        form, _ = infer_date_format(english, FORMATS)
        if form is not None and "%b" in form.replace("%B", "%b"):
            share = texts.share(fits(texts, form, language))
            found.append(LocalFormat(form.replace("%b", "%B"), language, share, []))
    if not found:
        return None
    best = max(found, key=lambda one: one.share)
    others = [one.language for one in found if one.share == best.share and one != best]
    return replace(best, others=others)
