"""Types of single settings, and the base classes of sections."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

Task = Literal["regression", "classification"]
Method = Literal["zscore", "minmax", "robust", "quantile", "none"]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Section(BaseModel):
    """A mapping of the configuration, with these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Factory(BaseModel):
    """A function or class, named by `_target_`; the other keys are its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    target: str = Field(alias="_target_", min_length=1)

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


def auto_or(
    accepts: Callable[[Any], bool], expected: str, words: tuple[str | None, ...] = ("auto",)
) -> PlainValidator:
    """Return a validator of a setting that is one of some words or a value of another kind.

    Args:
        accepts: tells whether a value that is none of the words is valid.
        expected: completes the error "must be …".
        words: valid words, or None.
    """

    def validate(value: Any) -> Any:
        if value not in words and not accepts(value):
            raise ValueError(f"must be {expected}, not {value!r}")
        return value

    return PlainValidator(validate)


def is_number(value: Any, above: float) -> bool:
    return type(value) in (int, float) and value > above


def is_integer(value: Any, at_least: int) -> bool:
    return type(value) is int and value >= at_least


def unique(values: Any) -> Any:
    """Refuse a list that repeats a value."""
    repeated = [value for value in values if values.count(value) > 1]
    if isinstance(values, list) and repeated:
        raise ValueError(f"must not name {repeated[0]!r} twice")
    return values


Columns = Annotated[list[str], AfterValidator(unique)]
Names = Annotated[list[str], Field(min_length=1), AfterValidator(unique)]
Switch = Annotated[
    bool | Literal["auto"], auto_or(lambda v: type(v) is bool, "auto, true or false")
]
Count = Annotated[
    int | Literal["auto"], auto_or(lambda v: is_integer(v, 1), "auto or a number of at least 1")
]
