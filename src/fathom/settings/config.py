"""The whole configuration.

params.yaml and conf/ hold the values and explain them; these classes check them. Only a setting
that a file of conf/ may leave out has a default here.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from fathom.messages.origins import Location, Origins
from fathom.settings.data_settings import DatasetSettings, ScaleSettings, SplitSettings
from fathom.settings.fields import Boosters, Count, Factory, Section, Seed, Switch, expect, unique
from fathom.settings.search_settings import ChosenSearchSettings, SearchSettings
from fathom.settings.selection import Selection


def check_gate_names(gates: Any) -> Any:
    for name in gates if isinstance(gates, dict) else ():
        if not re.fullmatch(r"[^.]+\.[^.]+(\.[^.]+)?", str(name)):
            raise ValueError(
                f"{name!r} must be <dataset>.<metric> or <dataset>.<model>.<metric>, "
                "such as digits.mlp.accuracy"
            )
    return gates


Gpus = Annotated[
    list[NonNegativeInt] | Literal["auto"],
    expect("auto or a list of GPU numbers such as [0, 1]"),
    AfterValidator(unique),
]
Memory = Annotated[PositiveFloat | Literal["auto"], expect("auto or a number of GiB above 0")]
FoldCount = Annotated[
    Annotated[int, Field(ge=2)] | Literal["auto"] | None,
    expect("auto, null or a number of at least 2"),
]
ClassName = Annotated[str, BeforeValidator(str)]  # YAML reads `0: 1.5` as a number
ClassWeight = Annotated[
    Literal["balanced"] | dict[ClassName, NonNegativeFloat] | None,
    expect("null, balanced or a weight of at least 0 for each class"),
]


Loss = Annotated[
    str | Factory, expect("auto, the name of a loss, or a mapping with its _target_ and arguments")
]


class EarlyStoppingSettings(Section):
    patience: PositiveInt
    min_delta: NonNegativeFloat


class WorkerSettings(Section):
    cpu: PositiveInt
    gpu: NonNegativeInt


class RaySettings(Section):
    workers: PositiveInt
    address: str | None
    resources: WorkerSettings


class TrainSettings(Section):
    epochs: Count
    batch_size: Count
    optimizer: Factory
    schedule: Factory | None
    loss: Loss
    class_weight: ClassWeight
    monitor: str
    keep: Literal["best", "last"]
    early_stopping: EarlyStoppingSettings | None
    engine: Literal["compiled", "fit", "ray"]
    ray: RaySettings
    xla: Switch
    deterministic: bool
    repeats: Count
    at_once: Count
    ensemble: Switch
    folds: FoldCount
    checkpoint: PositiveFloat | None
    memory: PositiveFloat
    tensorboard: bool
    callbacks: dict[str, Factory | None]


class ModelSettings(Factory):
    """A network. `name` is that of its file in conf/model/, which does not hold it."""

    name: str
    learning_rate: PositiveFloat
    loss_weights: dict[str, NonNegativeFloat] | None = None

    @model_validator(mode="before")
    @classmethod
    def refuse_wide_optimizer(cls, tree: Any) -> Any:
        if isinstance(tree, dict) and tree.pop("wide_optimizer", None) is not None:
            raise ValueError(
                "wide_optimizer is not a setting any more, as train.optimizer trains both paths: "
                "delete it"
            )
        return tree


class EvaluateSettings(Section):
    temperature_scaling: bool
    coverage: Annotated[float, Field(gt=0, lt=1)]


Fraction = Annotated[Annotated[float, Field(gt=0, lt=1)], expect("a fraction between 0 and 1")]


class BaselineSettings(Section):
    boosters: Boosters
    train_sizes: Annotated[list[Fraction], AfterValidator(unique)]


class CompareSettings(Section):
    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Bounds(Section):
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None

    @model_validator(mode="after")
    def check_order(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("must have min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not be above max, but {self.min} is above {self.max}")
        return self


class ExplainSettings(Section):
    rows: NonNegativeInt
    background: PositiveInt
    evaluations: PositiveInt


class ExportSettings(Section):
    keras: bool
    saved_model: bool
    onnx: bool
    private: bool = False


class CardText(Section):
    intended_use: str | None = None
    limits: str | None = None


class Config(Selection):
    seed: Seed
    gpus: Gpus
    memory_limit: Memory
    mirror: str | None
    split: SplitSettings
    scale: ScaleSettings
    train: TrainSettings
    evaluate: EvaluateSettings
    baseline: BaselineSettings
    compare: CompareSettings
    gates: Annotated[dict[str, Bounds], BeforeValidator(check_gate_names)]
    explain: ExplainSettings
    export: ExportSettings
    cards: dict[str, CardText]
    search: SearchSettings
    dataset: DatasetSettings | None = None
    model: ModelSettings | None = None
    _origins: Origins = PrivateAttr()

    def named_files(self) -> Iterator[tuple[Location, str, str]]:
        yield from super().named_files()
        for gate in self.gates:
            dataset, *model, _ = gate.split(".")
            yield ["gates", gate], "dataset", dataset
            yield from ((["gates", gate], "model", name) for name in model)

    @property
    def origins(self) -> Origins:
        return self._origins


class DatasetConfig(Config):
    dataset: DatasetSettings


class NetworkConfig(DatasetConfig):
    model: ModelSettings


class SearchConfig(NetworkConfig):
    search: ChosenSearchSettings
