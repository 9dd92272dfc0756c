"""A user's own files, from `fathom new-dataset` to the report, in clones of the project."""

import gzip
import json
import os
import sys
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, clone, commit, edit, ran, repro, run_in
from PIL import Image
from sklearn import datasets

pytestmark = pytest.mark.slow

FASHION = ROOT.parent / "shared/data/fashion-mnist"
MODELS = ["mlp", "selu", "wide_deep"]


def fathom(folder: Path, *arguments: str) -> str:
    environment = f"PYTHONPATH={folder / 'src'}"
    return run_in(folder, "env", environment, sys.executable, "-m", "fathom", *arguments).stdout


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
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone that has taken in a table, and trained all networks on it."""
    folder = clone(tmp_path_factory.mktemp("own"))
    file = tmp_path_factory.mktemp("elsewhere") / "Houses 2020.csv"
    houses().to_csv(file, index=False, sep=";", decimal=",")
    fathom(folder, "new-dataset", str(file), "--target", "price", "--name", "houses")
    run_in(folder, "dvc", "exp", "run", "-S", "datasets=[houses]")
    commit(folder)
    return folder


def test_all_networks_are_trained_on_a_table_of_ones_own(project: Path) -> None:
    figures = {
        model: json.loads((project / f"metrics/houses/{model}.json").read_text())["test"]
        for model in MODELS
    }
    baselines = json.loads((project / "metrics/houses/baseline.json").read_text())
    assert all(np.isfinite(found["rmse"]) for found in figures.values())
    assert baselines["boosting"]["test"]["r2"] > 0.8  # what was written is what is read
    page = (project / "report/index.html").read_text()
    assert "houses" in page
    assert "1 of 400 rows have no" in page


def test_every_kind_of_column_is_taken(project: Path) -> None:
    problem = json.loads((project / "data/problem/houses.json").read_text())
    encoder = json.loads((project / "data/scaled/houses/encoder.json").read_text())
    assert set(problem["categories"]) == {"town", "garden"}
    assert {"area", "area_missing", "sold_year", "sold_month"} <= set(problem["numbers"])
    assert "id" not in problem["numbers"]
    assert encoder["dates"][0]["format"] == "%d.%m.%Y"
    assert next(c["values"] for c in encoder["categories"] if c["column"] == "town") == [
        None, "Bonn", "Kiel", "Ulm",
    ]  # fmt: skip
    assert sum(problem["rows"].values()) == 399


def test_a_changed_file_reruns_what_depends_on_it(project: Path) -> None:
    assert repro(project) == []
    file = project / "data/own/houses.csv"
    table = pd.read_csv(file, sep=";", decimal=",")
    table.loc[0, "price"] = 9999.0
    file.unlink()  # DVC may have made it a link into its cache
    table.to_csv(file, index=False, sep=";", decimal=",")
    stages = repro(project)
    before_training = {f"{stage}@houses" for stage in ("download", "split", "check", "scale")}
    assert before_training | {f"train@houses-{model}" for model in MODELS} <= set(stages)
    raw = pd.read_parquet(project / "data/raw/houses/data.parquet")
    assert raw.loc[0, "price"] == 9999.0


def test_an_experiment_in_a_copy_has_the_file(project: Path) -> None:
    commit(project)
    before = (project / "metrics/houses/mlp.json").read_text()
    done = run_in(
        project, "dvc", "exp", "run", "--temp", "-n", "copy", "-S", "train.epochs=1",
        "-S", "models=[mlp]",
    )  # fmt: skip
    assert "train@houses-mlp" in ran(done.stdout)
    assert (project / "metrics/houses/mlp.json").read_text() == before


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


def test_a_table_that_is_read_block_by_block_goes_all_the_way(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """21 million values, in files of a folder: as many as a table larger than memory goes by."""
    folder, source = clone(tmp_path_factory.mktemp("large")), tmp_path_factory.mktemp("trips")
    for number in range(3):
        trips(640_000, number).to_parquet(source / f"{number}.parquet", index=False)
    said = fathom(folder, "new-dataset", str(source), "--target", "fare", "--name", "trips")
    assert "by the first 1,818,181 of 1,920,000 rows" in said
    edit(folder / "params.yaml", "datasets=[trips]", "models=[mlp]", "gates={}")
    edit(folder / "params.yaml", "train.repeats=1", "train.epochs=1", "train.batch_size=2048")
    edit(folder / "params.yaml", "memory_limit=2", "explain.background=5")
    repro(folder)
    parts = json.loads((folder / "data/split/trips/split.json").read_text())
    assert sum(parts.values()) == 1_920_000
    assert parts["test"] == pytest.approx(480_000, rel=0.01)
    figures = json.loads((folder / "metrics/trips/mlp.json").read_text())
    assert figures["test"]["r2"] > 0.9
    baselines = json.loads((folder / "metrics/trips/baseline.json").read_text())
    assert figures["test"]["rmse"] < baselines["linear"]["test"]["rmse"]
    page = (folder / "report/index.html").read_text()
    assert "The 11 columns, by 1,000,000 of their rows" in page
    fathom(folder, "predict", "trips/mlp", str(source / "0.parquet"), "-o", "out.parquet")
    answers = pd.read_parquet(folder / "out.parquet")
    assert len(answers) == 640_000
    assert np.corrcoef(answers["fare"], answers["predicted"])[0, 1] > 0.95
    assert repro(folder) == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone that has taken in a folder of images."""
    folder = clone(tmp_path_factory.mktemp("pictures"))
    digits = datasets.load_digits()
    source = tmp_path_factory.mktemp("elsewhere") / "numerals"
    for row, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        if label < 3:
            (source / f"class {label}").mkdir(parents=True, exist_ok=True)
            Image.fromarray((image * 15).astype(np.uint8)).save(
                source / f"class {label}" / f"{row}.png"
            )
    fathom(folder, "new-dataset", str(source))
    return folder


