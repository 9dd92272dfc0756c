"""Raw columns as a model takes them, and values that training did not see."""

import numpy as np
import pandas as pd
import pytest

from fathom.artifacts.signature import InputColumn, Signature
from fathom.base.errors import FathomError
from fathom.predict.model_inputs import check_columns, model_inputs
from fathom.predict.prediction_columns import find_unusual

NAN = float("nan")


def signature(*columns: InputColumn) -> Signature:
    return Signature(
        dataset="d", model="m", kind="table", columns=list(columns), image=None, missing=[],
        outputs={}, interval=None, formats={}, versions={},
    )  # fmt: skip


def test_dates_texts_and_booleans_go_in_as_trained() -> None:
    takes = signature(
        InputColumn(name="when", input="when", kind="date", form="ISO8601", missing=False),
        InputColumn(name="day", input="day", kind="date", form="%d.%m.%Y", missing=False),
        InputColumn(name="yes", input="yes", kind="text", categories=["True"], missing=False),
        InputColumn(name="code", input="code", kind="text", categories=["007"], missing=False),
    )
    table = {
        "when": pd.Series(["1970-01-02", "1970-01-01T02:00:00+02:00", None]),
        "day": pd.Series(["02.01.1970", "31.12.1969", None]),
        "yes": pd.Series(["true", "FALSE", None]),
        "code": pd.Series(["007", "7", None]),
    }
    found = model_inputs(table, takes)
    np.testing.assert_array_equal(found["when"], [86_400.0, 0.0, NAN])
    np.testing.assert_array_equal(found["day"], [86_400.0, -86_400.0, NAN])
    assert list(found["yes"]) == ["True", "False", ""]
    assert list(found["code"]) == ["007", "7", ""]
    as_booleans = model_inputs(table | {"yes": pd.Series([True, False, True])}, takes)
    assert list(as_booleans["yes"]) == ["True", "False", "True"]


def test_a_wrong_date_is_named() -> None:
    takes = signature(InputColumn(name="when", input="w", kind="date", form="%Y", missing=False))
    with pytest.raises(FathomError) as refused:
        model_inputs({"when": pd.Series(["2020", "soon"])}, takes, first=10)
    assert str(refused.value) == (
        "column 'when' holds 'soon' in row 11, which is no date of the format '%Y': correct it, or "
        "leave it empty if it is not known"
    )


def test_columns_that_the_model_does_not_use() -> None:
    takes = signature(InputColumn(name="a", input="a", kind="number", missing=False))
    assert check_columns(["z", "a", "b"], takes) == ["z", "b"]


def test_unusual_rows_say_why() -> None:
    takes = signature(
        InputColumn(name="n", input="n", kind="number", low=0, high=2.5, missing=False),
        InputColumn(name="k", input="k", kind="number", categories=["1", "2"], missing=True),
        InputColumn(name="t", input="t", kind="text", categories=["x"], missing=False),
        InputColumn(name="d", input="d", kind="date", low=0, high=86_400, missing=False),
    )
    inputs = {
        "n": np.array([0.0, -1.0, 3.0, NAN]),
        "k": np.array([1.0, NAN, 3.0, 2.0]),
        "t": np.array(["x", "y", "", "x"], dtype=object),
        "d": np.array([0.0, 86_400.0, -1.0, 86_401.0]),
    }
    assert list(find_unusual(inputs, takes)) == [
        "",
        "n below 0; t not seen in training",
        "n above 2.5; k not seen in training; t missing; d below 1970-01-01 00:00:00",
        "n missing; d above 1970-01-02 00:00:00",
    ]
