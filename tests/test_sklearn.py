"""Networks as scikit-learn estimators."""

import random
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import pytest
from conftest import copy_settings, dataset_config, edit, every_kind
from numpy.typing import NDArray
from scipy.stats import loguniform  # type: ignore[import-untyped]
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GridSearchCV,
    PredefinedSplit,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from fathom.download.download import download
from fathom.sklearn import NetworkClassifier, NetworkRegressor
from fathom.sklearn.expected import EXPECTED_FAILED_CHECKS
from fathom.sklearn.rows import parts_of

# Small networks that learn in a few steps, of which few are compiled: in one batch an epoch.
QUICK = ["train.epochs=40", "train.batch_size=1024", "gpus=[]"]
QUICK_MLP = ["units=[16]", "learning_rate=0.05"]

SMALL_SELU: dict[str, Any] = {
    "model__depth": 2,
    "model__width": 8,
    "model__learning_rate": 0.05,
    "train__epochs": 10,
}

Rows = tuple[pd.DataFrame, NDArray[np.float64]]


@pytest.fixture
def quick(workspace: Path) -> Path:
    """Return a workspace whose networks are small."""
    edit(workspace / "params.yaml", *QUICK)
    edit(workspace / "conf/model/mlp.yaml", *QUICK_MLP)
    return workspace


