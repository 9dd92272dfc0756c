"""The bootstrap's intervals are those of theory where theory knows them, and verdicts follow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config
from numpy.typing import NDArray

from fathom.artifacts.problem import Output, Problem
from fathom.base import blocks
from fathom.base.errors import FathomError
from fathom.compare import compare as module
from fathom.compare.compare import compare, resampled_means, verdict

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


def drifting(rows: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return truth and two predictions of rows in whose order errors grow."""
    generator = np.random.default_rng(6)
    actual, shared = generator.normal(size=(2, rows))
    growing = np.linspace(0, 3, rows)
    baseline = actual + growing * (shared + generator.normal(size=rows))
    return actual, baseline, actual + growing * (shared + 0.97 * generator.normal(size=rows))


@pytest.mark.parametrize("dataset", ["bike", "digits"])
@pytest.mark.parametrize("groups", [2_000, 13_000])  # of 10 rows each; of one or two
def test_groups_of_rows_give_the_interval_of_all_rows(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, groups: int
) -> None:
    actual, baseline, network = drifting(20_000)
    if dataset == "digits":
        values = (actual, baseline, network)
        actual, baseline, network = ((of > 0).astype(int).astype(str) for of in values)
    write(dataset, actual, {"boosting": baseline}, {"mlp": network})

    def found() -> Any:
        return compare(dataset_config(dataset, "models=[mlp]"))["networks"]["mlp"]

    full = found()
    monkeypatch.setattr(module, "GROUPS", groups)
    grouped = found()
    assert grouped["figure"] == pytest.approx(full["figure"], rel=1e-12)
    assert grouped["difference"] == pytest.approx(full["difference"], rel=1e-9)
    width = full["high"] - full["low"]
    assert grouped["high"] - grouped["low"] == pytest.approx(width, rel=0.08)
    assert grouped["low"] == pytest.approx(full["low"], abs=0.08 * width)
    assert grouped["low"] != full["low"]


def test_groups_of_unequal_sizes_count_by_their_rows(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an error that is the same in all rows any rows drawn tell the same."""
    monkeypatch.setattr(module, "GROUPS", 13)
    write("bike", np.zeros(20), {"linear": np.full(20, 2.0)}, {"mlp": np.full(20, 1.0)})
    found = compare(dataset_config("bike", "models=[mlp]"))["networks"]["mlp"]
    assert (found["low"], found["high"]) == pytest.approx((-1, -1))


def test_groups_are_drawn_and_of_one_size() -> None:
    rows = 3 * module.GROUPS + 7
    found = module.groups(rows, seed=1)
    assert sorted(set(np.bincount(found))) == [3, 4]
    np.testing.assert_array_equal(found, module.groups(rows, seed=1))
    assert (found != module.groups(rows, seed=2)).any()
    assert abs(np.corrcoef(np.arange(rows), found)[0, 1]) < 0.01
    assert abs(np.corrcoef(np.arange(rows), found % 3)[0, 1]) < 0.01
    np.testing.assert_array_equal(module.groups(9, seed=1), np.arange(9))


@pytest.mark.parametrize("groups", [10, 100_000])
def test_blocks_of_rows_change_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, groups: int
) -> None:
    monkeypatch.setattr(module, "GROUPS", groups)
    actual, baseline, network = np.random.default_rng(7).integers(9, size=(3, 100)).astype(float)
    write("bike", actual, {"linear": baseline}, {"mlp": network})
    config = dataset_config("bike", "models=[mlp]")
    at_once = compare(config)
    monkeypatch.setattr(blocks, "MOST_ROWS", 33)
    assert compare(config) == at_once


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


@pytest.mark.parametrize("others", [[1, 2, 3, 4, 5], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5]])
def test_refuses_predictions_of_other_rows(workspace: Path, others: list[int]) -> None:
    actual = np.arange(5.0)
    write("bike", actual, {"linear": actual}, {"mlp": actual})
    file = Path("data/predictions/bike/mlp.parquet")
    table = pd.DataFrame({"row": others, "actual": 0.0, "predicted": 0.0})
    table.to_parquet(file, index=False)
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
