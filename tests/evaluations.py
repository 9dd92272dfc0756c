"""Data sets that tests of networks' and baselines' metrics read."""

from pathlib import Path
from typing import Any

import pytest
from conftest import copy_settings, prepare
from stages import build_once

SUBSETS = ["train", "valid", "test"]

IRIS = """# @package _global_
dataset:
  source: {_target_: fathom.download.sources.scikit_learn, loader: load_iris}
  task: classification
  target: target
"""


def scaled_datasets(factory: pytest.TempPathFactory) -> Path:
    """Return a project whose data sets are scaled. Read it alone."""

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


def flatten(metrics: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested metrics by dotted names."""
    flat: dict[str, Any] = {}
    for name, value in metrics.items():
        nested = isinstance(value, dict)
        flat |= flatten(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return flat
