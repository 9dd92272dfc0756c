"""Networks as scikit-learn estimators: fits, predictions and searches."""

import random
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import pytest
from conftest import copy_settings
from estimators import X, Y, shrink_networks
from numpy.typing import NDArray
from own_tables import every_kind
from scipy.stats import loguniform  # type: ignore[import-untyped]
from sklearn import model_selection
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, PredefinedSplit, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from stages import build_once

from fathom.sklearn import NetworkClassifier, NetworkRegressor
from fathom.sklearn.input_table import split_rows

SMALL_SELU: Any = {"model__depth": 2, "model__width": 8, "model__learning_rate": 0.05}

Rows = tuple[pd.DataFrame, NDArray[np.float64]]


@pytest.fixture(autouse=True)
def quick(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with settings of quick networks, which are composed once. Only read it."""

    def build(folder: Path) -> None:
        copy_settings(folder)
        shrink_networks(folder)

    monkeypatch.chdir(build_once(tmp_path_factory, "estimators", build))


@pytest.fixture(scope="module")
def california(scaled: Path) -> Rows:
    """Return random rows of California and their prices."""
    table = pd.read_parquet(scaled / "data/raw/california_housing/data.parquet")
    table = table.sample(1_500, random_state=0)
    target = table.pop("MedHouseVal")
    return table, target.to_numpy()


def same(one: Any, other: Any) -> bool:
    """Return whether two estimators are equal to the bit."""
    a, b = one.network_, other.network_
    weights = zip(a.model.get_weights(), b.model.get_weights(), strict=True)
    return (a.encoder, a.scalers, a.problem) == (b.encoder, b.scalers, b.problem) and all(
        np.array_equal(own, others) for own, others in weights
    )


@pytest.mark.slow
def test_random_search_on_california_beats_linear_regression(california: Rows) -> None:
    x, y = california
    space = {
        "model__units": [[32], [64, 32]],
        "model__learning_rate": loguniform(3e-3, 3e-2),
        "scale__features": ["quantile", "zscore"],
    }
    network = NetworkRegressor("mlp", train__epochs=20, train__batch_size=64)
    search = RandomizedSearchCV(network, space, n_iter=3, cv=3, random_state=0).fit(x, y)
    linear = model_selection.cross_val_score(LinearRegression(), x, y, cv=3).mean()
    assert search.best_score_ > linear + 0.03
    assert search.best_estimator_.score(x, y) > search.best_score_
    assert search.best_params_["model__units"] in ([32], [64, 32])


@pytest.mark.slow
def test_grid_search_over_a_pipeline_and_models() -> None:
    pipeline = make_pipeline(FunctionTransformer(), NetworkClassifier(train__epochs=10))
    selu = {"model": "selu"} | SMALL_SELU
    grid = [
        {"networkclassifier__model__dropout": [0.1]},
        {f"networkclassifier__{name}": [value] for name, value in selu.items()},
    ]
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, Y > 1)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert min(search.cv_results_["mean_test_score"]) > 0.7
    assert search.best_estimator_.predict(X).dtype == bool


@pytest.mark.slow
def test_other_processes_give_the_same_scores() -> None:
    network = NetworkClassifier("selu", train__epochs=10, **SMALL_SELU)
    pipeline = make_pipeline(FunctionTransformer(), network).fit(X, Y > 1)
    scores = model_selection.cross_val_score(pipeline, X, Y > 1, cv=2, n_jobs=2)
    assert scores.tolist() == model_selection.cross_val_score(pipeline, X, Y > 1, cv=2).tolist()
    assert scores.mean() > 0.7


def test_test_rows_of_a_fold_do_not_change_the_fit(california: Rows) -> None:
    x, y = california[0][:300], california[1][:300]
    test = np.arange(300) % 3 == 0
    other_x, other_y = x.copy(), np.where(test, 100.0, y)
    other_x.loc[test] *= 50
    fold: Any = {"cv": PredefinedSplit(np.where(test, 0, -1)), "return_estimator": True}
    for method in ("quantile", "zscore"):
        network = NetworkRegressor(scale__features=method, train__epochs=3)
        one, other = (
            model_selection.cross_validate(network, *rows, **fold)["estimator"][0]
            for rows in ((x, y), (other_x, other_y))
        )
        assert same(one, other)
    assert not same(one, clone(network).fit(other_x, other_y))


def test_validation_rows_do_not_change_encoder_and_scalers() -> None:
    valid = split_rows(len(X), 0.2, 42, None)["valid"]
    other_x, other_y = X.copy(), Y.copy()
    other_x[valid], other_y[valid] = 1e6, 1e6
    network = NetworkRegressor(train__epochs=2)
    one, other = clone(network).fit(X, Y), clone(network).fit(other_x, other_y)
    assert len(valid) == 24
    assert one.network_.encoder == other.network_.encoder
    assert one.network_.scalers == other.network_.scalers


def test_the_same_seed_gives_the_same_bits_and_keeps_global_generators() -> None:
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    expected = np.random.RandomState(5).random(), random.Random(5).random()
    first = NetworkRegressor(model__dropout=0.2, train__epochs=3).fit(X, Y)
    assert (np.random.random(), random.random()) == expected  # noqa: NPY002
    again = clone(first).fit(X, Y)
    assert same(first, again)
    assert same(first, clone(first).set_params(random_state=42).fit(X, Y))  # as in params.yaml
    assert not same(first, clone(first).set_params(random_state=1).fit(X, Y))
    assert np.array_equal(first.predict(X), again.predict(X))


def test_fits_of_one_shape_share_a_program() -> None:
    from fathom.sklearn.trained_network import TRAINERS

    network = NetworkRegressor(model__dropout=0.1, train__epochs=3).fit(X, Y)
    compiled = TRAINERS.compiled
    other = clone(network).set_params(model__dropout=0.3, model__learning_rate=0.01).fit(X, Y)
    assert TRAINERS.compiled == compiled
    assert not same(network, other)


def test_frames_with_categories_dates_and_missing_values() -> None:
    table = every_kind(np.random.default_rng(0), 200, 0.1, 5)
    table["rooms"] = table["rooms"].astype("category")
    y = table.pop("rent")
    settings: Any = {"dataset__buckets": {"size": 4}, "dataset__crosses": [["size", "town"]]}
    network = NetworkRegressor("wide_deep", train__epochs=3, **settings).fit(table, y)
    encoder = network.network_.encoder
    assert [category.column for category in encoder.categories] == ["town", "rooms"]
    assert [date.column for date in encoder.dates] == ["sold"]
    assert list(encoder.sparse)[-2:] == ["size_bucket", "size_x_town"]
    assert network.feature_names_in_.tolist() == ["size", "town", "rooms", "sold"]
    unseen = table[:2].assign(town=np.array(["nowhere", None]), size=[np.nan, 1.0])
    assert np.isfinite(network.predict(unseen)).all()
    assert np.isfinite(network.predict(table)).all()


def test_classes_are_those_of_y() -> None:
    labels = np.array(["low", "middle", "high"])[np.digitize(Y, [0, 2])]
    network = NetworkClassifier(train__class_weight={"high": 2.0}).fit(X, labels)
    assert network.classes_.tolist() == ["high", "low", "middle"]
    assert network.predict_proba(X).shape == (120, 3)
    assert np.allclose(network.predict_proba(X).sum(axis=1), 1, atol=1e-12)
    assert network.score(X, labels) > 0.8


def test_arrays_may_have_missing_values() -> None:
    x = X.copy()
    x[::7, 1] = np.nan
    network = NetworkRegressor().fit(x, Y)
    assert network.network_.problem.numbers == ["x0", "x1", "x2", "x1_missing"]
    assert network.score(x, Y) > 0.5


def test_without_a_validation_set_all_epochs_are_trained() -> None:
    settings: Any = {"train__early_stopping__patience": 1, "model__learning_rate": 2.0}
    stopped = NetworkRegressor(**settings).fit(X, Y)
    whole = NetworkRegressor(validation_fraction=None, **settings).fit(X, Y)
    assert len(stopped.history_["val_rmse"]) < 40
    assert whole.history_["epoch"] == list(range(1, 41))
    assert sorted(whole.history_) == ["epoch", "loss", "mae", "rmse"]


def test_sample_weights_count_in_the_loss() -> None:
    x, y = np.zeros((100, 1)), np.arange(100) % 2.0
    weights = np.where(y == 1, 1.0, 1e-3)
    network = NetworkRegressor(validation_fraction=None).fit(x, y, sample_weight=weights)
    assert network.predict(x[:1])[0] > 0.8


def test_a_fitted_estimator_can_be_pickled(tmp_path: Path) -> None:
    network = NetworkRegressor("wide_deep", model__deep__units=[8], train__epochs=2).fit(X, Y)
    joblib.dump(network, tmp_path / "network.joblib")
    loaded = joblib.load(tmp_path / "network.joblib")
    assert same(network, loaded)
    assert np.array_equal(network.predict(X), loaded.predict(X))
    assert loaded.get_params() == network.get_params()
