"""What a column of an unknown table seems to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fathom.new_dataset.exclusions import MAX_CODES
from fathom.settings.column_settings import ColumnKind, ColumnSettings


@dataclass(frozen=True)
class Check:
    """An ambiguity: what is inferred from which evidence, and the line that changes it.

    `evidence` is a sentence without a full stop. `change` is the other entry of the column in
    `dataset.columns`, in one line of YAML, or says that only the file can be changed.
    """

    column: str
    evidence: str
    change: str


# What is inferred from which evidence, and the other declaration, None if there is no other.
OtherReading = tuple[str, ColumnSettings | None]


@dataclass(frozen=True)
class Reading:
    """How the texts of a column are read.

    `evidence` says why, `reason` why networks should not take the column, or is None. `checks` has
    ambiguities. `not_numbers` says why a column that is mostly numbers is not read as such, or is
    empty.
    """

    declaration: ColumnSettings
    evidence: str = ""
    reason: str | None = None
    checks: tuple[OtherReading, ...] = ()
    not_numbers: str = ""


@dataclass(frozen=True)
class ColumnGuess:
    """Facts about a column, and what it seems to be.

    `declaration` is its entry in `dataset.columns`, `evidence` says why, or is empty, and `values`
    are what the stages read by it. `top_count` is the number of rows of the most frequent value.
    `reason` says why networks should not take the column, or is None. `ascending` tells whether
    dates are sorted. `not_numbers` says why a column that is mostly numbers is not read as such.
    """

    name: str
    declaration: ColumnSettings
    missing: int
    distinct: int
    examples: list[str]
    top_count: int
    values: pd.Series[Any] = field(repr=False, compare=False)
    evidence: str = ""
    checks: tuple[Check, ...] = ()
    reason: str | None = None
    ascending: bool = False
    not_numbers: str = ""

    @property
    def is_feature(self) -> bool:
        return self.declaration.is_feature

    @property
    def kind(self) -> ColumnKind:
        assert self.declaration.kind is not None
        return self.declaration.kind

    @property
    def may_be_category(self) -> bool:
        return self.kind == "integer" and 2 < self.distinct <= MAX_CODES
