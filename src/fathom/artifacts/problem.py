"""Inputs and outputs of the networks of a data set: `data/problem/<dataset>.json`."""

from typing import Self

from pydantic import Field

from fathom.artifacts.schema import DatasetKind
from fathom.base import paths
from fathom.base.files import JsonModel
from fathom.settings.fields import Task

CODES = ("categories", "deep_categories", "wide_sparse")  # inputs of integers


class Output(JsonModel):
    """What an output of a network predicts: a column, with its classes or its unit."""

    column: str
    task: Task
    unit: str | None = None
    classes: list[str] | None = None

    @property
    def units(self) -> int:
        """Width of the output: a probability for each class, or one number."""
        return len(self.classes) if self.classes else 1


class Problem(JsonModel):
    """What networks take and predict.

    For a table, the name of an input selects its features:

    - `wide_input` and `deep_input`: the `numbers` among the columns of that path (`wide`, `deep`);
    - `deep_categories`: the `categories` among the columns of the deep path, as codes;
    - `wide_sparse`: one-hot categories, buckets and crosses of the wide path (`sparse`), as rows
      of one table of weights, in which each feature owns consecutive rows;
    - `categories`: all categories, as codes;
    - any other name: all numbers.

    `edges` maps a number to the edges of its bins, in scaled units and in rising order; indicators
    of missing values have none. `categories` and `sparse` map a feature to its number of codes;
    `crosses` lists the columns of each cross. Images of shape `shape` go whole to every input that
    does not take codes. The keys of `outputs` are `main_output` and, for some data sets,
    `aux_output`. `rows` counts the rows of each subset.
    """

    dataset: str
    kind: DatasetKind
    shape: list[int]
    numbers: list[str] = Field(default_factory=list)
    edges: dict[str, list[float]] = Field(default_factory=dict)
    categories: dict[str, int] = Field(default_factory=dict)
    sparse: dict[str, int] = Field(default_factory=dict)
    crosses: list[list[str]] = Field(default_factory=list)
    wide: list[str] = Field(default_factory=list)
    deep: list[str] = Field(default_factory=list)
    outputs: dict[str, Output]
    rows: dict[str, int]

    @classmethod
    def read(cls, dataset: str) -> Self:
        return cls.read_file(paths.problem(dataset), f"scale@{dataset}")

    @property
    def main(self) -> Output:
        return self.outputs["main_output"]

    def columns_of(self, input_name: str) -> list[str]:
        if input_name == "wide_sparse":
            return list(self.sparse)
        every = list(self.categories) if input_name in CODES else self.numbers
        path = {"wide": self.wide, "deep": self.deep}.get(input_name.partition("_")[0], every)
        return [name for name in path if name in every]

    def shape_of(self, input_name: str) -> tuple[int, ...]:
        if self.kind == "images" and input_name not in CODES:
            return tuple(self.shape)
        return (len(self.columns_of(input_name)),)

    def output_name(self, name: str) -> str:
        """Return the key in `outputs` of a network's output: unknown names are `main_output`."""
        return name if name in self.outputs else "main_output"

    def output(self, name: str) -> Output:
        return self.outputs[self.output_name(name)]
