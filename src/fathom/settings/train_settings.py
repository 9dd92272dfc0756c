"""Settings of a network and its training."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from fathom.settings.fields import Count, Factory, Section, Switch, expect

ClassName = Annotated[str, BeforeValidator(str)]  # YAML reads `0: 1.5` as a number
ClassWeight = Annotated[
    Literal["balanced"] | dict[ClassName, NonNegativeFloat] | None,
    expect("null, balanced or a weight of at least 0 for each class"),
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
    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Factory
    schedule: Factory | None
    loss: str
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
    ensemble: bool
    checkpoint: PositiveFloat | None
    memory: PositiveFloat
    tensorboard: bool
    callbacks: dict[str, Factory | None]


class ModelSettings(Factory):
    """A network. `name` is that of its file in conf/model/, which does not hold it."""

    name: str
    learning_rate: PositiveFloat
    loss_weights: dict[str, NonNegativeFloat] | None = None
    wide_optimizer: Factory | None = None
