"""A user's own files, from `fathom new-dataset` to the report."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import (
    clone,
    commit,
    copy_settings,
    ran,
    repro,
    run_in,
    shrink,
    work_in_copy,
)
from own_tables import make_project
from PIL import Image
from sklearn import datasets
from stages import build_once, make_stage, run_command, run_pipeline

TARGETS = ["check@houses", "train@houses-mlp"]


def write(table: pd.DataFrame, file: Path) -> None:
    """Write a table as a German spreadsheet does."""
    table.to_csv(file, index=False, sep=";", decimal=",")


def settle(folder: Path, patch: pytest.MonkeyPatch, *assignments: str) -> None:
    """Make a project with small settings, in which `dvc add` only copies, the working folder."""
    copy_settings(folder)
    shrink(folder, "models=[mlp]", *assignments)
    make_project(folder, patch)
    patch.chdir(folder)


def take_in(file: Path, *options: str) -> str:
    """Run `fathom new-dataset`, and return what it prints."""
    done = run_command("new-dataset", file, *options)
    assert done.status == 0, done.err
    return done.out


def read(file: str) -> Any:
    return json.loads(Path(file).read_text())


def houses() -> pd.DataFrame:
    """Return houses of every kind of column, whose prices can be learned."""
    rng = np.random.default_rng(5)
    rows = 400
    area = rng.normal(120, 30, rows).clip(30).round()
    town = rng.choice(["Kiel", "Ulm", "Bonn"], rows)
    price = area * np.where(town == "Bonn", 5.0, 3.0) + rng.normal(0, 10, rows)
    return pd.DataFrame(
        {
            "id": np.arange(rows) + 1000,
            "area": np.where(rng.random(rows) < 0.1, np.nan, area),
            "town": pd.Series(town).mask(rng.random(rows) < 0.05),
            "garden": rng.random(rows) < 0.5,
            "sold": (
                pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
            ).strftime("%d.%m.%Y"),
            "price": np.where(np.arange(rows) == 7, np.nan, price.round(2)),
        }
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that has taken in a table, and run every stage. Read it alone."""

    def build(folder: Path) -> None:
        file = tmp_path_factory.mktemp("elsewhere") / "Houses 2020.csv"
        write(houses(), file)
        with pytest.MonkeyPatch.context() as patch:
            settle(folder, patch)
            take_in(file, "--target", "price", "--name", "houses")
            run_pipeline(["houses"], ["mlp"])

    return build_once(tmp_path_factory, "own", build)


