"""Types of single settings, and the base classes of sections."""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from fathom.settings.file_names import check_name

Task = Literal["regression", "classification"]
Booster = Literal["catboost", "lightgbm", "xgboost"]
BOOSTERS: dict[Booster, str] = {  # the name of each library
    "catboost": "CatBoost", "lightgbm": "LightGBM", "xgboost": "XGBoost",
}  # fmt: skip
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


def expect(expected: str) -> WrapValidator:
    """Return a validator whose error, "must be …", replaces those of a union's members."""

    def validate(value: Any, validate_type: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate_type(value)
        except ValueError:
            raise ValueError(f"must be {expected}, not {value!r}") from None

    return WrapValidator(validate)


def unique(values: Any) -> Any:
    """Refuse a list that repeats a value."""
    for value in values if isinstance(values, list) else []:
        if values.count(value) > 1:
            raise ValueError(f"must not name {value!r} twice")
    return values


Columns = Annotated[list[str], AfterValidator(unique)]
Names = Annotated[list[str], Field(min_length=1), AfterValidator(unique)]
DatasetName = Annotated[str, BeforeValidator(partial(check_name, group="dataset"))]
ModelName = Annotated[str, BeforeValidator(partial(check_name, group="model"))]
ExperimentName = Annotated[
    str, BeforeValidator(lambda name: check_name("none" if name is None else name, "experiment"))
]
Switch = Annotated[bool | Literal["auto"], expect("auto, true or false")]
Boosters = Annotated[
    list[Booster] | Literal["auto"],
    expect("auto or a list of catboost, lightgbm and xgboost"),
    AfterValidator(unique),
]
Count = Annotated[PositiveInt | Literal["auto"], expect("auto or a number of at least 1")]
