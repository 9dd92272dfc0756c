"""Dates as numbers: year, month, day, day of the week, hour and minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.columns import as_dates
from fathom.base.files import JsonModel

DATE_PARTS = ("year", "month", "day", "day_of_week", "hour", "minute")


class Date(JsonModel):
    """A date column becomes one number for each of its parts (Monday is day 0 of the week)."""

    column: str
    format: str
    parts: list[str]

    @classmethod
    def fit(cls, dates: pd.Series[Any], date_format: str) -> Date:
        """Find the parts that vary in the training rows."""
        values = {part: getattr(dates.dt, part) for part in DATE_PARTS}
        parts = [part for part, value in values.items() if value.min() < value.max()]
        return cls(column=str(dates.name), format=date_format, parts=parts)

    @property
    def names(self) -> list[str]:
        return [f"{self.column}_{part}" for part in self.parts]

    def transform(self, column: pd.Series[Any]) -> pd.DataFrame:
        dates = as_dates(column, self.format)
        values = [getattr(dates.dt, part).astype(np.float64) for part in self.parts]
        return pd.DataFrame(dict(zip(self.names, values, strict=True)), index=dates.index)
