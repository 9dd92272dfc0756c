"""The piecewise-linear encoding of numbers: edges of bins, and the layers of networks."""

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fathom.artifacts.problem import Output, Problem
from fathom.artifacts.scalers import Scaler
from fathom.models.numbers import Fourier, NumberEmbeddings, Piecewise, embed_numbers
from fathom.scale.fit_edges import LEAST_GAP, fit_edges

EDGES = {"a": [-1.0, 0.0, 2.0], "b": [0.0, 1.0]}
PRICE = Output(column="y", task="regression")


def fit(values: list[float], bins: int, method: str = "none") -> list[float]:
    series = pd.Series(values, name="x", dtype=float)
    scaler = Scaler.fit(method, series.to_numpy()[:, None], ["x"])  # type: ignore[arg-type]
    return fit_edges(series, scaler, bins)


def test_each_of_a_few_values_is_an_edge() -> None:
    assert fit([3, 1, 2, 2, 5], 8) == [1.0, 2.0, 3.0, 5.0]
    assert fit([7, 7, 7], 8) == []


def test_edges_are_quantiles_in_scaled_units() -> None:
    edges = fit(list(range(101)), 4, "zscore")
    deviation = np.std(np.arange(101))
    np.testing.assert_allclose(edges, (np.array([0, 25, 50, 75, 100]) - 50) / deviation, rtol=1e-6)


def test_a_value_that_fills_more_than_a_bin_has_an_edge_and_leaves_the_others_to_the_rest() -> None:
    values = [0.0] * 900 + list(np.linspace(1, 100, 100))
    edges = fit(values, 10)
    assert edges[:2] == [0.0, 1.0]
    assert len(edges) == 11  # not two, as quantiles of all rows would give
    assert edges[-1] == 100.0


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60),
    st.integers(2, 12),
    st.sampled_from(["zscore", "quantile"]),
)
def test_edges_rise_from_the_lowest_value(values: list[float], bins: int, method: str) -> None:
    edges = np.array(fit(values, bins, method))
    assert len(edges) != 1
    assert (np.diff(edges) >= LEAST_GAP).all()


def problem(crosses: list[list[str]]) -> Problem:
    return Problem(
        dataset="made", kind="table", shape=[3], numbers=["a", "b", "c"], edges=EDGES,
        crosses=crosses, outputs={"main_output": PRICE}, rows={"train": 4, "valid": 1, "test": 1},
    )  # fmt: skip


def build(crosses: list[list[str]], fourier: Fourier | None = None) -> keras.Model:
    settings = NumberEmbeddings(piecewise=Piecewise(width=5), fourier=fourier, periodic=None)
    x = keras.Input((3,))
    return keras.Model(x, embed_numbers(x, ["a", "b", "c"], problem(crosses), settings))


def test_a_bin_holds_the_part_of_it_that_lies_below_the_number() -> None:
    network = build([])
    (relu,) = (layer for layer in network.layers if isinstance(layer, keras.layers.ReLU))
    filled = keras.Model(network.input, relu.output)
    rows = np.array([[-3, 0.25, 9], [-0.5, 2, 9], [1, -1, 9]], np.float32)
    expected = np.array([[[0, 0], [0.25, 0]], [[0.5, 0], [1, 0]], [[1, 0.5], [0, 0]]], float)
    np.testing.assert_allclose(filled(rows), expected)
    assert network.output_shape == (None, 3 + 2 * 5)
    assert [layer.name for layer in network.layers if not layer.trainable] == ["piecewise"]


def test_numbers_with_waves_have_no_bins() -> None:
    waves = Fourier(frequencies=4, sigma=1.0)
    assert build([["a", "b"]], waves).output_shape == (None, 3 + 8)
    assert build([["a", "c"]], waves).output_shape == (None, 3 + 8 + 5)


@pytest.mark.parametrize("name", ["other", "model"])
def test_the_bins_survive_a_copy_of_the_network(name: str) -> None:
    network = build([])
    copy = keras.Model.from_config(network.get_config() | {"name": name})
    copy.set_weights(network.get_weights())
    rows = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    np.testing.assert_array_equal(copy(rows), network(rows))
