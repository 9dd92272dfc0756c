"""Predictions of exported networks, by `fathom predict` and by the pipeline."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from exports import ADULTS, CALIFORNIA, DIGITS, exported_networks, loaded

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.tables import read_table
from fathom.predict.predict import Counts, predict

MODELS = {name.split("/")[0]: name for name in (CALIFORNIA, ADULTS, DIGITS)}


@pytest.fixture(autouse=True)
def in_project(
    pipeline: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work in a project with exported networks of tables and of images. Read it alone."""
    monkeypatch.chdir(exported_networks(pipeline, tmp_path_factory))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as the command sets it: undone afterwards


def raw_rows(dataset: str) -> pd.DataFrame:
    """Return the raw rows of the test set."""
    rows = pd.read_parquet(paths.predictions(*MODELS[dataset].split("/")))["row"]
    raw = read_table(paths.raw(dataset) / "data.parquet", "")
    return raw.iloc[rows].reset_index(drop=True)


def by_pipeline(dataset: str) -> pd.DataFrame:
    """Return what the pipeline predicts for the test set."""
    return pd.read_parquet(paths.predictions(*MODELS[dataset].split("/")))


def by_predict(
    dataset: str, path: Path, output: Path, **options: Any
) -> tuple[pd.DataFrame, Counts]:
    """Predict for a file in this process; return what was written."""
    exported_model = loaded((paths.EXPORTS / MODELS[dataset]).resolve())
    counts = predict(exported_model, path, output, **options)
    read = pd.read_parquet if output.suffix == ".parquet" else pd.read_csv
    return read(output), counts


def refusal(dataset: str, path: Path, output: Path, **options: Any) -> str:
    with pytest.raises(FathomError) as refused:
        by_predict(dataset, path, output, **options)
    return str(refused.value)
