"""The bootstrap's intervals are those of theory where theory knows them, and verdicts follow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config
from numpy.typing import NDArray

from fathom.data.schema import Output, Problem
from fathom.errors import FathomError
from fathom.evaluation import compare as module
from fathom.evaluation.compare import compare, resampled_means, verdict

Predicted = dict[str, NDArray[Any]]

ROWS = 2000
MODELS = "models=[mlp,selu]"


def write(dataset: str, actual: NDArray[Any], baselines: Predicted, networks: Predicted) -> None:
    """Write what the stage reads; on the validation part the first baseline is the best."""
    task: Any = "regression" if actual.dtype.kind == "f" else "classification"
    metric = "rmse" if task == "regression" else "accuracy"
    Problem(
        dataset=dataset, kind="table", shape=[1], numbers=["x"], categories={}, sparse={},
        crosses=[], wide=["x"], deep=["x"], rows={"train": 9, "valid": 9, "test": len(actual)},
        outputs={"main_output": Output(column="y", task=task)},
    ).write(Path("data/problem", f"{dataset}.json"))  # fmt: skip
    folder = Path("data/predictions", dataset)
    (folder / "baseline").mkdir(parents=True)
    for where, predictions in ((folder / "baseline", baselines), (folder, networks)):
        for name, predicted in predictions.items():
            table = {"row": np.arange(len(actual)), "actual": actual, "predicted": predicted}
            pd.DataFrame(table).to_parquet(where / f"{name}.parquet", index=False)
    worst = 1 if task == "regression" else -1
    figures = {name: {"valid": {metric: worst * i}} for i, name in enumerate(baselines)}
    Path("metrics", dataset).mkdir(parents=True)
    Path("metrics", dataset, "baseline.json").write_text(json.dumps(figures))


def test_interval_of_accuracy_is_near_the_normal_one(workspace: Path) -> None:
    """Differences of rows are -1, 0 and 1: of mean and variance that are known."""
    generator = np.random.default_rng(1)
    actual = np.array(["a", "b"])[generator.integers(2, size=ROWS)]
    wrong = np.where(actual == "a", "b", "a")
    baseline = np.where(generator.random(ROWS) < 0.80, actual, wrong)
    network = np.where(generator.random(ROWS) < 0.85, actual, wrong)
    write("digits", actual, {"boosting": baseline}, {"mlp": network, "selu": baseline})
    found = compare(dataset_config("digits", MODELS, "compare.resamples=20000"))
    differences = (network == actual).astype(float) - (baseline == actual)
    half = 1.959964 * differences.std() / np.sqrt(ROWS)
    of_mlp = found["networks"]["mlp"]
    assert found["metric"] == "accuracy"
    assert of_mlp["difference"] == pytest.approx(differences.mean())
    assert of_mlp["low"] == pytest.approx(differences.mean() - half, abs=0.05 * half)
    assert of_mlp["high"] == pytest.approx(differences.mean() + half, abs=0.05 * half)
    assert of_mlp["verdict"] == "better"


def test_interval_of_rmse_is_near_the_normal_one(workspace: Path) -> None:
    """By the delta method: of sqrt(mean a) - sqrt(mean b), a row's part is a / 2A - b / 2B."""
    generator = np.random.default_rng(2)
    actual = generator.normal(size=ROWS)
    shared = generator.normal(size=ROWS)
    baseline = actual + shared + 0.3 * generator.normal(size=ROWS)
    network = actual + 0.9 * shared + 0.3 * generator.normal(size=ROWS)
    networks = {"mlp": network, "selu": actual + 2 * shared}
    write("bike", actual, {"linear": baseline, "mean": actual}, networks)
    found = compare(dataset_config("bike", MODELS, "compare.resamples=20000"))
    a, b = (network - actual) ** 2, (baseline - actual) ** 2
    rmse_a, rmse_b = np.sqrt(a.mean()), np.sqrt(b.mean())
    half = 1.959964 * np.std(a / (2 * rmse_a) - b / (2 * rmse_b)) / np.sqrt(ROWS)
    assert found["baseline"] == {"name": "linear", "figure": pytest.approx(rmse_b)}
    assert found["networks"]["mlp"] == {
        "figure": pytest.approx(rmse_a),
        "difference": pytest.approx(rmse_a - rmse_b),
        "low": pytest.approx(rmse_a - rmse_b - half, abs=0.05 * half),
        "high": pytest.approx(rmse_a - rmse_b + half, abs=0.05 * half),
        "verdict": "better",
    }
    assert found["networks"]["selu"]["verdict"] == "worse"
    assert json.loads(Path("metrics/bike/comparison.json").read_text()) == found


