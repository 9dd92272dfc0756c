"""The bootstrap's intervals agree with theory, and verdicts follow from them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config
from numpy.typing import NDArray
from trainings import refusal

from fathom.artifacts.problem import Output, Problem
from fathom.base import blocks
from fathom.compare import compare as module
from fathom.compare.compare import (
    compare,
    compare_pairs,
    correct_by_holm,
    draw_groups,
    resample_means,
    verdict,
)

Predictions = dict[str, NDArray[Any]]

ROWS = 2000
NORMAL = 1.959964  # quantile of 0.975


def write(
    dataset: str,
    actual: NDArray[Any],
    baselines: Predictions,
    networks: Predictions,
    **more: NDArray[Any],
) -> None:
    """Write what the stage reads; on the validation set the first baseline is the best.

    `more` are columns of the targets.
    """
    task: Any = "regression" if actual.dtype.kind == "f" else "classification"
    Problem(
        dataset=dataset, kind="table", shape=[1], numbers=["x"], wide=["x"], deep=["x"],
        rows={"train": 9, "valid": 9, "test": len(actual)},
        outputs={"main_output": Output(column="y", task=task)},
    ).write(Path("data/problem", f"{dataset}.json"))  # fmt: skip
    folder = Path("data/predictions", dataset)
    (folder / "baseline").mkdir(parents=True)
    for where, predictions in ((folder / "baseline", baselines), (folder, networks)):
        for name, predicted in predictions.items():
            table = {"row": np.arange(len(actual)), "actual": actual, "predicted": predicted}
            pd.DataFrame(table).to_parquet(where / f"{name}.parquet", index=False)
    scaled = Path("data/scaled", dataset)
    scaled.mkdir(parents=True)
    targets = {"row": np.arange(len(actual)), "main_output": actual} | more
    pd.DataFrame(targets).to_parquet(scaled / "test_targets.parquet", index=False)
    metrics = {name: {"valid": {"rmse": i, "accuracy": -i}} for i, name in enumerate(baselines)}
    Path("metrics", dataset).mkdir(parents=True)
    Path("metrics", dataset, "baseline.json").write_text(json.dumps(metrics))


def compare_mlp(dataset: str, *overrides: str) -> Any:
    """Return the comparison of the network `mlp`."""
    return compare(dataset_config(dataset, "models=[mlp]", *overrides))["networks"]["mlp"]


def better(metric: Any, difference: Any, half: Any) -> dict[str, Any]:
    return {
        "figure": pytest.approx(metric),
        "difference": pytest.approx(difference),
        "low": pytest.approx(difference - half, abs=0.05 * half),
        "high": pytest.approx(difference + half, abs=0.05 * half),
        "p": pytest.approx(0, abs=0.01),
        "verdict": "better",
    }


def test_interval_of_accuracy_is_near_the_normal_one(workspace: Path) -> None:
    """A row's difference is -1, 0 or 1: the mean and variance are known."""
    generator = np.random.default_rng(1)
    actual = np.array(["a", "b"])[generator.integers(2, size=ROWS)]
    wrong = np.where(actual == "a", "b", "a")
    baseline = np.where(generator.random(ROWS) < 0.80, actual, wrong)
    network = np.where(generator.random(ROWS) < 0.85, actual, wrong)
    write("digits", actual, {"boosting": baseline}, {"mlp": network})
    comparison = compare(dataset_config("digits", "models=[mlp]", "compare.resamples=20000"))
    for name, predicted in (("mlp", network), ("boosting", baseline)):
        share = np.mean(predicted == actual)
        margin = NORMAL * np.sqrt(share * (1 - share) / ROWS)
        interval = comparison["intervals"][name]
        assert interval["low"] == pytest.approx(share - margin, abs=0.05 * margin)
        assert interval["high"] == pytest.approx(share + margin, abs=0.05 * margin)
    differences = (network == actual).astype(float) - (baseline == actual)
    half = NORMAL * differences.std() / np.sqrt(ROWS)
    assert comparison["metric"] == "accuracy"
    assert comparison["networks"]["mlp"] == better(
        np.mean(network == actual), differences.mean(), half
    )


def test_interval_of_rmse_is_near_the_normal_one(workspace: Path) -> None:
    """Delta method: the row's term of sqrt(mean a) - sqrt(mean b) is a / 2A - b / 2B."""
    generator = np.random.default_rng(2)
    actual = generator.normal(size=ROWS)
    shared = generator.normal(size=ROWS)
    baseline = actual + shared + 0.3 * generator.normal(size=ROWS)
    network = actual + 0.9 * shared + 0.3 * generator.normal(size=ROWS)
    networks = {"mlp": network, "selu": actual + 2 * shared}
    write("bike", actual, {"linear": baseline, "mean": actual}, networks)
    comparison = compare(dataset_config("bike", "models=[mlp,selu]", "compare.resamples=20000"))
    a, b = (network - actual) ** 2, (baseline - actual) ** 2
    rmse_a, rmse_b = np.sqrt(a.mean()), np.sqrt(b.mean())
    half = NORMAL * np.std(a / (2 * rmse_a) - b / (2 * rmse_b)) / np.sqrt(ROWS)
    assert comparison["baseline"] == {"name": "linear", "figure": pytest.approx(rmse_b)}
    assert comparison["networks"]["mlp"] == better(rmse_a, rmse_a - rmse_b, half)
    assert comparison["networks"]["selu"]["verdict"] == "worse"
    assert json.loads(Path("metrics/bike/comparison.json").read_text()) == comparison


