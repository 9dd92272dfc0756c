"""The whole configuration.

params.yaml and conf/ hold the values and explain them; these classes check them. Only a setting
that a file of conf/ may leave out has a default here.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from fathom.messages.origins import Origins
from fathom.settings.data_settings import DatasetSettings, ScaleSettings, SplitSettings
from fathom.settings.fields import Names, Section, Seed, auto_or, is_integer, is_number, unique
from fathom.settings.search_settings import ChosenSearchSettings, SearchSettings
from fathom.settings.train_settings import ModelSettings, TrainSettings


def are_gpus(value: Any) -> bool:
    return isinstance(value, list) and all(is_integer(gpu, 0) for gpu in value)


def check_gate_names(gates: Any) -> Any:
    for name in gates if isinstance(gates, dict) else ():
        if not re.fullmatch(r"[^.]+\.[^.]+(\.[^.]+)?", str(name)):
            raise ValueError(
                f"{name!r} must be <dataset>.<metric> or <dataset>.<model>.<metric>, "
                "such as digits.mlp.accuracy"
            )
    return gates


GPUS = "auto or a list of GPU numbers such as [0, 1]"
Gpus = Annotated[list[int] | Literal["auto"], auto_or(are_gpus, GPUS), AfterValidator(unique)]
Memory = Annotated[
    float | Literal["auto"],
    auto_or(lambda v: is_number(v, above=0), "auto or a number of GiB above 0"),
]


class EvaluateSettings(Section):
    """What is reported of a network beside its metrics."""

    temperature_scaling: bool
    coverage: Annotated[float, Field(gt=0, lt=1)]


class CompareSettings(Section):
    """How networks are compared with baselines."""

    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Bounds(Section):
    """The lowest and the highest value that a metric may have."""

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
    """How many rows are explained, and how exactly."""

    rows: PositiveInt
    background: PositiveInt
    evaluations: PositiveInt


class ExportSettings(Section):
    """The formats of an export beside Keras' own."""

    saved_model: bool
    onnx: bool


class CardText(Section):
    """What you add to a model card, in Markdown."""

    intended_use: str | None = None
    limits: str | None = None


class Config(Section):
    """All settings, as a stage of the whole pipeline gets them."""

    datasets: Names
    models: Names
    experiment: str
    seed: Seed
    gpus: Gpus
    memory_limit: Memory
    mirror: str | None
    split: SplitSettings
    scale: ScaleSettings
    train: TrainSettings
    evaluate: EvaluateSettings
    compare: CompareSettings
    gates: Annotated[dict[str, Bounds], BeforeValidator(check_gate_names)]
    explain: ExplainSettings
    export: ExportSettings
    cards: dict[str, CardText]
    search: SearchSettings
    dataset: DatasetSettings | None = None
    model: ModelSettings | None = None
    _origins: Origins = PrivateAttr()

    @property
    def origins(self) -> Origins:
        """The files that the settings come from, for error messages."""
        return self._origins


class DatasetConfig(Config):
    """The settings of a stage of one data set."""

    dataset: DatasetSettings


class NetworkConfig(DatasetConfig):
    """The settings of a stage of one network on one data set."""

    model: ModelSettings


class SearchConfig(NetworkConfig):
    """The settings of a search for those of one network on one data set."""

    search: ChosenSearchSettings