@pytest.fixture(scope="module")
def california(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Return some blocks of California, drawn at random, and their prices."""
    folder = tmp_path_factory.mktemp("california")
    copy_settings(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        download(dataset_config("california_housing"))
        table = pd.read_parquet("data/raw/california_housing/data.parquet")
    table = table.sample(1_500, random_state=0)
    target = table.pop("MedHouseVal")
    return table, target.to_numpy()


@pytest.fixture(scope="module")
def numbers() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    return x, x[:, 0] * 2 + np.abs(x[:, 1])


def weights(estimator: Any) -> list[NDArray[Any]]:
    found: list[NDArray[Any]] = estimator.model_.get_weights()
    return found


def same(one: Any, other: Any) -> bool:
    """Tell whether two estimators learned the same, to the bit."""
    networks = one.network_, other.network_
    learned = [(net.encoder, net.scalers, net.problem) for net in networks]
    pairs = zip(weights(one), weights(other), strict=True)
    return learned[0] == learned[1] and all(np.array_equal(a, b) for a, b in pairs)


# Those of scikit-learn's checks that fit once or not at all.
QUICK_CHECKS = {
    "check_complex_data",
    "check_dict_unchanged",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_empty_data_messages",
    "check_estimators_unfitted",
    "check_fit1d",
    "check_get_params_invariance",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
}


@pytest.mark.parametrize("estimator", [NetworkRegressor, NetworkClassifier])
def test_scikit_learns_own_quick_checks_pass(estimator: type[Any], quick: Path) -> None:
    done = set()
    for fresh, check in estimator_checks_generator(estimator()):
        name = check.func.__name__
        if name in QUICK_CHECKS:
            check(fresh)
            done.add(name)
    assert done == QUICK_CHECKS


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("estimator", [NetworkRegressor, NetworkClassifier])
def test_scikit_learns_own_checks_pass_but_for_those_listed(
    estimator: type[Any], quick: Path
) -> None:
    edit(quick / "params.yaml", "train.epochs=15")  # of a hundred trainings
    edit(quick / "conf/model/mlp.yaml", "learning_rate=0.1")

    done = check_estimator(estimator(), expected_failed_checks=EXPECTED_FAILED_CHECKS)

    assert {one["check_name"] for one in done if one["status"] == "xfail"} == set(
        EXPECTED_FAILED_CHECKS
    )


@pytest.mark.slow
def test_random_search_on_california_beats_linear_regression(quick: Path, california: Rows) -> None:
    x, y = california
    space = {
        "model__units": [[32], [64, 32]],
        "model__learning_rate": loguniform(3e-3, 3e-2),
        "scale__features": ["quantile", "zscore"],
    }
    network = NetworkRegressor("mlp", train__epochs=20, train__batch_size=64)

    search = RandomizedSearchCV(network, space, n_iter=3, cv=3, random_state=0).fit(x, y)

    linear = cross_val_score(LinearRegression(), x, y, cv=3).mean()
    assert search.best_score_ > linear + 0.03
    assert search.best_estimator_.score(x, y) > search.best_score_
    assert search.best_params_["model__units"] in ([32], [64, 32])


def test_grid_search_goes_through_pipelines_and_models(
    quick: Path, numbers: tuple[Any, Any]
) -> None:
    x, y = numbers
    pipeline = make_pipeline(FunctionTransformer(), NetworkClassifier(train__epochs=10))
    grid = [
        {"networkclassifier__model__dropout": [0.1, 0.2]},
        {
            "networkclassifier__model": ["selu"],
            "networkclassifier__model__depth": [2],
            "networkclassifier__model__width": [8],
            "networkclassifier__model__learning_rate": [0.05],
        },
    ]

    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(x, y > 1)

    assert len(search.cv_results_["mean_test_score"]) == 3
    assert min(search.cv_results_["mean_test_score"]) > 0.7
    assert search.best_estimator_.predict(x).dtype == bool


@pytest.mark.slow
def test_other_processes_come_to_the_same(quick: Path, numbers: tuple[Any, Any]) -> None:
    x, y = numbers
    pipeline = make_pipeline(FunctionTransformer(), NetworkClassifier("selu", **SMALL_SELU)).fit(
        x, y > 1
    )

    elsewhere = cross_val_score(pipeline, x, y > 1, cv=2, n_jobs=2)

    assert elsewhere.tolist() == cross_val_score(pipeline, x, y > 1, cv=2).tolist()
    assert elsewhere.mean() > 0.7


def test_rows_held_out_of_a_fold_change_nothing_that_is_learned(
    quick: Path, california: Rows
) -> None:
    x, y = california[0][:300], california[1][:300]
    held_out = np.arange(300) % 3 == 0
    other_x, other_y = x.copy(), np.where(held_out, 100.0, y)
    other_x.loc[held_out] *= 50
    split = PredefinedSplit(np.where(held_out, 0, -1))

    fitted = [
        cross_validate(
            NetworkRegressor(scale__features=method, train__epochs=3),
            *rows,
            cv=split,
            return_estimator=True,
        )["estimator"][0]
        for method in ("quantile", "zscore")
        for rows in ((x, y), (other_x, other_y))
    ]

    assert same(fitted[0], fitted[1])
    assert same(fitted[2], fitted[3])
    assert not same(fitted[0], clone(fitted[0]).fit(other_x, other_y))


def test_rows_that_tell_the_best_epoch_teach_encoder_and_scalers_nothing(
    quick: Path, numbers: tuple[Any, Any]
) -> None:
    x, y = numbers
    valid = parts_of(len(x), 0.2, 42, None)["valid"]
    other_x, other_y = x.copy(), y.copy()
    other_x[valid], other_y[valid] = 1e6, 1e6

    network = NetworkRegressor(train__epochs=2)
    one, other = clone(network).fit(x, y), clone(network).fit(other_x, other_y)

    assert len(valid) == 24
    assert one.network_.encoder == other.network_.encoder
    assert one.network_.scalers == other.network_.scalers


def test_same_seed_gives_the_same_bits_and_leaves_others_generators_alone(
    quick: Path, numbers: tuple[Any, Any]
) -> None:
    x, y = numbers
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    expected = np.random.RandomState(5).random(), random.Random(5).random()

    first = NetworkRegressor(model__dropout=0.2, train__epochs=3).fit(x, y)
    drawn = np.random.random(), random.random()  # noqa: NPY002
    again = clone(first).fit(x, y)
    seeded = clone(first).set_params(random_state=42).fit(x, y)
    other = clone(first).set_params(random_state=1).fit(x, y)

    assert drawn == expected
    assert same(first, again)
    assert same(first, seeded)  # 42 is the seed in params.yaml
    assert not same(first, other)
    assert np.array_equal(first.predict(x), again.predict(x))


def test_a_fit_of_the_shape_of_another_compiles_nothing(
    quick: Path, numbers: tuple[Any, Any]
) -> None:
    from fathom.sklearn.network import TRAINERS

    x, y = numbers
    network = NetworkRegressor(model__dropout=0.1, train__epochs=3).fit(x, y)
    compiled = TRAINERS.compiled

    other = clone(network).set_params(model__dropout=0.3, model__learning_rate=0.01).fit(x, y)

    assert TRAINERS.compiled == compiled
    assert not same(network, other)


@pytest.mark.parametrize("model", ["mlp", "wide_deep"])
def test_frames_may_hold_categories_dates_and_missing_values(model: str, quick: Path) -> None:
    table = every_kind(np.random.default_rng(0), 200, 0.1, 5)
    table["rooms"] = table["rooms"].astype("category")
    y = table.pop("rent")
    settings: dict[str, Any] = {
        "dataset__buckets": {"size": 4},
        "dataset__crosses": [["size", "town"]],
    }

    network = NetworkRegressor(model, train__epochs=3, **settings).fit(table, y)

    learned = network.network_.encoder
    assert [category.column for category in learned.categories] == ["town", "rooms"]
    assert [date.column for date in learned.dates] == ["sold"]
    assert list(learned.sparse)[-2:] == ["size_bucket", "size_x_town"]
    assert network.feature_names_in_.tolist() == ["size", "town", "rooms", "sold"]
    strange = table[:2].assign(town=np.array(["nowhere", None]), size=[np.nan, 1.0])
    assert np.isfinite(network.predict(strange)).all()
    assert np.isfinite(network.predict(table)).all()


def test_classes_are_those_that_were_given(quick: Path, numbers: tuple[Any, Any]) -> None:
    x, y = numbers
    labels = np.array(["low", "middle", "high"])[np.digitize(y, [0, 2])]

    network = NetworkClassifier(train__class_weight={"high": 2.0}).fit(x, labels)

    assert network.classes_.tolist() == ["high", "low", "middle"]
    assert network.predict_proba(x).shape == (120, 3)
    assert np.allclose(network.predict_proba(x).sum(axis=1), 1, atol=1e-12)
    assert network.score(x, labels) > 0.8


def test_missing_numbers_may_be_nan_in_an_array(quick: Path, numbers: tuple[Any, Any]) -> None:
    x, y = numbers[0].copy(), numbers[1]
    x[::7, 1] = np.nan

    network = NetworkRegressor().fit(x, y)

    assert network.network_.problem.numbers == ["x0", "x1", "x2", "x1_missing"]
    assert network.score(x, y) > 0.5


def test_without_validation_rows_all_epochs_are_trained(
    quick: Path, numbers: tuple[Any, Any]
) -> None:
    x, y = numbers
    settings: dict[str, Any] = {"train__early_stopping__patience": 1, "model__learning_rate": 2.0}

    stopped = NetworkRegressor(**settings).fit(x, y)
    whole = NetworkRegressor(validation_fraction=None, **settings).fit(x, y)

    assert len(stopped.history_["val_rmse"]) < 40
    assert whole.history_["epoch"] == list(range(1, 41))
    assert sorted(whole.history_) == ["epoch", "loss", "mae", "rmse"]


def test_weights_count_in_the_loss(quick: Path) -> None:
    x, y = np.zeros((100, 1)), np.arange(100) % 2.0

    weights = np.where(y == 1, 1.0, 1e-3)
    network = NetworkRegressor(validation_fraction=None).fit(x, y, sample_weight=weights)

    assert network.predict(x[:1])[0] > 0.8


def test_a_fitted_estimator_can_be_kept_in_a_file(quick: Path, numbers: tuple[Any, Any]) -> None:
    x, y = numbers
    network = NetworkRegressor("wide_deep", model__deep__units=[8], train__epochs=2).fit(x, y)
    joblib.dump(network, "network.joblib")

    kept = joblib.load("network.joblib")

    assert same(network, kept)
    assert np.array_equal(network.predict(x), kept.predict(x))
    assert kept.get_params() == network.get_params()


def test_settings_are_parameters(quick: Path, numbers: tuple[Any, Any]) -> None:
    network = NetworkRegressor("selu", model__depth=2, train__epochs=3)

    changed = clone(network).set_params(model__depth=3, random_state=7)

    assert network.get_params() == {
        "model": "selu", "validation_fraction": 0.2, "random_state": None,
        "model__depth": 2, "train__epochs": 3,
    }  # fmt: skip
    assert changed.get_params() == network.get_params() | {"model__depth": 3, "random_state": 7}
    assert repr(network) == "NetworkRegressor(model='selu', model__depth=2, train__epochs=3)"


def test_files_of_settings_are_read_whenever_they_have_changed(
    quick: Path, numbers: tuple[Any, Any]
) -> None:
    epochs = []
    for count in (2, 3):
        edit(quick / "params.yaml", f"train.epochs={count}")
        epochs.append(NetworkRegressor().fit(*numbers).history_["epoch"])

    assert epochs == [[1, 2], [1, 2, 3]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model__unit": [3]}, "model__unit is not a setting; did you mean model__units?"),
        ({"modle__units": [3]}, "modle__units is not a setting; did you mean model__units?"),
        (
            {"learning_rate": 1},
            "learning_rate is not a setting; did you mean model__learning_rate?",
        ),
        ({"train__epoch": 1}, "train__epoch is not a setting; did you mean train__epochs?"),
        (
            {"train__early_stopping__patients": 1},
            "train__early_stopping__patients is not a setting; did you mean "
            "train__early_stopping__patience?",
        ),
        (
            {"dataset__crosess": []},
            "dataset__crosess is not a setting; did you mean dataset__crosses?",
        ),
        ({"model": "mpl"}, "model: there is no conf/model/mpl.yaml; did you mean mlp?"),
        ({"train__epochs": 0}, "train__epochs: must be greater than 0, not 0"),
        ({"random_state": -1}, "random_state: must be greater than or equal to 0, not -1"),
        ({"model__units": ["a"]}, "model__units.0: must be a valid integer, not 'a'"),
        ({"train__loss": "msee"}, "train__loss: Keras has no loss 'msee'; did you mean mse?"),
        (
            {"train__optimizer__clipnrm": 1.0},
            "train__optimizer__clipnrm is no argument of keras.optimizers.AdamW; did you mean "
            "clipnorm?",
        ),
    ],
)
def test_what_is_no_setting_is_refused(
    settings: dict[str, Any], message: str, quick: Path, numbers: tuple[Any, Any]
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        NetworkRegressor().set_params(**settings).fit(*numbers)
    assert str(refused.value) == f"NetworkRegressor: {message}"

    with pytest.raises(ValueError) as refused:  # noqa: PT011
        NetworkRegressor(**settings).fit(*numbers)
    assert str(refused.value) == f"NetworkRegressor: {message}"


def test_a_search_among_what_is_no_setting_is_refused_at_once(
    quick: Path, numbers: tuple[Any, Any]
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        GridSearchCV(NetworkRegressor(), {"epochs": [1, 2]}).fit(*numbers)

    assert str(refused.value) == (
        "NetworkRegressor: epochs is not a setting; did you mean train__epochs?"
    )


@pytest.mark.parametrize(
    ("settings", "change", "message"),
    [
        (
            {"validation_fraction": 1.0},
            {},
            "validation_fraction: must be None or a fraction between 0 and 1, not 1.0",
        ),
        (
            {"dataset__exclude": ["x3"]},
            {},
            "dataset.exclude: there is no column 'x3'; there are: x0, x1, x2, y",
        ),
        (
            {},
            {"x0": "?"},
            "column 'x0' holds '?' in row 0 among its numbers: correct it, list it under "
            "dataset.source.missing if it stands for a missing value, or list 'x0' under "
            "dataset.categories",
        ),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused(
    settings: dict[str, Any],
    change: dict[str, Any],
    message: str,
    quick: Path,
    numbers: tuple[Any, Any],
) -> None:
    x = pd.DataFrame(numbers[0], columns=["x0", "x1", "x2"]).astype(object)
    for name, value in change.items():
        x.loc[0, name] = value

    with pytest.raises(ValueError) as refused:  # noqa: PT011
        NetworkRegressor(**settings).fit(x, numbers[1])
    assert str(refused.value) == message


def test_a_class_alone_and_few_rows_are_refused(quick: Path) -> None:
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"^y has one class alone, a: there is"):
        NetworkClassifier().fit(x, ["a", "a", "a"])
    with pytest.raises(ValueError, match=r"^validation_fraction: 0\.2 of 1 samples leaves none"):
        NetworkRegressor().fit(x[:1], [1.0])


def test_without_the_projects_settings_it_says_where_they_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: tuple[Any, Any]
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ValueError) as refused:  # noqa: PT011
        NetworkRegressor().fit(*numbers)

    assert str(refused.value) == (
        f"there is no conf/config.yaml in {tmp_path}: start stages in the project's folder"
    )
