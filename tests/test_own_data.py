"""A user's own files, from `fathom new-dataset` to the report."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import clone, commit, copy_settings, edit, ran, repro, run_in, shrink, work_in_copy
from own_tables import houses, make_project, new_dataset, write_spreadsheet
from PIL import Image
from sklearn import datasets
from stages import build_once, draw_nothing, make_stage, run_command, run_pipeline, run_stage

from fathom.base.files import read_json
from fathom.doctor.findings import WRONG
from fathom.doctor.project import check_own_data

ELSEWHERE = "/dev/shm/fathom-{}"  # another file system
TRAIN = "train@houses-mlp"


def settle(folder: Path, patch: pytest.MonkeyPatch, *assignments: str) -> None:
    """Make a project with small settings, in which `dvc add` only copies, the working folder."""
    copy_settings(folder)
    shrink(folder, "models=[mlp]", *assignments)
    make_project(folder, patch)
    patch.chdir(folder)


def read(file: str) -> Any:
    return read_json(Path(file), made_by="")


@pytest.fixture(scope="module")
def own_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that has taken in a table, and run every stage. Read it alone."""

    def build(folder: Path) -> None:
        file = tmp_path_factory.mktemp("elsewhere") / "Houses 2020.csv"
        write_spreadsheet(houses(400), file)
        with pytest.MonkeyPatch.context() as patch:
            settle(folder, patch)
            draw_nothing(patch)
            new_dataset(file, "--target", "price", "--name", "houses")
            run_pipeline(["houses"], ["mlp"])

    return build_once(tmp_path_factory, "own", build)


def test_a_table_of_ones_own_goes_all_the_way(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own_project)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as `predict` sets it: undone afterwards
    assert np.isfinite(read("metrics/houses/mlp.json")["test"]["rmse"])
    baselines = read("metrics/houses/baseline.json")
    assert baselines["boosting"]["test"]["r2"] > 0.8  # what was written is what is read
    page = Path("report/index.html").read_text()
    assert "houses" in page
    assert "1 of 400 rows have no" in page
    problem = read("data/problem/houses.json")
    encoder = read("data/scaled/houses/encoder.json")
    assert set(problem["categories"]) == {"city", "garden"}
    assert {"rooms", "rooms_missing", "sold_year", "sold_month"} <= set(problem["numbers"])
    assert "id" not in problem["numbers"]
    assert encoder["dates"][0]["format"] == "%d/%m/%Y"
    categories = {column["column"]: column["values"] for column in encoder["categories"]}
    assert categories["city"] == [None, "Bonn", "Köln"]
    assert sum(problem["rows"].values()) == 399

    new = write_spreadsheet(houses(400).drop(columns="price"), tmp_path / "new.csv")
    done = run_command("predict", "houses/mlp", new, "-o", tmp_path / "out.csv")
    assert done.status == 0, done.err
    found = pd.read_csv(tmp_path / "out.csv", sep=";", decimal=",")["predicted"]  # as the input
    assert len(found) == 400
    wanted = pd.read_parquet("data/predictions/houses/mlp.parquet")
    np.testing.assert_allclose(found[wanted["row"]], wanted["predicted"], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["selu", "wide_deep"])
