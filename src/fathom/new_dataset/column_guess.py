"""What a column of an unknown table seems to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fathom.new_dataset.exclusions import MAX_CODES
from fathom.new_dataset.printing import join_first, printable, shorten
from fathom.settings.column_settings import ColumnKind, ColumnSettings

MAX_INVALID = 10  # texts that a message names


@dataclass(frozen=True)
class Check:
    """An ambiguity: what is inferred from which evidence, and the line that changes it.

    `evidence` is a sentence without a full stop. `change` is the other entry of the column in
    `dataset.columns`, in one line of YAML.
    """

    column: str
    evidence: str
    change: str


@dataclass(frozen=True)
class ColumnGuess:
    """Facts about a column, and what it seems to be.

    `declaration` is its entry in `dataset.columns`, `evidence` says why, or is empty, and `values`
    are what the stages read by it. `top_count` is the number of rows of the most frequent value.
    `reason` says why networks should not take the column, or is None. `date_format` is that of
    dates that are texts or integers, `other_format` one that fits as well, and `ascending` tells
    whether the dates are sorted. `invalid` has the texts among numbers or dates, and the first row
    of each. `mixed` categories are mostly numbers.
    """

    name: str
    kind: ColumnKind
    missing: int
    distinct: int
    examples: list[str]
    top_count: int
    reason: str | None = None
    date_format: str | None = None
    other_format: str | None = None
    ascending: bool = False
    invalid: dict[str, int] = field(default_factory=dict)
    mixed: bool = False
    declaration: ColumnSettings = field(default_factory=ColumnSettings)
    evidence: str = ""
    checks: list[Check] = field(default_factory=list)
    values: pd.Series[Any] = field(default_factory=pd.Series, repr=False, compare=False)

    @property
    def may_be_category(self) -> bool:
        return self.kind == "integer" and 2 < self.distinct <= MAX_CODES

    @property
    def refused(self) -> bool:
        return bool(self.invalid) and not self.mixed

    def describe_invalid(self) -> str:
        return (
            f"{printable(self.name)}: the stages refuse {self.list_invalid()}; correct them in the "
            "file, or list them as source.missing if they mean a missing value"
        )

    def list_invalid(self) -> str:
        texts = (f"{shorten(text)!r} (row {row})" for text, row in self.invalid.items())
        return join_first(texts, MAX_INVALID)
