"""Declarations of columns: what they hold, and how it is written in the file."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from fathom.settings.fields import Section, unique

ColumnKind = Literal[
    "number", "integer", "category", "ordinal", "boolean", "date", "text", "text_id"
]
NUMBERS = ("number", "integer")
MIXED_UNITS = {  # the unit that numbers get, by the formats of the kind number
    "h:mm:ss": "seconds", "m:ss": "seconds", "h:mm": "minutes", "1h 30m": "minutes",
    "1h 30m 5s": "seconds", "5'10\"": "inches", "5-10": "inches", "11st 4lb": "pounds",
    "7lb 8oz": "ounces", "40°26'46\"N": "degrees",
}  # fmt: skip
UNUSED = ("text", "text_id")  # networks do not take them
# Texts that stand for a missing value, in every column without `missing`.
MISSING = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip

Language = Literal["de", "fr", "es", "it", "pt", "nl", "ru", "pl", "tr"]  # of names of months
Order = Annotated[list[str], Field(min_length=2), AfterValidator(unique)]


class ColumnSettings(Section):
    """A column of a table.

    Without a `kind`, the type of the column's values decides. `use: false` keeps the column from
    the networks, which never take `text` and `text_id`.

    - Numbers: `decimal` is the decimal mark, by default that of the source, and `thousands` the
      mark between groups of digits: " " stands for all spaces. `unit` is a text before or after a
      number, such as $, % or kg. With `parentheses`, (5) and 5- are -5. With `magnitudes`, 1.5M is
      1,500,000. `format` is an example of mixed units: h:mm:ss, m:ss and 1h 30m 5s become seconds,
      h:mm and 1h 30m minutes, 5'10" and 5-10 inches, 11st 4lb pounds, 7lb 8oz ounces, 40°26'46"N
      degrees, which are negative in the south and the west.
    - Dates: `format` is that of pandas, by default ISO8601, or `unix seconds` or
      `unix milliseconds` since 1970. These, and times with an offset from UTC, become those of the
      clock in `zone`, by default UTC; others stay as they are. With a `language`, %B and %b of the
      format stand for its full and abbreviated names of months, in any case. Q%q is a quarter.
    - Ordinals: `order` lists the values, the lowest first.
    - `missing` lists the texts that stand for a missing value, instead of the usual ones and those
      of the source. An empty field always stands for one.
    """

    kind: ColumnKind | None = None
    use: bool = True
    decimal: Literal[".", ","] | None = None
    thousands: Literal[",", ".", "'", " "] | None = None
    unit: Annotated[str, Field(min_length=1)] | None = None
    parentheses: bool = False
    magnitudes: bool = False
    format: str | None = None
    language: Language | None = None
    zone: str | None = None
    order: Order | None = None
    missing: Annotated[list[str], AfterValidator(unique)] | None = None

    @property
    def is_feature(self) -> bool:
        return self.use and self.kind not in UNUSED

    @property
    def value_unit(self) -> str | None:
        """The unit of the numbers that stages read."""
        return MIXED_UNITS.get(self.format or "", self.unit)

    @model_validator(mode="after")
    def check_combination(self) -> Self:
        for keys, kinds in (
            (("decimal", "thousands", "unit", "parentheses", "magnitudes"), NUMBERS),
            (("format",), ("number", "date")),
            (("language", "zone"), ("date",)),
            (("order",), ("ordinal",)),
        ):
            for key in keys:
                if getattr(self, key) and self.kind not in kinds:
                    empty = "false" if getattr(self, key) is True else "null"
                    raise ValueError(
                        f"{key} is for the kind {' or '.join(kinds)}, not {self.kind}: remove it, "
                        f"or set it to {empty}"
                    )
        if self.language is not None and not re.search("%[Bb]", self.format or ""):
            raise ValueError(
                'language needs a format with a name of a month, such as format: "%d. %B %Y"'
            )
        if self.missing is not None and self.kind is None:
            raise ValueError("missing needs a kind, such as kind: number")
        if self.kind == "ordinal" and self.order is None:
            raise ValueError("an ordinal needs its order, such as order: [low, medium, high]")
        if self.thousands is not None and self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}, but must differ")
        return self

    @model_validator(mode="after")
    def check_mixed_units(self) -> Self:
        if self.kind != "number" or self.format is None:
            return self
        if self.format not in MIXED_UNITS:
            known = ", ".join(MIXED_UNITS)
            raise ValueError(f"format of the kind number is one of {known}, not {self.format!r}")
        for key in ("thousands", "unit", "parentheses", "magnitudes"):
            if getattr(self, key):
                raise ValueError(f"{key} and the format of mixed units exclude each other")
        return self


def from_kind(value: Any) -> Any:
    """Return the entry of a column that is only its kind."""
    return {"kind": value} if isinstance(value, str) else value


Column = Annotated[ColumnSettings, BeforeValidator(from_kind)]
ColumnDeclarations = dict[str, Column]
