"""Settings of a network and its training."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from fathom.settings.fields import Count, Factory, Section, Switch, auto_or


def are_class_weights(value: Any) -> bool:
    return isinstance(value, dict) and all(
        type(weight) in (int, float) and weight >= 0 for weight in value.values()
    )


def by_class_name(weights: Any) -> Any:
    """Convert the keys of class weights to text: YAML reads `0: 1.5` as a number."""
    if not isinstance(weights, dict):
        return weights
    return {str(name): float(weight) for name, weight in weights.items()}


WEIGHTS = "null, balanced or a weight of at least 0 for each class"
ClassWeight = Annotated[
    Literal["balanced"] | dict[str, float] | None,
    auto_or(are_class_weights, WEIGHTS, (None, "balanced")),
    AfterValidator(by_class_name),
]


class EarlyStoppingSettings(Section):
    """When a training stops before its last epoch."""

    patience: PositiveInt
    min_delta: NonNegativeFloat


class WorkerSettings(Section):
    """Cores and GPUs of a Ray worker, in whole numbers."""

    cpu: PositiveInt
    gpu: NonNegativeInt


class RaySettings(Section):
    """The workers of the engine `ray`."""

    workers: PositiveInt
    address: str | None
    resources: WorkerSettings


class TrainSettings(Section):
    """How networks are trained."""

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
    """A network. `name` is the name of its file in conf/model/; the file does not hold it."""

    name: str
    learning_rate: PositiveFloat
    loss_weights: dict[str, NonNegativeFloat] | None = None
    wide_optimizer: Factory | None = None
