"""Inputs and outputs of an exported network, and the values it was trained on: `signature.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_serializer

from fathom.artifacts.histogram import Histogram
from fathom.artifacts.problem import Output
from fathom.artifacts.scalers import Floats
from fathom.artifacts.schema import DatasetKind
from fathom.base.errors import FathomError
from fathom.base.files import JsonModel, read_json
from fathom.settings.column_settings import MISSING, ColumnSettings

SIGNATURE = "signature.json"
MOST_BITS = 16  # of the values in a gray image
IMAGE = "image"  # the name of the input of images
BOOLEANS = {"True", "False"}

EPOCH = pd.Timestamp("1970-01-01")
SECOND = pd.Timedelta(seconds=1)
DAY = 86_400.0  # seconds
WHOLE_NUMBER = re.compile(r"0|-?[1-9]\d*")


InputKind = Literal["number", "text", "date"]


class InputColumn(JsonModel):
    """A raw column that the model takes.

    `input` is the name of the model's input. Numbers are passed as they are, missing ones as NaN;
    texts as they are, missing ones as ""; dates as days since 1970-01-01, and if the model uses
    hours or minutes, the whole seconds since midnight go to `time_input`. `declaration` says how
    they are written in a file: its kind is never null, and its decimal mark only if the data set
    does not set one.

    `low` and `high` are the lowest and highest number, or date in seconds, of the training rows;
    `categories` are their categories, except rare ones; `missing` is whether some have no value;
    `histogram` is the distribution of their values. With `export.private` there are none of these
    but `missing`, `texts` are the `literal_texts`, and `codes` is whether all categories are whole
    numbers.
    """

    name: str
    input: str
    time_input: str | None = None
    kind: InputKind
    declaration: ColumnSettings
    low: float | None = None
    high: float | None = None
    categories: list[str] | None = None
    histogram: Histogram | None = None
    texts: list[str] = Field(default_factory=list)
    codes: bool = False
    missing: bool

    @property
    def input_names(self) -> list[str]:
        return [self.input] if self.time_input is None else [self.input, self.time_input]

    @property
    def has_codes(self) -> bool:
        """Whether it takes texts that are whole numbers, such as those beyond float32."""
        known = self.categories or ()
        return self.codes or (bool(known) and all(map(WHOLE_NUMBER.fullmatch, known)))

    @property
    def literal_texts(self) -> list[str]:
        """The categories that look like missing values or have blanks at an end, as tables of
        packages may have them: they stand for themselves.
        """
        known = self.categories or self.texts
        return [text for text in known if text in MISSING or text != text.strip()]

    @property
    def dtype(self) -> str:
        """The type of the model's inputs."""
        return "string" if self.kind == "text" else "float32"

    def tensors(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the model's inputs for texts, numbers, or dates in seconds since 1970-01-01."""
        if self.kind == "text":
            return {self.input: values}
        parts = [values]
        if self.kind == "date":
            days = np.floor(values / DAY)
            parts = [days, np.floor(values - days * DAY)]
        with np.errstate(over="ignore"):  # infinity is the same to the model
            arrays = [part.astype(np.float32) for part in parts]
        return dict(zip(self.input_names, arrays, strict=False))

    @field_serializer("declaration")
    def omit_defaults(self, declaration: ColumnSettings) -> dict[str, Any]:
        return declaration.model_dump(exclude_defaults=True)


class ImageInput(JsonModel):
    """The images that the model takes.

    `shape` is (height, width) or (height, width, channels), `type` the NumPy dtype. `low` and
    `high` are of the training rows. `resized` is whether images of other sizes are resized.
    `bits` are those of the values in 16-bit gray images.
    """

    shape: list[int]
    type: str
    low: float
    high: float
    resized: bool
    bits: int = MOST_BITS


class Interval(JsonModel):
    """Prediction intervals in the target's unit.

    `edges` divide predictions into bins, and `half_widths` has a number for each bin; a prediction
    equal to an edge is in the bin above it. `coverage` is the targeted share of rows.
    """

    coverage: float
    edges: list[float]
    half_widths: list[float]

    def around(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper ends for predictions, all of shape (rows,)."""
        bins = np.searchsorted(self.edges, predicted, side="right")
        half = np.asarray(self.half_widths)[bins]
        return predicted - half, predicted + half


class PredictionSet(JsonModel):
    """Prediction sets of classes: those of at least the probability `threshold`, and the most
    probable. `coverage` is the targeted share of rows whose set has the right class.
    """

    coverage: float
    threshold: float

    def members(self, probabilities: Floats) -> NDArray[np.bool_]:
        """Return which classes are in the set of each row, both of shape (rows, classes)."""
        members = probabilities >= self.threshold
        members[np.arange(len(members)), probabilities.argmax(axis=1)] = True
        return members


class SourceFile(JsonModel):
    """How the file of the data set is read, where `dataset.source` says so; new files are like it.

    `headers` lists the names of all columns, and those of all but the target, if the file has no
    header. `sheet` is that of a workbook, `table` that of a database file.
    """

    headers: list[list[str]] = Field(default_factory=list)
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    table: str | None = None


class Signature(JsonModel):
    """The content of `signature.json`.

    The inputs are the `columns` of a table or an `image`. `missing` lists the texts that mean a
    missing value, beside the usual ones. `outputs` has the keys `main_output` and
    perhaps `aux_output`; `interval` belongs to the numbers of the main output, `prediction_set` to
    its classes. `predictions` is the
    distribution of the main output's numbers, or most probable classes, for rows that the network
    was not fitted to.
    `formats` maps a format to its file or folder, or to the reason why there is none.
    """

    dataset: str
    model: str
    kind: DatasetKind
    columns: list[InputColumn]
    image: ImageInput | None
    missing: list[str]
    source: SourceFile = SourceFile()
    outputs: dict[str, Output]
    interval: Interval | None = None
    prediction_set: PredictionSet | None = None
    predictions: Histogram | None = None
    formats: dict[str, str]
    versions: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Signature:
        """Read the signature in the folder of an export."""
        file = folder / SIGNATURE
        try:
            return cls.model_validate(read_json(file, "export"))
        except ValidationError as error:
            raise FathomError(
                f"{file} was written by another version of Fathom: export the network again"
            ) from error

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the model's inputs and outputs by name, without rows."""
        image: dict[str, tuple[int, ...]] = {IMAGE: tuple(self.image.shape)} if self.image else {}
        columns = {name: () for column in self.columns for name in column.input_names}
        outputs = {n: (o.units,) if o.classes else () for n, o in self.outputs.items()}
        return image | columns | outputs

    @property
    def dtypes(self) -> dict[str, str]:
        """The types of the model's inputs by name."""
        image = {IMAGE: self.image.type} if self.image else {}
        return image | {name: c.dtype for c in self.columns for name in c.input_names}

    def tensors(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the model's inputs for images, or for raw columns by `InputColumn.input`."""
        tensors = {IMAGE: inputs[IMAGE]} if self.image is not None else {}
        for column in self.columns:
            tensors |= column.tensors(inputs[column.input])
        return tensors

    @property
    def main(self) -> Output:
        return self.outputs["main_output"]


def declare(kind: InputKind, categories: list[str] | None, form: str | None) -> ColumnSettings:
    """Return the declaration of a column of which nothing else is known."""
    if kind != "text":
        return ColumnSettings(kind=kind, format=form)
    is_boolean = categories and set(categories) <= BOOLEANS
    return ColumnSettings(kind="boolean" if is_boolean else "category")


def to_seconds(dates: pd.Series[Any]) -> pd.Series[Any]:
    """Convert dates to seconds since 1970-01-01 in float64, NaN for missing ones."""
    return ((dates - EPOCH) / SECOND).astype(np.float64)
