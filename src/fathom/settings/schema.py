"""The typed schema of the configuration.

The values stand in params.yaml and conf/ alone, and are explained there; here stands what they
may be. Only keys that a file of conf/ may leave out have a default here.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from fathom.messages.origins import Origins

Task = Literal["regression", "classification"]
Method = Literal["zscore", "minmax", "robust", "quantile", "none"]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def once_each(values: list[Any]) -> list[Any]:
    repeated = [value for value in values if values.count(value) > 1]
    if repeated:
        raise ValueError(f"must not name {repeated[0]!r} twice")
    return values


def parse_gpus(value: Any) -> Any:
    is_list = isinstance(value, list) and all(type(gpu) is int and gpu >= 0 for gpu in value)
    if value != "auto" and not is_list:
        raise ValueError(f"must be auto or a list of GPU numbers such as [0, 1], not {value!r}")
    return value if value == "auto" else once_each(value)


def parse_share(value: Any) -> Any:
    fraction = type(value) is float and 0 < value < 1
    count = type(value) is int and value > 0
    if not fraction and not count:
        raise ValueError(
            f"must be a fraction between 0 and 1 or a number of rows above 0, not {value!r}"
        )
    return value


def parse_test_share(value: Any) -> Any:
    return value if value == "own" else parse_share(value)


def parse_count(value: Any) -> Any:
    if value != "auto" and not (type(value) is int and value > 0):
        raise ValueError(f"must be auto or a number of at least 1, not {value!r}")
    return value


def parse_limit(value: Any) -> Any:
    if value != "auto" and not (type(value) in (int, float) and value > 0):
        raise ValueError(f"must be auto or a number of GiB above 0, not {value!r}")
    return value


def parse_switch(value: Any) -> Any:
    if type(value) is not bool and value != "auto":
        raise ValueError(f"must be auto, true or false, not {value!r}")
    return value


def parse_class_weight(value: Any) -> Any:
    if value is None or value == "balanced":
        return value
    if isinstance(value, dict) and all(
        type(weight) in (int, float) and weight >= 0 for weight in value.values()
    ):
        return {str(name): float(weight) for name, weight in value.items()}
    raise ValueError(
        f"must be null, balanced or a weight of at least 0 for each class, not {value!r}"
    )


def parse_buckets(value: Any) -> Any:
    counts = list(value.values()) if isinstance(value, dict) else [value]
    if value is not None and not all(type(count) is int and count > 1 for count in counts):
        raise ValueError(
            f"must be null, a number of buckets of at least 2 or one for each column, not {value!r}"
        )
    return value


def parse_gates(value: Any) -> Any:
    for name in value if isinstance(value, dict) else ():
        if not re.fullmatch(r"[^.]+\.[^.]+(\.[^.]+)?", str(name)):
            raise ValueError(
                f"{name!r} must be <dataset>.<metric> or <dataset>.<model>.<metric>, "
                "such as digits.mlp.accuracy"
            )
    return value


Names = Annotated[list[str], Field(min_length=1), AfterValidator(once_each)]
Columns = Annotated[list[str], AfterValidator(once_each)]


class Section(BaseModel):
    """A mapping of the configuration, with these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Target(BaseModel):
    """A function or class by its `_target_`, and under the other keys its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    target: str = Field(alias="_target_", min_length=1)

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Split(Section):
    """Which rows go to which part."""

    test: Annotated[float | int | Literal["own"], PlainValidator(parse_test_share)]
    valid: Annotated[float | int, PlainValidator(parse_share)]
    shuffle: bool
    stratify: Annotated[bool | Literal["auto"], PlainValidator(parse_switch)]
    valid_first: bool
    seed: Seed
    hash: Annotated[bool | Literal["auto"], PlainValidator(parse_switch)]
    key: Names | None

    @model_validator(mode="after")
    def hashes_by_chance(self) -> Self:
        if self.key is not None and self.hash is False:
            raise ValueError("a key is what is hashed; set hash to auto")
        hashed = self.hash is True or self.key is not None
        if hashed and not self.shuffle:
            raise ValueError("rows in order are not hashed; set hash to auto and key to null")
        if hashed and self.stratify is True:
            raise ValueError("a hash does not stratify; set stratify to auto or false")
        return self

    @model_validator(mode="after")
    def shuffles_what_it_stratifies(self) -> Self:
        if self.stratify is True and not self.shuffle:
            raise ValueError("rows in order cannot be stratified; set stratify to auto or false")
        if self.valid_first and self.shuffle:
            raise ValueError("valid_first is for rows in order; set shuffle to false")
        return self

    @model_validator(mode="after")
    def leaves_training_rows(self) -> Self:
        if type(self.test) is float and type(self.valid) is float and self.test + self.valid >= 1:
            raise ValueError(
                f"test and valid must leave rows to train on, but {self.test} + {self.valid} "
                "is not below 1"
            )
        return self


class Scale(Section):
    """How features and targets are scaled."""

    features: Method
    clip: PositiveFloat | None
    pixels: Literal["together", "separately"]
    min_frequency: PositiveInt
    target: Literal["zscore", "minmax", "robust", "none"]


class EarlyStopping(Section):
    """When a training stops before its last epoch."""

    patience: PositiveInt
    min_delta: NonNegativeFloat


class Worker(Section):
    """What a worker takes of a cluster: whole ones."""

    cpu: PositiveInt
    gpu: NonNegativeInt


class Ray(Section):
    """Who trains by the engine `ray`."""

    workers: PositiveInt
    address: str | None
    resources: Worker


class Train(Section):
    """How networks are trained."""

    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Target
    schedule: Target | None
    loss: str
    class_weight: Annotated[
        Literal["balanced"] | dict[str, float] | None, PlainValidator(parse_class_weight)
    ]
    monitor: str
    keep: Literal["best", "last"]
    early_stopping: EarlyStopping | None
    engine: Literal["compiled", "fit", "ray"]
    ray: Ray
    xla: Annotated[bool | Literal["auto"], PlainValidator(parse_switch)]
    deterministic: bool
    repeats: Annotated[int | Literal["auto"], PlainValidator(parse_count)]
    at_once: Annotated[int | Literal["auto"], PlainValidator(parse_count)]
    ensemble: bool
    checkpoint: PositiveFloat | None
    memory: PositiveFloat
    tensorboard: bool
    callbacks: dict[str, Target | None]


class Evaluate(Section):
    """What is reported of a network beside its figures."""

    temperature_scaling: bool
    coverage: Annotated[float, Field(gt=0, lt=1)]


class Compare(Section):
    """How networks are compared with baselines."""

    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Bounds(Section):
    """What a figure must not fall below or rise above."""

    min: FiniteFloat | None = None
    max: FiniteFloat | None = None

    @model_validator(mode="after")
    def lets_something_through(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("must have min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not be above max, but {self.min} is above {self.max}")
        return self


class Explain(Section):
    """How much is explained, and how exactly."""

    rows: PositiveInt
    background: PositiveInt
    evaluations: PositiveInt


class CardText(Section):
    """What a model card says beside facts, in Markdown."""

    intended_use: str | None = None
    limits: str | None = None


class Export(Section):
    """As what else than a `.keras` file networks are exported."""

    saved_model: bool
    onnx: bool


def parse_span(value: Any) -> Any:
    """Let through a lowest and a highest number."""
    numbers = isinstance(value, list) and all(type(end) in (int, float) for end in value)
    if value is not None and not (numbers and len(value) == 2 and value[0] < value[1]):
        raise ValueError(f"must be a lowest and a higher highest number, not {value!r}")
    return value


def parse_whole_span(value: Any) -> Any:
    if value is not None and any(type(end) is not int for end in parse_span(value)):
        raise ValueError(f"must be whole numbers, not {value!r}")
    return value


def parse_positive_span(value: Any) -> Any:
    if value is not None and parse_span(value)[0] <= 0:
        raise ValueError(f"must be above 0, not {value!r}")
    return value


Span = Annotated[list[float] | None, PlainValidator(parse_span)]
KINDS = ("choice", "int", "float", "log")


class Dimension(Section):
    """What a search may set a key of the configuration to: one of `KINDS`.

    `log` is a float whose logarithm is uniform (`reciprocal`); a `step` makes numbers a grid. `if`
    names values of other keys, one or a list, without which this one is left as it is.
    """

    choice: Annotated[list[Any], Field(min_length=1)] | None = None
    whole: Annotated[list[int] | None, PlainValidator(parse_whole_span)] = Field(None, alias="int")
    real: Span = Field(None, alias="float")
    log: Annotated[list[float] | None, PlainValidator(parse_positive_span)] = None
    step: PositiveInt | PositiveFloat | None = None
    only_if: dict[str, Any] = Field({}, alias="if")

    @model_validator(mode="after")
    def is_of_one_kind(self) -> Self:
        kinds = (self.choice, self.whole, self.real, self.log)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError(f"must have one of {', '.join(KINDS)}")
        if self.step is not None and self.whole is None and self.real is None:
            raise ValueError("step is for int and float")
        if self.whole is not None and not isinstance(self.step, int | None):
            raise ValueError(f"step of an int must be a whole number, not {self.step!r}")
        return self


class Resources(Section):
    """What a trial takes of a cluster."""

    cpu: PositiveFloat
    gpu: NonNegativeFloat


class Search(Section):
    """How the best settings are searched for.

    `name`, `sampler` and `space` come with a file of conf/search/, and only if one is chosen.
    """

    trials: PositiveInt
    seed: Seed
    cv: Annotated[int, Field(ge=2)] | None
    pruner: Target | None
    at_once: Annotated[int | Literal["auto"], PlainValidator(parse_count)]
    engine: Literal["local", "ray"]
    address: str | None
    resources: Resources
    storage: str | None
    ensemble: NonNegativeInt
    experiments: NonNegativeInt
    name: str | None = None
    sampler: Target | None = None
    space: dict[str, Dimension] = {}


class Dataset(Section):
    """`name` is that of the file in conf/dataset/, and not written in it."""

    name: str
    source: Target
    task: Task
    target: str = "label"
    unit: str | None = None
    exclude: Columns = []
    sample_weight: str | None = None
    auxiliary: str | None = None
    categories: Columns = []
    dates: dict[str, str] = {}
    wide: Columns | None = None
    deep: Columns | None = None
    buckets: Annotated[int | dict[str, int] | None, PlainValidator(parse_buckets)] = None
    crosses: list[Annotated[list[str], Field(min_length=2), AfterValidator(once_each)]] = []
    cross_size: PositiveInt = 10_000


class Model(Target):
    """`name` is that of the file in conf/model/, and not written in it."""

    name: str
    learning_rate: PositiveFloat
    loss_weights: dict[str, NonNegativeFloat] | None = None
    wide_optimizer: Target | None = None


class Config(Section):
    """All settings, as a stage of the whole pipeline gets them."""

    datasets: Names
    models: Names
    experiment: str
    seed: Seed
    gpus: Annotated[Literal["auto"] | list[int], PlainValidator(parse_gpus)]
    memory_limit: Annotated[float | Literal["auto"], PlainValidator(parse_limit)]
    mirror: str | None
    split: Split
    scale: Scale
    train: Train
    evaluate: Evaluate
    compare: Compare
    gates: Annotated[dict[str, Bounds], BeforeValidator(parse_gates)]
    explain: Explain
    export: Export
    cards: dict[str, CardText]
    search: Search
    dataset: Dataset | None = None
    model: Model | None = None
    _origins: Origins = PrivateAttr()

    @property
    def origins(self) -> Origins:
        """The files that the settings come from, to be named in errors."""
        return self._origins


class DatasetConfig(Config):
    """The settings of a stage of one data set."""

    dataset: Dataset


class NetworkConfig(DatasetConfig):
    """The settings of a stage of one network on one data set."""

    model: Model


class ChosenSearch(Search):
    """The settings of a search whose method and space are chosen."""

    name: str
    sampler: Target
    space: Annotated[dict[str, Dimension], Field(min_length=1)]


class SearchConfig(NetworkConfig):
    """The settings of a search for those of one network on one data set."""

    search: ChosenSearch
