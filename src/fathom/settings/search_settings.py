"""Settings of a search for better settings."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from fathom.settings.fields import Count, Factory, Section, Seed, auto_or

KINDS = ("choice", "int", "float", "log")


def is_range(value: Any, types: tuple[type, ...] = (int, float)) -> bool:
    numbers = isinstance(value, list) and all(type(end) in types for end in value)
    return numbers and len(value) == 2 and value[0] < value[1]


RANGE = "[low, high] with low < high"
Range = Annotated[list[float] | None, auto_or(is_range, RANGE, (None,))]
IntRange = Annotated[
    list[int] | None,
    auto_or(lambda v: is_range(v, (int,)), f"{RANGE}, both whole numbers", (None,)),
]
PositiveRange = Annotated[
    list[float] | None,
    auto_or(lambda v: is_range(v) and v[0] > 0, "[low, high] with 0 < low < high", (None,)),
]


class Dimension(Section):
    """The values that a search tries for one setting: exactly one of `KINDS`.

    `log` samples a float whose logarithm is uniform. `step` makes numbers a grid. `if` maps other
    settings to a value or a list of values; the search sets this one only where they all match.
    """

    choice: Annotated[list[Any], Field(min_length=1)] | None = None
    whole: IntRange = Field(None, alias="int")
    real: Range = Field(None, alias="float")
    log: PositiveRange = None
    step: PositiveInt | PositiveFloat | None = None
    only_if: dict[str, Any] = Field({}, alias="if")

    @model_validator(mode="after")
    def check_kind(self) -> Self:
        kinds = (self.choice, self.whole, self.real, self.log)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError(f"must have one of {', '.join(KINDS)}")
        if self.step is not None and self.whole is None and self.real is None:
            raise ValueError("step is for int and float")
        if self.whole is not None and not isinstance(self.step, int | None):
            raise ValueError(f"step of an int must be a whole number, not {self.step!r}")
        return self


class ResourcesSettings(Section):
    """Cores and GPUs of a trial on a Ray cluster."""

    cpu: PositiveFloat
    gpu: NonNegativeFloat


class SearchSettings(Section):
    """How `fathom search` searches.

    `name`, `sampler` and `space` come from the chosen file of conf/search/, if any.
    """

    trials: PositiveInt
    seed: Seed
    cv: Annotated[int, Field(ge=2)] | None
    pruner: Factory | None
    at_once: Count
    engine: Literal["local", "ray"]
    address: str | None
    resources: ResourcesSettings
    storage: str | None
    ensemble: NonNegativeInt
    experiments: NonNegativeInt
    name: str | None = None
    sampler: Factory | None = None
    space: dict[str, Dimension] = Field({})


class ChosenSearchSettings(SearchSettings):
    """The settings of a search whose method and space are chosen."""

    name: str
    sampler: Factory
    space: Annotated[dict[str, Dimension], Field(min_length=1)]
