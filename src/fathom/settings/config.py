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
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from fathom.messages.origins import Origins
from fathom.settings.data_settings import DatasetSettings, ScaleSettings, SplitSettings
from fathom.settings.fields import Names, Section, Seed, expect, unique
from fathom.settings.search_settings import ChosenSearchSettings, SearchSettings
from fathom.settings.train_settings import ModelSettings, TrainSettings


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


class EvaluateSettings(Section):
    temperature_scaling: bool
    coverage: Annotated[float, Field(gt=0, lt=1)]


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
    rows: PositiveInt
    background: PositiveInt
    evaluations: PositiveInt


class ExportSettings(Section):
    saved_model: bool
    onnx: bool


class CardText(Section):
    intended_use: str | None = None
    limits: str | None = None


class Config(Section):
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
        return self._origins


class DatasetConfig(Config):
    dataset: DatasetSettings


class NetworkConfig(DatasetConfig):
    model: ModelSettings


class SearchConfig(NetworkConfig):
    search: ChosenSearchSettings