@pytest.mark.parametrize("dataset", ["bike", "digits"])
def test_identical_predictions_cannot_be_told_apart(workspace: Path, dataset: str) -> None:
    actual, predicted = np.random.default_rng(3).normal(size=(2, 333))
    if dataset == "digits":
        actual, predicted = ((values > 0).astype(str) for values in (actual, predicted))
    write(dataset, actual, {"boosting": predicted}, {"mlp": predicted})
    network = compare_mlp(dataset)
    assert (network["difference"], network["low"], network["high"]) == (0, 0, 0)
    assert network["verdict"] == "can't be told apart"


def test_confidence_widens_the_interval_and_seed_moves_it(workspace: Path) -> None:
    actual, baseline, network = np.random.default_rng(4).normal(size=(3, 100))
    write("bike", actual, {"linear": baseline}, {"mlp": network})
    found = compare_mlp("bike")
    wider = compare_mlp("bike", "compare.confidence=0.99")
    assert wider["low"] < found["low"] < found["high"] < wider["high"]
    assert compare_mlp("bike") == found
    assert compare_mlp("bike", "seed=1") != found


def test_resamples_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).normal(size=(2, 7))
    means = resample_means(values, 100, seed=1)
    for limit in (1, 7, 50, 300):
        monkeypatch.setattr(module, "DRAWS_AT_ONCE", limit)
        np.testing.assert_array_equal(resample_means(values, 100, seed=1), means)


@pytest.mark.parametrize("dataset", ["bike", "digits"])
@pytest.mark.parametrize("groups", [2_000, 13_000])  # of 10 rows each; of one or two
def test_groups_of_rows_give_the_interval_of_all_rows(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, groups: int
) -> None:
    """The errors grow with the row number."""
    generator = np.random.default_rng(6)
    actual, shared = generator.normal(size=(2, 20_000))
    growth = np.linspace(0, 3, 20_000)
    baseline = actual + growth * (shared + generator.normal(size=20_000))
    network = actual + growth * (shared + 0.97 * generator.normal(size=20_000))
    if dataset == "digits":
        values = (actual, baseline, network)
        actual, baseline, network = ((of > 0).astype(int).astype(str) for of in values)
    write(dataset, actual, {"boosting": baseline}, {"mlp": network})
    by_row = compare_mlp(dataset)
    monkeypatch.setattr(module, "MAX_GROUPS", groups)
    by_group = compare_mlp(dataset)
    assert by_group["figure"] == pytest.approx(by_row["figure"], rel=1e-12)
    assert by_group["difference"] == pytest.approx(by_row["difference"], rel=1e-9)
    width = by_row["high"] - by_row["low"]
    assert by_group["high"] - by_group["low"] == pytest.approx(width, rel=0.08)
    assert by_group["low"] == pytest.approx(by_row["low"], abs=0.08 * width)
    assert by_group["low"] != by_row["low"]


