"""Scalers equal scikit-learn's, and are the same after being written and read."""

import json
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.settings.fields import Method

METHODS: tuple[Method, ...] = get_args(Method)
LINEAR: tuple[Method, ...] = ("zscore", "minmax", "robust", "none")
COLUMNS = ["a", "b", "c"]
RNG = np.random.default_rng(1)
TRAIN = np.column_stack(
    [RNG.normal(5, 2, 400), RNG.lognormal(0, 2, 400), np.where(RNG.random(400) < 0.9, 0, 5)]
)
OTHERS = TRAIN[:50] * 3 - 4  # partly outside the range of the training rows


def to_normal(quantiles: int) -> Any:
    return QuantileTransformer(n_quantiles=quantiles, output_distribution="normal", subsample=None)


REFERENCES = {
    "zscore": StandardScaler(),
    "minmax": MinMaxScaler(),
    "robust": RobustScaler(),
    "quantile": to_normal(400),
    "none": FunctionTransformer(),
}


@pytest.mark.parametrize("method", METHODS)
def test_scales_as_scikit_learn_does(method: Method) -> None:
    expected = REFERENCES[method].fit(TRAIN)
    scaler = Scaler.fit(method, TRAIN, COLUMNS)
    for values in (TRAIN, OTHERS):
        found = scaler.transform(values)
        np.testing.assert_allclose(found, expected.transform(values), rtol=1e-12, atol=1e-12)


def test_quantiles_are_at_most_a_thousand() -> None:
    values = RNG.normal(size=(12_000, 1))
    found = Scaler.fit("quantile", values, ["a"]).transform(values)
    np.testing.assert_array_equal(found, to_normal(1000).fit_transform(values))


@pytest.mark.parametrize("method", [method for method in METHODS if method != "none"])
@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, -1e9])
def test_constant_column_becomes_zero_everywhere(method: Method, value: float) -> None:
    train = np.column_stack([TRAIN[:, 0], np.full(len(TRAIN), value)])
    scaler = Scaler.fit(method, train, ["a", "constant"], clip=5.0)
    others = np.array([[1.0, value], [2.0, value + 7], [3.0, -1e12]])
    assert scaler.transform(train)[:, 1].tolist() == [0.0] * len(train)
    assert scaler.transform(others)[:, 1].tolist() == [0.0] * 3
    assert np.ptp(scaler.transform(others)[:, 0]) > 0


@pytest.mark.parametrize(
    ("method", "cuts"),
    [("zscore", True), ("robust", True), ("minmax", False), ("quantile", False), ("none", False)],
)
def test_clip_cuts_zscore_and_robust_alone(method: Method, cuts: bool) -> None:
    uncut = Scaler.fit(method, TRAIN, COLUMNS).transform(OTHERS)
    found = Scaler.fit(method, TRAIN, COLUMNS, clip=1.5).transform(OTHERS)
    assert np.abs(uncut).max() > 1.5
    np.testing.assert_array_equal(found, np.clip(uncut, -1.5, 1.5) if cuts else uncut)


@pytest.mark.parametrize("method", LINEAR)
@settings(max_examples=10, derandomize=True, deadline=None, database=None)
@given(factor=st.floats(1e-6, 1e6), shift=st.floats(-1e3, 1e3))
@example(factor=1.0, shift=0.0)
def test_inverse_undoes_transform(method: Method, factor: float, shift: float) -> None:
    train, others = (factor * (values + shift) for values in (TRAIN, OTHERS))
    scaler = Scaler.fit(method, train, COLUMNS)
    assert method == "none" or not np.allclose(scaler.transform(others), others)
    size = np.abs(others).max()
    found = scaler.inverse(scaler.transform(others))
    np.testing.assert_allclose(found, others, rtol=1e-9, atol=1e-12 * size)


@pytest.mark.parametrize("method", METHODS)
def test_json_gives_the_same_bits_back(method: Method) -> None:
    scaler = Scaler.fit(method, TRAIN, COLUMNS, clip=5.0)
    file = ScalerFile(features=scaler, targets={"main_output": scaler})
    text = json.dumps(file.model_dump(exclude_none=True), indent=2, allow_nan=False)
    read = ScalerFile.model_validate(json.loads(text))
    assert read == file
    assert read.features.transform(OTHERS).tobytes() == scaler.transform(OTHERS).tobytes()