@pytest.mark.parametrize("dataset", ["bike", "digits"])
def test_identical_predictions_cannot_be_told_apart(workspace: Path, dataset: str) -> None:
    generator = np.random.default_rng(3)
    actual, predicted = generator.normal(size=(2, 333))
    if dataset == "digits":
        actual, predicted = ((values > 0).astype(str) for values in (actual, predicted))
    write(dataset, actual, {"boosting": predicted}, {"mlp": predicted, "selu": predicted})
    for found in compare(dataset_config(dataset, MODELS))["networks"].values():
        assert (found["difference"], found["low"], found["high"]) == (0, 0, 0)
        assert found["verdict"] == "can't be told apart"


def test_confidence_widens_the_interval_and_seed_moves_it(workspace: Path) -> None:
    generator = np.random.default_rng(4)
    actual, baseline, network = generator.normal(size=(3, 100))
    write("bike", actual, {"linear": baseline}, {"mlp": network})

    def interval(*overrides: str) -> tuple[float, float]:
        found = compare(dataset_config("bike", "models=[mlp]", *overrides))["networks"]["mlp"]
        return found["low"], found["high"]

    low, high = interval()
    wider = interval("compare.confidence=0.99")
    assert wider[0] < low < high < wider[1]
    assert interval() == (low, high)
    assert interval("seed=1") != (low, high)


def test_resamples_do_not_depend_on_how_many_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).normal(size=(2, 7))
    at_once = resampled_means(values, 100, seed=1)
    for limit in (1, 7, 50, 300):
        monkeypatch.setattr(module, "DRAWN_AT_ONCE", limit)
        np.testing.assert_array_equal(resampled_means(values, 100, seed=1), at_once)


@pytest.mark.parametrize(
    ("low", "high", "metric", "expected"),
    [
        (0.1, 0.2, "accuracy", "better"),
        (-0.2, -0.1, "accuracy", "worse"),
        (0.1, 0.2, "rmse", "worse"),
        (-0.2, -0.1, "rmse", "better"),
        (-0.1, 0.1, "rmse", "can't be told apart"),
        (0.0, 0.1, "accuracy", "can't be told apart"),
        (-0.1, 0.0, "rmse", "can't be told apart"),
    ],
)
def test_verdicts(low: float, high: float, metric: str, expected: str) -> None:
    assert verdict(low, high, metric) == expected


def test_refuses_predictions_of_other_rows(workspace: Path) -> None:
    actual = np.arange(5.0)
    write("bike", actual, {"linear": actual}, {"mlp": actual})
    file = Path("data/predictions/bike/mlp.parquet")
    pd.read_parquet(file).assign(row=np.arange(1, 6)).to_parquet(file, index=False)
    with pytest.raises(FathomError) as refused:
        compare(dataset_config("bike", "models=[mlp]"))
    assert str(refused.value) == (
        "data/predictions/bike/mlp.parquet and data/predictions/bike/baseline/linear.parquet are "
        "not of the same rows: make both anew with `dvc repro`"
    )


def test_names_what_is_missing(workspace: Path) -> None:
    actual = np.arange(5.0)
    write("bike", actual, {"linear": actual}, {"mlp": actual})
    with pytest.raises(FathomError) as refused:
        compare(dataset_config("bike", MODELS))
    assert str(refused.value) == (
        "data/predictions/bike/selu.parquet is missing: make it with `dvc repro evaluate@bike-selu`"
    )
