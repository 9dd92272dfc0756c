"""What is known of raw data (`schema.json`) and what a network is to learn (`problem.json`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from fathom.base import paths
from fathom.base.files import stage_output, write_json
from fathom.settings.fields import Task

DatasetKind = Literal["table", "images"]
Fault = Literal["duplicates", "giveaway", "drift", "unlabelled"]

# Values of a table (rows times columns) above which it is never in memory as a whole.
LARGE = 20_000_000

CODES = ("categories", "deep_categories", "wide_sparse")  # inputs of integers


class JsonModel(BaseModel):
    """A part of a description that is kept as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def write(self, path: Path) -> None:
        write_json(path, self.model_dump())

    @classmethod
    def of_file(cls, path: Path, made_by: str) -> Self:
        """Read it, and say which stage makes it where it is missing, damaged or of old."""
        with stage_output(path, made_by):
            return cls.model_validate_json(path.read_text(encoding="utf-8"))


class Column(JsonModel):
    """A column of a table, with its type in pandas' words."""

    name: str
    type: str


class Source(JsonModel):
    """Where raw data came from: a sentence, and the SHA-256 of what was read."""

    origin: str
    sha256: str


class Schema(JsonModel):
    """Raw data as downloaded.

    `columns` are those of a table, the target's among them; `image_shape` is that of one
    image, (height, width) or (height, width, channels). `classes` are the names of the target's
    classes in the order of their numbers. `unlabelled` rows have no target and go to no part.
    `test_rows` last rows are the data's own test set.
    """

    name: str
    kind: DatasetKind
    task: Task
    rows: int
    unlabelled: int
    target: str
    unit: str | None
    classes: list[str] | None
    columns: list[Column]
    image_shape: list[int] | None
    test_rows: int
    source: Source

    @classmethod
    def read(cls, dataset: str) -> Schema:
        return cls.of_file(paths.raw(dataset) / "schema.json", f"download@{dataset}")

    @property
    def is_large(self) -> bool:
        """Tell a table that is read block by block."""
        return self.rows * len(self.columns) > LARGE


class Output(JsonModel):
    """What one output of a network predicts: a column, and its classes or its unit."""

    column: str
    task: Task
    unit: str | None = None
    classes: list[str] | None = None

    @property
    def units(self) -> int:
        """Width of the output: a probability for each class, or one number."""
        return len(self.classes) if self.classes else 1


class Problem(JsonModel):
    """What a network is given and what it is to predict.

    Of a table a network takes features by the names of its inputs:

    - `wide_input` and `deep_input`: the `numbers` among the columns of that path (`wide`, `deep`);
    - `deep_categories`: the `categories` among the columns of the deep path, as codes;
    - `wide_sparse`: one-hot categories, buckets and crosses of the wide path (`sparse`), as rows
      of one table of weights: each takes its share of the rows, in order;
    - `categories`: all categories, as codes; any other name: all numbers.

    `categories` and `sparse` hold how many codes there are, `crosses` the columns of each cross.
    Images, of the shape `shape`, go whole to any input but those of categories. `outputs` are
    `main_output` and `aux_output`.
    """

    dataset: str
    kind: DatasetKind
    shape: list[int]
    numbers: list[str]
    categories: dict[str, int]
    sparse: dict[str, int]
    crosses: list[list[str]]
    wide: list[str]
    deep: list[str]
    outputs: dict[str, Output]
    rows: dict[str, int]

    @classmethod
    def read(cls, dataset: str) -> Problem:
        return cls.of_file(paths.problem(dataset), f"scale@{dataset}")

    @property
    def main(self) -> Output:
        return self.outputs["main_output"]

    def columns_of(self, input_name: str) -> list[str]:
        """Return the features of a table that the input of this name gets."""
        if input_name == "wide_sparse":
            return list(self.sparse)
        every = list(self.categories) if input_name in CODES else self.numbers
        path = {"wide": self.wide, "deep": self.deep}.get(input_name.partition("_")[0], every)
        return [name for name in path if name in every]

    def shape_of(self, input_name: str) -> tuple[int, ...]:
        """Return the shape of one row of what the input of this name gets."""
        if self.kind == "images" and input_name not in CODES:
            return tuple(self.shape)
        return (len(self.columns_of(input_name)),)

    def output_name(self, name: str) -> str:
        """Return which of `outputs` a network's output of this name is: `main_output` for any
        other name.
        """
        return name if name in self.outputs else "main_output"

    def output(self, name: str) -> Output:
        """Return what a network's output of this name predicts."""
        return self.outputs[self.output_name(name)]


class DataWarning(JsonModel):
    """One warning. `figures` are those of its sentence, or of its columns by their names."""

    kind: Fault
    columns: list[str]
    figures: dict[str, int | float]
    sentence: str


class Checks(JsonModel):
    """All warnings of a data set, perhaps none."""

    dataset: str
    warnings: list[DataWarning]

    @classmethod
    def read(cls, dataset: str) -> Checks:
        return cls.of_file(paths.checks(dataset), f"check@{dataset}")
