"""Settings of a data set: what its file holds, how it is split and how it is scaled."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from fathom.settings.column_settings import ColumnDeclarations, ColumnSettings
from fathom.settings.fields import (
    Columns,
    Factory,
    Method,
    Names,
    Section,
    Seed,
    Switch,
    Task,
    expect,
    unique,
)

SHARE = "a fraction between 0 and 1 or a number of rows above 0"
Share = Annotated[float, Field(gt=0, lt=1)] | PositiveInt
AtLeastTwo = Annotated[int, Field(ge=2)]
Buckets = Annotated[
    AtLeastTwo | dict[str, AtLeastTwo] | None,
    expect("null, a number of buckets of at least 2 or one for each column"),
]
Cross = Annotated[list[str], Field(min_length=2), AfterValidator(unique)]


class DatasetSettings(Section):
    """A data set. `name` is that of its file in conf/dataset/, which does not hold it.

    `columns` also has what the deprecated `exclude`, `categories` and `dates` say.
    """

    name: str
    source: Factory
    task: Task
    target: str = "label"
    unit: str | None = None
    columns: ColumnDeclarations = Field({})
    sample_weight: str | None = None
    auxiliary: str | None = None
    wide: Columns | None = None
    deep: Columns | None = None
    buckets: Buckets = None
    crosses: list[Cross] = Field([])
    cross_size: PositiveInt = 10_000
    exclude: Columns = Field([])
    categories: Columns = Field([])
    dates: dict[str, str] = Field({})

    @model_validator(mode="after")
    def declare_columns(self) -> Self:
        """Turn the deprecated settings into declarations."""
        columns = dict(self.columns)
        for old in self.deprecated_columns().values():
            for name, entry in old:
                columns[name] = columns.get(name, ColumnSettings()).model_copy(update=entry)
        return self.model_copy(update={"columns": columns})

    def deprecated_columns(self) -> dict[str, list[tuple[str, dict[str, Any]]]]:
        """Return the columns of each deprecated setting, with their new entries."""
        return {
            "exclude": [(name, {"use": False}) for name in self.exclude],
            "categories": [(name, {"kind": "category"}) for name in self.categories],
            "dates": [(n, {"kind": "date", "format": form}) for n, form in self.dates.items()],
        }


class SplitSettings(Section):
    test: Annotated[Share | Literal["own"], expect(SHARE)]
    valid: Annotated[Share, expect(SHARE)]
    shuffle: bool
    stratify: Switch
    valid_first: bool
    seed: Seed
    hash: Switch
    key: Names | None

    @model_validator(mode="after")
    def check_combination(self) -> Self:
        if self.key is not None and self.hash is False:
            raise ValueError("a key needs hashing; set hash to auto")
        hashed = self.hash is True or self.key is not None
        if hashed and not self.shuffle:
            raise ValueError("rows in order are not hashed; set hash to auto and key to null")
        if hashed and self.stratify is True:
            raise ValueError("a hash does not stratify; set stratify to auto or false")
        if self.stratify is True and not self.shuffle:
            raise ValueError("rows in order cannot be stratified; set stratify to auto or false")
        if self.valid_first and self.shuffle:
            raise ValueError("valid_first is for rows in order; set shuffle to false")
        if type(self.test) is float and type(self.valid) is float and self.test + self.valid >= 1:
            raise ValueError(
                f"test and valid must leave rows to train on, but {self.test} + {self.valid} "
                "is not below 1"
            )
        return self


class ScaleSettings(Section):
    features: Method | Literal["auto"]
    clip: PositiveFloat | None
    pixels: Literal["together", "separately"]
    min_frequency: PositiveInt
    bins: AtLeastTwo | None
    target: Literal["zscore", "minmax", "robust", "none"]
