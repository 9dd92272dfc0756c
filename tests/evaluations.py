"""Data sets that tests of networks' and baselines' metrics read."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import copy_settings, network_config, prepare, train_network
from stages import build_once

from fathom.evaluate.evaluate import evaluate

SUBSETS = ["train", "valid", "test"]

ENSEMBLE = ["train.repeats=2"]
BEST = [*ENSEMBLE, "train.ensemble=false"]
NETWORKS: dict[tuple[str, str], list[str]] = {
    ("diabetes", "mlp"): [],
    ("diabetes", "wide_deep"): BEST,  # one column is both outputs
    ("digits", "mlp"): [],
    ("ages", "wide_deep"): [],
    ("iris", "wide_deep"): [],
    ("widths", "wide_deep"): ENSEMBLE,
    ("digits", "wide_deep"): ENSEMBLE,
}

IRIS = """# @package _global_
dataset:
  source: {_target_: fathom.download.sources.scikit_learn, loader: load_iris}
  task: classification
  target: target
"""


def scaled_datasets(factory: pytest.TempPathFactory) -> Path:
    """Return a project whose data sets are scaled. Only read it."""

    def build(folder: Path) -> None:
        copy_settings(folder)
        datasets = folder / "conf" / "dataset"
        (datasets / "iris.yaml").write_text(IRIS + "  auxiliary: petal width (cm)\n")
        (datasets / "widths.yaml").write_text(
            IRIS.replace("classification", "regression").replace(": target", ": petal width (cm)")
            + "  auxiliary: target\n"
        )
        (datasets / "ages.yaml").write_text(
            (datasets / "diabetes.yaml").read_text() + "  auxiliary: age\n"
        )
        prepare(folder, ["digits", "diabetes", "ages", "iris", "widths"])

    return build_once(factory, "evaluation-data", build)


def evaluated_networks(factory: pytest.TempPathFactory) -> Path:
    """Return a project with networks trained for an epoch and evaluated. Only read it."""

    def build(folder: Path) -> None:
        shutil.copytree(scaled_datasets(factory), folder, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for (dataset, model), overrides in NETWORKS.items():
                train_network(dataset, model, "train.epochs=1", *overrides)
                metrics = evaluate(network_config(dataset, model))
                assert read_metrics(dataset, model) == metrics

    return build_once(factory, "evaluated", build)


def read_metrics(dataset: str, model: str) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads(Path(f"metrics/{dataset}/{model}.json").read_text())
    return metrics
