"""Parameters of scikit-learn estimators are settings, and errors name them."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, edit
from estimators import X, Y, shrink_networks
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from fathom.sklearn import NetworkClassifier, NetworkRegressor
from fathom.sklearn.estimators import EXPECTED_FAILED_CHECKS
from fathom.sklearn.parameters import compose_settings

ESTIMATORS = pytest.mark.parametrize("estimator", [NetworkRegressor, NetworkClassifier])

# Those of scikit-learn's checks that fit once or not at all.
QUICK_CHECKS = {
    "check_complex_data", "check_dict_unchanged",
    "check_do_not_raise_errors_in_init_or_set_params", "check_estimator_cloneable",
    "check_estimator_repr", "check_estimator_tags_renamed",
    "check_estimators_empty_data_messages", "check_estimators_unfitted", "check_fit1d",
    "check_get_params_invariance", "check_no_attributes_set_in_init",
    "check_parameters_default_constructible", "check_set_params", "check_valid_tag_types",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(workspace: Path) -> Path:
    return shrink_networks(workspace)


@ESTIMATORS
def test_quick_checks_of_scikit_learn_pass(estimator: type[Any]) -> None:
    passed = set()
    for fresh, check in estimator_checks_generator(estimator()):
        if check.func.__name__ in QUICK_CHECKS:
            check(fresh)
            passed.add(check.func.__name__)
    assert passed == QUICK_CHECKS


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@ESTIMATORS
def test_only_expected_checks_of_scikit_learn_fail(estimator: type[Any], quick: Path) -> None:
    edit(quick / "params.yaml", "train.epochs=15")  # of a hundred trainings
    edit(quick / "conf/model/mlp.yaml", "learning_rate=0.02")
    results = check_estimator(estimator(), expected_failed_checks=EXPECTED_FAILED_CHECKS)
    failed = {result["check_name"] for result in results if result["status"] == "xfail"}
    assert failed == set(EXPECTED_FAILED_CHECKS)


def test_settings_are_parameters() -> None:
    network = NetworkRegressor("selu", model__depth=2, train__epochs=3)
    changed = clone(network).set_params(model__depth=3, random_state=7)
    assert network.get_params() == {
        "model": "selu", "validation_fraction": 0.2, "random_state": None,
        "model__depth": 2, "train__epochs": 3,
    }  # fmt: skip
    assert changed.get_params() == network.get_params() | {"model__depth": 3, "random_state": 7}
    assert repr(network) == "NetworkRegressor(model='selu', model__depth=2, train__epochs=3)"


@pytest.mark.parametrize(
    "parameters",
    [
        {"train__optimizer": {"_target_": "keras.optimizers.SGD", "momentum": 0.9}},
        {
            "train__optimizer__momentum": 0.9,
            "train__optimizer___target_": "keras.optimizers.SGD",
        },
    ],
)
def test_another_target_replaces_all_arguments(parameters: dict[str, Any]) -> None:
    dataset: dict[str, Any] = {"task": "regression", "target": "y", "categories": []}
    config = compose_settings("NetworkRegressor", "mlp", parameters, dataset, None, True)
    assert config.train.optimizer.arguments == {"momentum": 0.9}


def test_changed_files_of_settings_are_read_again(quick: Path) -> None:
    epochs = []
    for count in (2, 3):
        edit(quick / "params.yaml", f"train.epochs={count}")
        epochs.append(NetworkRegressor().fit(X, Y).history_["epoch"])
    assert epochs == [[1, 2], [1, 2, 3]]


@pytest.mark.parametrize(
    ("parameters", "message"),
    yaml.safe_load((ROOT / "tests/bad_parameters.yaml").read_text()),
)
def test_invalid_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    match = f"^{re.escape(f'NetworkRegressor: {message}')}$"
    with pytest.raises(ValueError, match=match):
        NetworkRegressor().set_params(**parameters).fit(X, Y)
    with pytest.raises(ValueError, match=match):
        NetworkRegressor(**parameters).fit(X, Y)


def test_texts_are_read_by_the_declarations_of_their_columns() -> None:
    declared = {"fee": {"kind": "number", "unit": "$", "thousands": ","},
                "size": {"kind": "ordinal", "order": ["S", "L"]},
                "day": {"kind": "date", "format": "%d.%m.%Y"}}  # fmt: skip
    days = pd.date_range("2020-01-01", periods=len(X))
    typed = pd.DataFrame({"fee": np.arange(len(X)) + 990.5, "size": list("SL") * (len(X) // 2)})
    texts = pd.DataFrame({"fee": typed["fee"].map("${:,.1f}".format), "size": typed["size"]})
    columns: dict[str, Any] = {"dataset__columns": declared, "random_state": 1}
    fitted = NetworkRegressor(**columns).fit(texts.assign(day=days.strftime("%d.%m.%Y")), Y)
    expected = (
        NetworkRegressor(**columns).fit(typed.assign(day=days), Y).predict(typed.assign(day=days))
    )
    np.testing.assert_array_equal(fitted.predict(texts.assign(day=days)), expected)
    texts.loc[3, "fee"] = "5 EUR"
    message = (
        "X: column 'fee' holds '5 EUR' in row 3, which is no number (thousands: ',', unit: '$'): "
        'correct it, or change its entry in dataset.columns to `{kind: number, thousands: ",", '
        'unit: "$", missing: ["5 EUR"]}` if it stands for a missing value'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fitted.predict(texts.assign(day=days))


@pytest.mark.parametrize(
    ("parameters", "value", "message"),
    [
        ({"dataset__columns": "x0"}, 0,
         "NetworkRegressor: dataset__columns must be a mapping, not 'x0'"),
        ({"validation_fraction": 1.0}, 0,
         "validation_fraction: must be None or a fraction between 0 and 1, not 1.0"),
        ({"dataset__columns": {"x3": "category"}}, 0,
         "dataset.columns: there is no column 'x3'; there are: x0, x1, x2, y"),
        ({}, "?", "column 'x0' holds '?' in row 0 among its numbers: correct it, list it under "
         "dataset.source.missing if it stands for a missing value, or write "
         "`x0: {kind: category}` in dataset.columns"),
    ],
)  # fmt: skip
def test_invalid_rows_are_refused(parameters: dict[str, Any], value: Any, message: str) -> None:
    table = pd.DataFrame(X, columns=["x0", "x1", "x2"]).astype(object)
    table.loc[0, "x0"] = value
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        NetworkRegressor(**parameters).fit(table, Y)


def test_a_single_class_and_too_few_rows_are_refused() -> None:
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"^y has only one class, a: a classifier needs two"):
        NetworkClassifier().fit(x, ["a", "a", "a"])
    with pytest.raises(ValueError, match=r"^validation_fraction: 0\.2 of 1 samples leaves none"):
        NetworkRegressor().fit(x[:1], [1.0])


def test_a_folder_without_settings_is_refused(quick: Path) -> None:
    shutil.rmtree(quick / "conf")
    message = f"there is no conf/config.yaml in {quick}: start stages in the project's folder"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        NetworkRegressor().fit(X, Y)