def test_other_networks_are_trained_on_a_table_of_ones_own(
    own_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    work_in_copy(own_project, tmp_path, monkeypatch)
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=houses", f"model={model}")
    assert np.isfinite(read(f"metrics/houses/{model}.json")["test"]["rmse"])


@pytest.mark.slow
def test_dvc_runs_what_depends_on_a_file_of_ones_own(tmp_path: Path) -> None:
    """An experiment trains on it, a change of it has stages run again, a copy has it, too."""
    folder, elsewhere = clone(tmp_path / "project"), tmp_path / "Houses 2020.csv"
    write_spreadsheet(houses(400), elsewhere)
    run_in(
        folder, "env", f"PYTHONPATH={folder / 'src'}", sys.executable, "-m", "fathom",
        "new-dataset", str(elsewhere), "--target", "price", "--name", "houses",
    )  # fmt: skip
    chosen = ["-S", "datasets=[houses]", "-S", "models=[mlp]"]
    run_in(folder, "dvc", "exp", "run", *chosen, TRAIN)
    commit(folder)
    assert repro(folder, TRAIN) == []

    file = folder / "data/own/houses.csv"
    table = houses(400)
    table.loc[0, "price"] = 9999.0
    file.unlink()  # DVC may have made it a link into its cache
    write_spreadsheet(table, file)
    stages = {f"{stage}@houses" for stage in ("download", "split", "scale")}
    assert stages == set(repro(folder, "scale@houses"))
    assert f"{TRAIN}:" in run_in(folder, "dvc", "status", TRAIN).stdout
    raw = pd.read_parquet(folder / "data/raw/houses/data.parquet")
    assert raw.loc[0, "price"] == 9999.0

    commit(folder)
    before = (folder / "data/split/houses/test.npy").read_bytes()
    other, split = ["-S", "split.test=0.3"], "split@houses"
    done = run_in(folder, "dvc", "exp", "run", "--temp", "-n", "copy", *other, split)
    assert split in ran(done.stdout)
    assert (folder / "data/split/houses/test.npy").read_bytes() == before


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
    """A table of files of a folder, with limits a hundredth of the real ones."""
    folder, source = tmp_path / "project", tmp_path / "trips"
    for module in ("artifacts.schema", "download.sources", "new_dataset.unknown_table"):
        monkeypatch.setattr(f"fathom.{module}.LARGE", 200_000)
    for module in ("base.tables", "download.parquet_files"):
        monkeypatch.setattr(f"fathom.{module}.BLOCK", 5_000)
    monkeypatch.setattr("fathom.base.tables.ROW_GROUP", 1_000)
    monkeypatch.setattr("fathom.report.column_summaries.MAX_ROWS", 10_000)
    settle(
        folder, monkeypatch, "gates={}", "train.epochs=20", "train.batch_size=32",
        "explain.background=5",
    )  # fmt: skip
    source.mkdir()
    for number in range(3):
        trips(6_400, number).to_parquet(source / f"{number}.parquet", index=False)
    printed = new_dataset(source, "--target", "fare", "--name", "trips")
    assert "from the first 18,181 of 19,200 rows" in printed
    run_pipeline(["trips"], ["mlp"])
    subsets = read("data/split/trips/split.json")
    assert sum(subsets.values()) == 19_200
    assert subsets["test"] == pytest.approx(4_800, rel=0.05)
    metrics = read("metrics/trips/mlp.json")["test"]
    assert metrics["r2"] > 0.9
    assert metrics["rmse"] < read("metrics/trips/baseline.json")["linear"]["test"]["rmse"]
    assert "The 11 columns, by 10,000 of their rows" in Path("report/index.html").read_text()
    done = run_command("predict", "trips/mlp", source / "0.parquet", "-o", "out.parquet")
    assert done.status == 0, done.err
    rows = pd.read_parquet("out.parquet")
    assert len(rows) == 6_400
    assert np.corrcoef(rows["fare"], rows["predicted"])[0, 1] > 0.95


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
    new_dataset(source)
    for stage in ("download", "split", "scale"):
        make_stage(stage, "dataset=numerals")
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=numerals", "model=mlp")
    assert read("metrics/numerals/mlp.json")["test"]["accuracy"] > 0.9
    schema = read("data/raw/numerals/schema.json")
    assert schema["classes"] == ["class 0", "class 1", "class 2"]
    assert schema["image_shape"] == [8, 8]


def own_table(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make a project in which DVC tracks a table; return the table's file."""
    settle(folder, patch)
    write_spreadsheet(houses(40), Path("houses.csv"))
    new_dataset("houses.csv", "--target", "price", "--name", "houses")
    return Path("data/own/houses.csv")


def link(file: Path) -> None:
    """Replace a file by a link into a cache elsewhere, as DVC does with `cache.type symlink`."""
    cached = Path("../cache").absolute() / "ab" / "c123"
    cached.parent.mkdir(parents=True)
    file.rename(cached)
    file.symlink_to(cached)


def test_a_file_of_ones_own_may_be_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = own_table(tmp_path / "project", monkeypatch)
    make_stage("download", "dataset=houses")
    raw = Path("data/raw/houses/data.parquet").read_bytes()
    link(file)
    make_stage("download", "dataset=houses")
    assert Path("data/raw/houses/data.parquet").read_bytes() == raw
    # It is described where it is, and not copied.
    for place in (file, file.absolute()):
        printed = new_dataset(place, "--target", "price", "--name", "houses", "--force")
        assert "DVC tracks data/own/houses.csv\n" in printed
    assert [path.name for path in Path("data/own").iterdir() if path.suffix == ".csv"] == [
        "houses.csv"
    ]
    Path("data/own/../other.csv").write_text("a\n")
    for outside in ("data/own/../other.csv", "other.csv"):
        stage = run_stage("download", "dataset=houses", f"dataset.source.file={outside}")
        assert stage.err == (
            f"download.py: command line: dataset.source: {outside} is not in data/own/, "
            f"where DVC notices changes: copy it there with `fathom new-dataset {outside}`\n"
        )


def test_data_that_is_not_here_can_be_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own_table(tmp_path / "project", monkeypatch)
    file.unlink()
    line = "data/own/houses.csv is missing: `dvc pull data/own/houses.csv.dvc` brings it"
    settings = "conf/dataset/houses.yaml: dataset.source"
    assert run_stage("download", "dataset=houses").err == f"download.py: {settings}: {line}\n"
    assert (WRONG, line) in list(check_own_data())
    Path("data/own/more.dvc").touch()
    inner = "dataset.source.file=data/own/more/a.csv"
    assert run_stage("download", "dataset=houses", inner).err == (
        "download.py: command line: dataset.source: data/own/more/a.csv is missing: "
        "`dvc pull data/own/more.dvc` brings it\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("links", "place"),
    [
        ("symlink", ".dvc/cache"),
        ("symlink", ELSEWHERE),
        ("hardlink,copy", ".dvc/cache"),
        ("reflink,copy", ELSEWHERE),
    ],
)
def test_own_data_however_dvc_links_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: str, place: str
) -> None:
    """Also with a cache on another file system."""
    folder, cache = clone(tmp_path / "project"), Path(place.format(os.getpid()))
    monkeypatch.chdir(folder)
    edit(Path("params.yaml"), "datasets=[houses]", "models=[mlp]")
    with Path(".dvc/config").open("a") as config:
        config.write(f"[cache]\n    type = {links!r}\n    dir = {cache.absolute()}\n")
    file = write_spreadsheet(houses(40), tmp_path / "h.csv")
    try:
        new_dataset(file, "--target", "price", "--name", "houses")
        assert Path("data/own/houses.csv").is_symlink() == (links == "symlink")
        assert repro(folder, "split@houses") == ["download@houses", "split@houses"]
        Path("data/own/houses.csv").unlink()
        shutil.rmtree("data/raw")
        run_in(folder, "dvc", "checkout", "-q", "data/own/houses.csv.dvc")
        assert repro(folder, "split@houses") == []
    finally:
        if cache.is_absolute():
            shutil.rmtree(cache, ignore_errors=True)
