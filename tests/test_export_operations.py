"""Operations of exported networks equal those of the libraries that the pipeline uses."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import ndtri  # type: ignore[import-untyped]

from fathom.artifacts.columns import DATE_PARTS
from fathom.artifacts.scalers import Scaler
from fathom.artifacts.signature import to_seconds
from fathom.export import operations
from fathom.export.export import input_name
from fathom.export.preprocessing import date_parts, reserved_names
from fathom.models.names import unwrap
from fathom.scale.column_encoders import Buckets, Category, Cross, Date

NAN = float("nan")


def call(operation: Callable[..., Any], *values: NDArray[Any]) -> NDArray[Any]:
    """Return the result of a Keras operation in a model."""
    inputs = [keras.Input((), dtype=v.dtype.name, name=f"value_{n}") for n, v in enumerate(values)]
    model = keras.Model(unwrap(inputs), operation(*inputs))
    return np.asarray(model(unwrap([tf.constant(v) for v in values])))


def test_normal_quantiles_are_those_of_scipy() -> None:
    small = np.geomspace(1e-9, 0.5, 2000)
    probabilities = np.concatenate([small, 1 - small])
    found = call(operations.normal_quantile, probabilities)
    np.testing.assert_allclose(found, ndtri(probabilities), atol=1e-13, rtol=1e-13)


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile"])
def test_scaled_numbers_are_those_of_the_scaler(method: Any) -> None:
    rng = np.random.default_rng(1)
    training = rng.lognormal(size=(3000, 4))
    training[:800, 1] = 2.0  # many equal values
    training[:, 2] = rng.integers(0, 5, 3000)
    training[:, 3] = 7.0  # constant
    scaler = Scaler.fit(method, training, list("abcd"), clip=3.0)
    new = np.concatenate([training, rng.normal(0, 9, (500, 4)), training.min(axis=0)[None]])
    inputs = keras.Input((4,), dtype="float64")
    found = keras.Model(inputs, operations.scale(inputs, scaler))(tf.constant(new))
    np.testing.assert_allclose(found, scaler.transform(new), atol=1e-8, rtol=0)


def test_parts_of_dates_are_those_of_pandas() -> None:
    days = pd.Series(pd.date_range("1890-01-01", "2110-01-01", freq="7h13min11s"), name="sold")
    date = Date(column="sold", format="ISO8601", parts=list(DATE_PARTS))
    inputs = keras.Input((), dtype="float64")
    model = keras.Model(inputs, date_parts(inputs, date))
    found = model(tf.constant(to_seconds(days).to_numpy()))
    for name, values in date.transform(days).items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("size", [1, 7, 1000, 65_537])
def test_crosses_are_hashed_as_pandas_does(size: int) -> None:
    cross = Cross(columns=["a", "b"], combinations=70_000**2, size=size)
    a, b = np.random.default_rng(2).integers(0, 70_000, (2, 5000)).astype(np.int32)
    found = call(lambda *codes: operations.cross_codes(cross, list(codes), [70_000] * 2), a, b)
    np.testing.assert_array_equal(found, cross.transform([a, b], [70_000] * 2))


@pytest.mark.parametrize("edges", [[], [1.5], [-3.0, 0.0, 0.1, 2.0]])
def test_buckets_are_those_of_the_encoder(edges: list[float]) -> None:
    buckets = Buckets(column="x", edges=edges)
    values = np.array([NAN, -np.inf, -3.0, -0.0, 0.1, np.nextafter(0.1, 0), 1.5, 2.0, np.inf])
    found = call(lambda x: operations.bucket_codes(x, buckets, "buckets.x"), values)
    np.testing.assert_array_equal(found, buckets.transform(pd.Series(values)))


@pytest.mark.parametrize("known", [["1", "2", "10"], [None, "-1", "0.5", "3"], [None], ["4"]])
def test_categories_of_numbers_are_those_of_the_encoder(known: list[str | None]) -> None:
    category = Category(column="x", values=known)
    values = np.array([NAN, -1.0, 0.5, 1.0, 2.0, 3.0, 4.0, 10.0, 11.0, 1e300, -1e300])
    found = call(lambda x: operations.number_codes(x, category, "category.x"), values)
    texts = pd.Series(values).map(lambda x: None if np.isnan(x) else f"{x:g}")
    np.testing.assert_array_equal(found, category.transform(texts))


@pytest.mark.parametrize(
    ("column", "taken", "name"),
    [
        ("MedInc", [], "MedInc"),
        ("capital-gain", [], "capital_gain"),
        ("capital_gain", ["capital_gain"], "capital_gain_2"),
        ("Größe (m²)", [], "Gr__e__m__"),
        ("floor", [], "column_floor"),
        ("stack_3", [], "column_stack_3"),
        ("2019", [], "column_2019"),
        ("_", [], "column__"),
        ("class", [], "column_class"),
        ("None", [], "column_None"),
        ("self", [], "column_self"),
    ],
)
def test_inputs_have_names_that_formats_take(column: str, taken: list[str], name: str) -> None:
    assert input_name(column, taken, reserved_names(keras.Sequential(name="mlp"))) == name
