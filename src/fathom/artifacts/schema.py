"""Raw data as downloaded: `data/raw/<dataset>/schema.json`."""

from typing import Literal, Self

from pydantic import Field

from fathom.base import paths
from fathom.base.files import JsonModel
from fathom.settings.fields import Task

DatasetKind = Literal["table", "images"]

# A table of more values (rows times columns) is never in memory as a whole.
LARGE = 20_000_000


class SchemaColumn(JsonModel):
    """A column of a table. `type` is the name of its pandas dtype."""

    name: str
    type: str


class RawSource(JsonModel):
    """The origin of raw data: a sentence, and the SHA-256 of the source."""

    origin: str
    sha256: str


class Schema(JsonModel):
    """Raw data.

    `columns` include the target. `image_shape` is (height, width) or (height, width, channels).
    `classes` are in the order of their numbers. `unlabelled` counts the rows without a target,
    which are in no subset. The last `test_rows` rows are the test set that the data comes with.
    """

    name: str
    kind: DatasetKind
    task: Task
    rows: int
    unlabelled: int = 0
    target: str
    unit: str | None = None
    classes: list[str] | None = None
    columns: list[SchemaColumn] = Field(default_factory=list)
    image_shape: list[int] | None = None
    test_rows: int = 0
    source: RawSource

    @classmethod
    def read(cls, dataset: str) -> Self:
        return cls.read_file(paths.raw(dataset) / "schema.json", f"download@{dataset}")

    @property
    def is_large(self) -> bool:
        return self.rows * len(self.columns) > LARGE