def test_a_network_is_trained_on_images_of_ones_own(pictures: Path) -> None:
    edit(pictures / "params.yaml", "datasets=[numerals]", "models=[mlp]", "train.epochs=30")
    edit(pictures / "params.yaml", "train.batch_size=32")
    repro(pictures, "evaluate@numerals-mlp")
    figures = json.loads((pictures / "metrics/numerals/mlp.json").read_text())
    assert figures["test"]["accuracy"] > 0.9
    schema = json.loads((pictures / "data/raw/numerals/schema.json").read_text())
    assert schema["classes"] == ["class 0", "class 1", "class 2"]
    assert schema["image_shape"] == [8, 8]


@pytest.fixture
def mirror() -> Iterator[str]:
    """Serve the real files of Fashion-MNIST on this machine."""
    if not FASHION.is_dir():
        pytest.skip("the files of Fashion-MNIST are not there")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object, **others: object) -> None:
            super().__init__(*arguments, directory=str(FASHION), **others)  # type: ignore[arg-type]

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_fashion_mnist_comes_from_a_mirror(
    tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FATHOM_CACHE", str(tmp_path / "cache"))
    folder = clone(tmp_path / "project")
    edit(folder / "params.yaml", "datasets=[fashion_mnist]", "models=[mlp]", f"mirror={mirror}")
    edit(folder / "conf/dataset/fashion_mnist.yaml", "train.epochs=2", "train.batch_size=512")
    repro(folder, "evaluate@fashion_mnist-mlp")
    rows = json.loads((folder / "data/problem/fashion_mnist.json").read_text())["rows"]
    assert rows == {"train": 55_000, "valid": 5_000, "test": 10_000}
    valid = np.load(folder / "data/split/fashion_mnist/valid.npy")
    assert sorted(valid) == list(range(5_000))  # the first ones, as in the tutorials
    images = np.load(folder / "data/raw/fashion_mnist/images.npy", mmap_mode="r")
    with gzip.open(FASHION / "t10k-images-idx3-ubyte.gz") as file:
        official = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    np.testing.assert_array_equal(images[60_000:], official)
    figures = json.loads((folder / "metrics/fashion_mnist/mlp.json").read_text())
    assert figures["test"]["accuracy"] > 0.6
    assert len(list((tmp_path / "cache").glob("*/*.gz"))) == 4

    # The official test images, as files that the project has never seen.
    edit(folder / "conf/dataset/fashion_mnist.yaml", "split.valid=58_000")  # boosting takes long
    repro(folder, "export@fashion_mnist-mlp")
    np.savez(tmp_path / "new.npz", official)
    fathom(folder, "predict", "fashion_mnist/mlp", str(tmp_path / "new.npz"), "-o", "new.csv")
    found = pd.read_csv(folder / "new.csv")
    wanted = pd.read_parquet(folder / "data/predictions/fashion_mnist/mlp.parquet")
    assert list(found["predicted"]) == list(wanted["predicted"])
    right = json.loads((folder / "metrics/fashion_mnist/mlp.json").read_text())["test"]["accuracy"]
    assert right == np.mean(found["predicted"] == wanted["actual"])
    for number in range(3):
        Image.fromarray(official[number]).save(tmp_path / f"{number}.png")
    fathom(folder, "predict", "fashion_mnist/mlp", str(tmp_path / "2.png"), "-o", "new.csv")
    assert list(pd.read_csv(folder / "new.csv")["predicted"]) == [wanted["predicted"][2]]


def test_fashion_mnist_comes_from_a_folder_named_in_the_environment(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not FASHION.is_dir():
        pytest.skip("the files of Fashion-MNIST are not there")
    monkeypatch.setenv("FATHOM_CACHE", str(workspace / "cache"))
    monkeypatch.setenv("FATHOM_MIRROR", os.path.relpath(FASHION, workspace))
    command = [sys.executable, str(ROOT / "src/download.py"), "dataset=fashion_mnist"]
    assert "70000 rows" in run_in(workspace, *command).stdout
    assert not (workspace / "cache").exists() or not list((workspace / "cache").rglob("*.gz"))
