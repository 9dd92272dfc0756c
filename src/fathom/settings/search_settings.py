"""Settings of a search for better settings."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from fathom.settings.fields import Count, Factory, Section, Seed, expect

KINDS = ("choice", "int", "float", "log")


def check_ascending(ends: list[float]) -> list[float]:
    if not ends[0] < ends[1]:
        raise ValueError
    return ends


T = TypeVar("T")
Ends = Annotated[list[T], Field(min_length=2, max_length=2), AfterValidator(check_ascending)]
RANGE = "[low, high] with low < high"
Range = Annotated[Ends[float] | None, expect(RANGE)]
IntRange = Annotated[Ends[int] | None, expect(f"{RANGE}, both whole numbers")]
PositiveRange = Annotated[Ends[PositiveFloat] | None, expect("[low, high] with 0 < low < high")]


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
    cpu: PositiveFloat
    gpu: NonNegativeFloat


class SearchSettings(Section):
    """How `fathom search` searches.

    `name`, `sampler` and `space` come from the chosen file of conf/search/, if any.
    """

    trials: PositiveInt
    minutes: PositiveFloat | None
    present_first: bool
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
    name: str
    sampler: Factory
    space: Annotated[dict[str, Dimension], Field(min_length=1)]
