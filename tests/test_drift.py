"""How new rows differ from those of the training set: `fathom predict --drift`, signatures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import LEAN, network_config, work_in_copy
from exports import CALIFORNIA, HOUSES, exported_networks, loaded
from predictions import by_predict, refusal
from predictions import in_project as in_project

from fathom.artifacts.histogram import Histogram, stability_index
from fathom.artifacts.signature import InputColumn, Signature
from fathom.base import paths
from fathom.base.files import read_array
from fathom.base.tables import read_table
from fathom.export.export import export
from fathom.export.signature_values import hide_column
from fathom.predict.data_drift import Drift
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import read_values
from fathom.predict.predict import predict
from fathom.settings.column_settings import ColumnSettings


def training_rows(dataset: str) -> pd.DataFrame:
    raw = read_table(paths.raw(dataset) / "data.parquet", "")
    rows = read_array(paths.split(dataset) / "train.npy", "")
    return raw.iloc[np.array(rows)].reset_index(drop=True)


def drift_of(dataset: str, rows: pd.DataFrame, folder: Path) -> dict[str, dict[str, float]]:
    rows.to_parquet(folder / "new.parquet")
    report = folder / "report.json"
    by_predict(dataset, folder / "new.parquet", folder / "out.parquet", drift=report)
    found = json.loads(report.read_text())
    assert found["rows"] == len(rows)
    columns: dict[str, dict[str, float]] = found["columns"]
    return columns | {"": found["predictions"]}


@pytest.mark.parametrize("dataset", ["california_housing", "adult_census"])
def test_training_rows_do_not_differ(dataset: str, tmp_path: Path) -> None:
    rows = training_rows(dataset)
    for name, column in drift_of(dataset, rows, tmp_path).items():
        if name:
            assert (column["out_of_range"] or 0) == 0
            assert column["stability_index"] == 0
            assert column["missing"] == pytest.approx(rows[name].isna().mean(), abs=1e-6)
        else:
            assert 0 < column["stability_index"] < 0.1  # against validation rows


def test_rows_that_differ(tmp_path: Path) -> None:
    rows = training_rows("california_housing")
    usual = drift_of("california_housing", rows, tmp_path)
    rows.loc[rows.index[::4], "HouseAge"] = np.nan
    rows["MedInc"] += 5
    found = drift_of("california_housing", rows, tmp_path)
    moved = {name for name in found if found[name]["stability_index"] > 0.25}
    assert {"HouseAge", "MedInc", ""} <= moved
    assert all(found[name] == usual[name] for name in set(usual) - {"HouseAge", "MedInc", ""})
    assert found["HouseAge"]["missing"] == pytest.approx(0.25, abs=1e-3)
    high = loaded(Path("exports", CALIFORNIA).resolve()).signature.columns[0].high
    assert found["MedInc"]["out_of_range"] == pytest.approx((rows["MedInc"] > high).mean())


def test_categories_that_training_did_not_see(tmp_path: Path) -> None:
    rows = training_rows("adult_census")
    rows.loc[rows.index[::2], "workclass"] = "Robot"
    found = drift_of("adult_census", rows, tmp_path)
    assert found["workclass"]["unseen"] == pytest.approx(0.5, abs=1e-3)
    assert found["workclass"]["stability_index"] > 0.25
    assert found["workclass"]["out_of_range"] is None


def test_the_stability_index() -> None:
    index = (0.25 - 0.5) * np.log(0.25 / 0.5) + (0.75 - 0.5) * np.log(0.75 / 0.5)
    assert stability_index([0.5, 0.5], [0.25, 0.75]) == pytest.approx(index)
    assert stability_index([1.0, 0.0], [1.0, 0.0]) == 0


def test_bins_of_numbers() -> None:
    found = Histogram.of_numbers(np.array([0.0, 1, 1, 1, 1, 1, 1, 1, 1, np.nan]))
    assert found.edges == pytest.approx([0.8, 1])
    assert found.shares == [0.1, 0, 0.8, 0, 0.1]  # the last are other values and missing ones


def test_only_the_last_rows_count() -> None:
    network = loaded(Path("exports", CALIFORNIA).resolve())
    drift = Drift(network.signature, window=2000)
    for block in range(4):
        values = np.full(1000, np.nan if block < 2 else 3.0)
        inputs = {column.input: values for column in network.signature.columns}
        drift.observe(inputs, {"main_output": np.ones(1000)})
    assert drift.report()["rows"] == 2000
    assert drift.report()["columns"]["MedInc"]["missing"] == 0
    drift.observe(dict.fromkeys(inputs, values[:1] * np.nan), {"main_output": np.ones(1)})
    assert drift.report()["rows"] == 2001
    assert drift.report()["columns"]["MedInc"]["missing"] == pytest.approx(1 / 2001, abs=1e-6)


def test_bad_names_of_reports(tmp_path: Path) -> None:
    new, out = tmp_path / "new.csv", tmp_path / "out.csv"
    training_rows("california_housing").head(3).to_csv(new, index=False)
    for name, error in (
        ("report.txt", f"{tmp_path / 'report.txt'} must end in .json"),
        ("x/report.json", f"there is no folder {tmp_path / 'x'}"),
    ):
        report = tmp_path / name
        assert refusal("california_housing", new, out, drift=report) == f"--drift: {error}"
        assert not out.exists()


def test_private_exports(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pipeline: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """They hold no values of the training rows in signature.json, and predict the same."""
    work_in_copy(exported_networks(pipeline, tmp_path_factory), tmp_path / "copy", monkeypatch)
    public = loaded(Path("exports", HOUSES).resolve())
    rows = training_rows("houses").drop(columns="price").head(50)
    rows.to_parquet(tmp_path / "new.parquet")
    predict(public, tmp_path / "new.parquet", tmp_path / "public.parquet")
    export(network_config("houses", "mlp", *LEAN, "export.private=true"))
    folder = Path("exports", HOUSES)
    text = (folder / "signature.json").read_text()
    town = next(column for column in public.signature.columns if column.name == "town")
    assert not any(f'"{category}"' in text for category in town.categories or [])
    signature = Signature.read(folder)
    assert signature.predictions is None
    for column in signature.columns:
        assert (column.low, column.categories, column.histogram) == (None, None, None)
    private = ExportedModel(folder)
    report = tmp_path / "report.json"
    predict(private, tmp_path / "new.parquet", tmp_path / "private.parquet", drift=report)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "private.parquet"), pd.read_parquet(tmp_path / "public.parquet")
    )
    assert json.loads(report.read_text())["columns"]["town"]["stability_index"] is None


def test_categories_that_look_like_missing_values_are_read_from_private_exports() -> None:
    known = ["None", "a", " b"]
    column = InputColumn(
        name="x",
        input="x",
        kind="text",
        declaration=ColumnSettings(kind="category"),
        categories=known,
        missing=True,
    )
    hidden = hide_column(column)
    assert (hidden.categories, hidden.texts) == (None, ["None", " b"])
    values = pd.Series([*known, "NA", ""])
    public, private = (read_values(values, some, []) for some in (column, hidden))
    assert private.fillna("").tolist() == public.fillna("").tolist() == [*known, "", ""]