def test_groups_are_weighted_by_rows(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same error in all rows, all resamples are equal."""
    monkeypatch.setattr(module, "MAX_GROUPS", 13)
    write("bike", np.zeros(20), {"linear": np.full(20, 2.0)}, {"mlp": np.full(20, 1.0)})
    network = compare_mlp("bike")
    assert (network["low"], network["high"]) == pytest.approx((-1, -1))


def test_groups_are_random_and_of_one_size() -> None:
    rows = np.arange(3 * module.MAX_GROUPS + 7)
    groups = draw_groups(rows, seed=1)
    assert sorted(set(np.bincount(groups))) == [3, 4]
    np.testing.assert_array_equal(groups, draw_groups(rows, seed=1))
    assert (groups != draw_groups(rows, seed=2)).any()
    assert abs(np.corrcoef(rows, groups)[0, 1]) < 0.01
    assert abs(np.corrcoef(rows, groups % 3)[0, 1]) < 0.01
    np.testing.assert_array_equal(draw_groups(rows[:9], seed=1), rows[:9])
    np.testing.assert_array_equal(draw_groups(rows // 9, seed=1), rows // 9)


@pytest.mark.parametrize("groups", [100, 100_000])
def test_rows_of_one_key_are_drawn_together(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, groups: int
) -> None:
    """400 towns with the same errors in each of 5 rows: the interval is that of 400 rows."""
    monkeypatch.setattr(module, "MAX_GROUPS", groups)
    actual, baseline, network = np.random.default_rng(8).normal(size=(3, 400))
    towns = np.random.default_rng(9).permutation(np.repeat(np.arange(400), 5))
    write("bike", actual, {"linear": baseline}, {"mlp": network})
    of_towns = compare_mlp("bike")
    for folder in ("data", "metrics"):
        shutil.rmtree(folder)
    of_row = actual[towns], {"linear": baseline[towns]}, {"mlp": network[towns]}
    write("bike", *of_row, group=towns)
    found = compare_mlp("bike")
    assert found["difference"] == pytest.approx(of_towns["difference"])
    width = of_towns["high"] - of_towns["low"]
    assert found["high"] - found["low"] == pytest.approx(width, rel=0.1)
    for folder in ("data", "metrics"):
        shutil.rmtree(folder)
    write("bike", *of_row)
    by_row = compare_mlp("bike")
    assert by_row["high"] - by_row["low"] < 0.6 * width


@pytest.mark.parametrize("groups", [10, 100_000])
def test_blocks_of_rows_change_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, groups: int
) -> None:
    monkeypatch.setattr(module, "MAX_GROUPS", groups)
    actual, baseline, network = np.random.default_rng(7).integers(9, size=(3, 100)).astype(float)
    write("bike", actual, {"linear": baseline}, {"mlp": network})
    at_once = compare_mlp("bike")
    monkeypatch.setattr(blocks, "MOST_ROWS", 33)
    assert compare_mlp("bike") == at_once


def test_networks_are_compared_with_each_other(workspace: Path) -> None:
    actual = np.zeros(ROWS)
    noise = np.random.default_rng(10).normal(size=(3, ROWS))
    networks = {"mlp": noise[0], "selu": 0.8 * noise[1], "wide_deep": noise[2]}
    write("bike", actual, {"linear": 2 * noise[0]}, networks)
    comparison = compare(dataset_config("bike", "models=[mlp,selu,wide_deep]"))
    pairs = {tuple(pair["networks"]): pair for pair in comparison["pairs"]}
    assert {names: pair["verdict"] for names, pair in pairs.items()} == {
        ("mlp", "selu"): "worse",
        ("mlp", "wide_deep"): "can't be told apart",
        ("selu", "wide_deep"): "better",
    }
    mlp, selu = (comparison["networks"][name]["figure"] for name in ("mlp", "selu"))
    pair = pairs["mlp", "selu"]
    assert pair["difference"] == mlp - selu
    assert 0 < pair["low"] < pair["difference"] < pair["high"]


def test_verdicts_are_corrected_for_the_number_of_comparisons() -> None:
    """Of networks that are as good as the baseline, the best looks better by chance."""
    p = np.array([0.02, 0.5, 0.01, 0.04])
    np.testing.assert_allclose(correct_by_holm(p), [0.06, 0.5, 0.04, 0.08])
    np.testing.assert_allclose(correct_by_holm(np.array([0.9, 0.6])), [1, 1])
    draws = np.random.default_rng(11).normal(size=(30, 2000))
    resampled = np.vstack([np.zeros(2000), draws - 2.2])  # p is about 0.03
    values = resampled.mean(axis=1)
    alone = compare_pairs(values, resampled, [(1, 0)], 0.95, "rmse")
    assert [pair["verdict"] for pair in alone.values()] == ["better"]
    pairs = [(model, 0) for model in range(1, 31)]
    together = compare_pairs(values, resampled, pairs, 0.95, "rmse")
    assert {pair["verdict"] for pair in together.values()} == {"can't be told apart"}
    assert alone[1, 0]["low"] == together[1, 0]["low"]


def test_verdicts() -> None:
    assert verdict(0.1, 0.04, 0.95, "accuracy") == verdict(-0.1, 0.04, 0.95, "rmse") == "better"
    assert verdict(-0.1, 0.04, 0.95, "accuracy") == verdict(0.1, 0.04, 0.95, "rmse") == "worse"
    for metric in ("accuracy", "rmse"):
        assert verdict(0.1, 0.04, 0.99, metric) == "can't be told apart"


@pytest.mark.parametrize("rows", [[1, 2, 3, 4, 5], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5]])
def test_predictions_of_different_rows_are_refused(workspace: Path, rows: list[int]) -> None:
    actual = np.arange(5.0)
    write("bike", actual, {"linear": actual}, {"mlp": actual})
    table = pd.DataFrame({"row": rows, "actual": 0.0, "predicted": 0.0})
    table.to_parquet("data/predictions/bike/mlp.parquet", index=False)
    assert refusal(compare_mlp, "bike") == (
        "data/predictions/bike/mlp.parquet and data/predictions/bike/baseline/linear.parquet have "
        "different rows: make both again with `dvc repro`"
    )


def test_missing_predictions_are_named(workspace: Path) -> None:
    write("bike", np.arange(5.0), {"linear": np.arange(5.0)}, {})
    assert refusal(compare_mlp, "bike") == (
        "data/predictions/bike/mlp.parquet is missing: make it with `dvc repro evaluate@bike-mlp`"
    )
