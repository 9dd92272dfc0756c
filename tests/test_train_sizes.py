"""Scores of boosting by the number of training rows. Fast."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config, work_in_copy
from evaluations import scaled_datasets
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from stages import plant_few_trees

from fathom.artifacts.problem import Output
from fathom.baseline import train_sizes
from fathom.baseline.baseline import baseline
from fathom.baseline.boosters import Rows
from fathom.baseline.train_sizes import draw_rows, score_train_sizes

NUMBER = Output(column="y", task="regression")
CLASS = Output(column="y", task="classification", classes=["a", "b", "c"])


def make_rows(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 3)).astype(np.float32)
    return Rows(features, features[:, 0] + 0.1 * rng.normal(size=count))


def predict(estimator: object, features: object) -> NDArray[np.float64]:
    assert isinstance(estimator, HistGradientBoostingRegressor)
    return np.asarray(estimator.predict(features))


def score(train: Rows, valid: Rows, shares: list[float]) -> pd.DataFrame:
    boosting = HistGradientBoostingRegressor(random_state=42).fit(train.features, train.target)
    return score_train_sizes(boosting, train, valid, NUMBER, predict, shares, 42)


def test_scores_are_those_of_scikit_learn_on_the_drawn_rows() -> None:
    train, valid = make_rows(400, 1), make_rows(200, 2)
    found = score(train, valid, [0.5, 0.125])
    assert found["rows"].to_list() == [50, 200, 400]
    assert found["draws"].to_list() == [3, 3, 1]
    expected = []
    for seed in (42, 43, 44):
        drawn = draw_rows(train, 200, seed, NUMBER)
        boosting = HistGradientBoostingRegressor(random_state=42)
        boosting.fit(drawn.features, drawn.target)
        errors = boosting.predict(valid.features) - valid.target
        expected.append(np.sqrt(np.square(errors).mean()))
    line = found.iloc[1]
    assert line["validation"] == pytest.approx(np.mean(expected))
    assert (line["lowest"], line["highest"]) == pytest.approx((min(expected), max(expected)))
    assert found["validation"].is_monotonic_decreasing
    assert (found["training"] < found["validation"]).all()


def test_too_few_rows_are_left_out_and_many_are_drawn_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, valid = make_rows(100, 1), make_rows(50, 2)
    assert score(train, valid, [0.1, 0.5])["rows"].to_list() == [50, 100]
    assert score(train, valid, [])["rows"].to_list() == [100]
    monkeypatch.setattr(train_sizes, "FEW_ROWS", 99)
    assert score(train, valid, [0.5])["draws"].to_list() == [1, 1]
    monkeypatch.setattr(train_sizes, "MAX_VALUES", 3 * 80)
    assert score(train, valid, [0.5])["rows"].to_list() == [40, 80]


def test_draws_of_one_seed_contain_each_other() -> None:
    train = make_rows(100, 1)
    few, many = (set(draw_rows(train, size, 7, NUMBER).target) for size in (25, 50))
    assert len(few) == 25
    assert few < many
    assert few != set(draw_rows(train, 25, 8, NUMBER).target)


def test_a_class_with_one_drawn_row_is_left_out() -> None:
    rng = np.random.default_rng(1)
    classes = np.append(rng.integers(0, 2, 12_000), 2)
    features = rng.normal(size=(len(classes), 1)).astype(np.float32)
    train = Rows(features, classes, np.ones(len(classes)))
    drawn = draw_rows(train, len(classes), 1, CLASS)
    assert set(drawn.target) == {0, 1}
    assert drawn.weights is not None
    assert len(drawn.features) == len(drawn.weights) == 12_000
    HistGradientBoostingClassifier(max_iter=1).fit(drawn.features, drawn.target)  # sets rows aside


def test_three_classes_are_drawn_once() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(200, 2)).astype(np.float32)
    rows = Rows(features, (features[:, 0] > 0).astype(int) + (features[:, 1] > 0))
    boosting = HistGradientBoostingClassifier(max_iter=3).fit(rows.features, rows.target)
    found = score_train_sizes(
        boosting, rows, rows, CLASS, lambda fitted, x: fitted.predict_proba(x), [0.5], 42
    )
    assert found["draws"].to_list() == [1, 1]
    assert found["training"].iloc[-1] == found["validation"].iloc[-1] > 0.9


@pytest.mark.parametrize("dataset", ["diabetes", "digits"])
def test_the_last_line_is_the_baseline(
    dataset: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work_in_copy(scaled_datasets(tmp_path_factory), tmp_path, monkeypatch)
    plant_few_trees(monkeypatch)
    chosen = "baseline={boosters: [], train_sizes: [0.25]}"
    metrics = baseline(dataset_config(dataset, chosen))
    found = pd.read_csv(f"plots/train_sizes/{dataset}/boosting/rows.csv")
    metric = "rmse" if dataset == "diabetes" else "accuracy"
    wanted = [metrics["boosting"][subset][metric] for subset in ("train", "valid")]
    assert found.iloc[-1][["training", "validation"]].to_list() == pytest.approx(wanted)
    assert len(found) == 2