@pytest.fixture
def own(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as `predict` sets it: undone afterwards


def test_a_table_of_ones_own_goes_all_the_way(own: None) -> None:
    assert np.isfinite(read("metrics/houses/mlp.json")["test"]["rmse"])
    baselines = read("metrics/houses/baseline.json")
    assert baselines["boosting"]["test"]["r2"] > 0.8  # what was written is what is read
    page = Path("report/index.html").read_text()
    assert "houses" in page
    assert "1 of 400 rows have no" in page


def test_every_kind_of_column_is_taken(own: None) -> None:
    problem = read("data/problem/houses.json")
    encoder = read("data/scaled/houses/encoder.json")
    assert set(problem["categories"]) == {"town", "garden"}
    assert {"area", "area_missing", "sold_year", "sold_month"} <= set(problem["numbers"])
    assert "id" not in problem["numbers"]
    assert encoder["dates"][0]["format"] == "%d.%m.%Y"
    assert next(c["values"] for c in encoder["categories"] if c["column"] == "town") == [
        None, "Bonn", "Kiel", "Ulm",
    ]  # fmt: skip
    assert sum(problem["rows"].values()) == 399


def test_new_rows_are_predicted(own: None, tmp_path: Path) -> None:
    """From a file as it was taken in, that a spreadsheet wrote."""
    write(houses().drop(columns="price"), tmp_path / "new.csv")
    done = run_command("predict", "houses/mlp", tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert done.status == 0, done.err
    found = pd.read_csv(tmp_path / "out.csv")["predicted"]
    assert len(found) == 400
    wanted = pd.read_parquet("data/predictions/houses/mlp.parquet")
    np.testing.assert_allclose(found[wanted["row"]], wanted["predicted"], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["selu", "wide_deep"])
def test_other_networks_are_trained_on_a_table_of_ones_own(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    work_in_copy(built, tmp_path, monkeypatch)
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=houses", f"model={model}")
    assert np.isfinite(read(f"metrics/houses/{model}.json")["test"]["rmse"])


@pytest.mark.slow
def test_dvc_runs_what_depends_on_a_file_of_ones_own(tmp_path: Path) -> None:
    """An experiment trains on it, a change of it has stages run again, a copy has it, too."""
    folder, elsewhere = clone(tmp_path / "project"), tmp_path / "Houses 2020.csv"
    write(houses(), elsewhere)
    fathom(folder, "new-dataset", str(elsewhere), "--target", "price", "--name", "houses")
    chosen = ["-S", "datasets=[houses]", "-S", "models=[mlp]"]
    run_in(folder, "dvc", "exp", "run", *chosen, *TARGETS)
    commit(folder)
    assert repro(folder, *TARGETS) == []

    file = folder / "data/own/houses.csv"
    table = pd.read_csv(file, sep=";", decimal=",")
    table.loc[0, "price"] = 9999.0
    file.unlink()  # DVC may have made it a link into its cache
    write(table, file)
    stages = {f"{stage}@houses" for stage in ("download", "split", "check", "scale")}
    assert stages | {"train@houses-mlp"} == set(repro(folder, *TARGETS))
    raw = pd.read_parquet(folder / "data/raw/houses/data.parquet")
    assert raw.loc[0, "price"] == 9999.0

    commit(folder)
    before = (folder / "models/houses/mlp/model.keras").read_bytes()
    done = run_in(
        folder, "dvc", "exp", "run", "--temp", "-n", "copy", "-S", "train.epochs=1", *TARGETS
    )
    assert "train@houses-mlp" in ran(done.stdout)
    assert (folder / "models/houses/mlp/model.keras").read_bytes() == before


def fathom(folder: Path, *arguments: str) -> None:
    environment = f"PYTHONPATH={folder / 'src'}"
    run_in(folder, "env", environment, sys.executable, "-m", "fathom", *arguments)


def trips(rows: int, seed: int) -> pd.DataFrame:
    """Return rows whose fare can be learned, with missing values and a text column."""
    rng = np.random.default_rng(seed)
    numbers = {f"x{column}": rng.normal(size=rows).astype(np.float32) for column in range(7)}
    distance, night = rng.exponential(5, rows).astype(np.float32), rng.random(rows) < 0.3
    zone = rng.choice(["north", "south", "west"], rows)
    fare = 3 + 2 * distance * np.where(zone == "west", 1.5, 1) + 5 * night
    return pd.DataFrame(
        {
            **numbers,
            "distance": np.where(rng.random(rows) < 0.01, np.nan, distance),
            "night": night,
            "zone": zone,
            "fare": fare + rng.normal(0, 0.5, rows),
        }
    )


@pytest.mark.slow
def test_a_table_that_is_read_block_by_block_goes_all_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """21 million values, in files of a folder: as many as a table larger than memory goes by."""
    folder, source = tmp_path / "project", tmp_path / "trips"
    settle(
        folder, monkeypatch, "gates={}", "train.epochs=1", "train.batch_size=2048",
        "memory_limit=2", "explain.background=5",
    )  # fmt: skip
    source.mkdir()
    for number in range(3):
        trips(640_000, number).to_parquet(source / f"{number}.parquet", index=False)
    printed = take_in(source, "--target", "fare", "--name", "trips")
    assert "from the first 1,818,181 of 1,920,000 rows" in printed
    run_pipeline(["trips"], ["mlp"])
    subsets = read("data/split/trips/split.json")
    assert sum(subsets.values()) == 1_920_000
    assert subsets["test"] == pytest.approx(480_000, rel=0.01)
    figures = read("metrics/trips/mlp.json")
    assert figures["test"]["r2"] > 0.9
    baselines = read("metrics/trips/baseline.json")
    assert figures["test"]["rmse"] < baselines["linear"]["test"]["rmse"]
    page = Path("report/index.html").read_text()
    assert "The 11 columns, by 1,000,000 of their rows" in page
    done = run_command("predict", "trips/mlp", source / "0.parquet", "-o", "out.parquet")
    assert done.status == 0, done.err
    answers = pd.read_parquet("out.parquet")
    assert len(answers) == 640_000
    assert np.corrcoef(answers["fare"], answers["predicted"])[0, 1] > 0.95


def test_a_network_is_trained_on_images_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, source = tmp_path / "project", tmp_path / "numerals"
    settle(folder, monkeypatch, "train.epochs=30", "train.batch_size=32")
    digits = datasets.load_digits()
    for row, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        if label < 3:
            file = source / f"class {label}/{row}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((image * 15).astype(np.uint8)).save(file)
    take_in(source)
    for stage in ("download", "split", "scale"):
        make_stage(stage, "dataset=numerals")
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=numerals", "model=mlp")
    assert read("metrics/numerals/mlp.json")["test"]["accuracy"] > 0.9
    schema = read("data/raw/numerals/schema.json")
    assert schema["classes"] == ["class 0", "class 1", "class 2"]
    assert schema["image_shape"] == [8, 8]
