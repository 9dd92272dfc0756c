"""Fashion-MNIST from a mirror and from a folder, to predictions of its official test images."""

import functools
import gzip
import json
import os
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, copy_settings, edit, shrink
from PIL import Image
from stages import make_stage, plant_few_trees, run_command, run_stage

from fathom.artifacts.problem import Problem

FASHION = ROOT.parent / "shared/data/fashion-mnist"

HAS_FASHION = pytest.mark.skipif(
    not FASHION.is_dir(), reason="the files of Fashion-MNIST are not there"
)
pytestmark = [pytest.mark.slow, HAS_FASHION]


@pytest.fixture
def mirror() -> Iterator[str]:
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(FASHION))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_fashion_mnist_comes_from_a_mirror(
    tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FATHOM_CACHE", str(tmp_path / "cache"))
    copy_settings(tmp_path)
    shrink(tmp_path, "models=[mlp]", f"mirror={mirror}")
    monkeypatch.chdir(tmp_path)
    for stage in ("download", "split", "scale"):
        make_stage(stage, "dataset=fashion_mnist")
    assert Problem.read("fashion_mnist").rows == {"train": 55_000, "valid": 5_000, "test": 10_000}
    valid = np.load("data/split/fashion_mnist/valid.npy")
    assert sorted(valid) == list(range(5_000))  # the first ones, as in the tutorials
    images = np.load("data/raw/fashion_mnist/images.npy", mmap_mode="r")
    with gzip.open(FASHION / "t10k-images-idx3-ubyte.gz") as file:
        official = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    np.testing.assert_array_equal(images[60_000:], official)
    assert len(list((tmp_path / "cache").glob("*/*.gz"))) == 4

    # The official test images, as files that the project has never seen.
    settings = ["split.valid=58_000", "train={epochs: 5, batch_size: 32}"]
    edit(tmp_path / "conf/dataset/fashion_mnist.yaml", *settings)
    plant_few_trees(monkeypatch)
    for stage in ("split", "check", "scale", "baseline"):
        make_stage(stage, "dataset=fashion_mnist")
    for stage in ("train", "evaluate", "export"):
        make_stage(stage, "dataset=fashion_mnist", "model=mlp")
    np.savez(tmp_path / "new.npz", official)
    found = predicted(tmp_path / "new.npz")
    wanted = pd.read_parquet("data/predictions/fashion_mnist/mlp.parquet")
    assert list(found["predicted"]) == list(wanted["predicted"])
    metrics = json.loads(Path("metrics/fashion_mnist/mlp.json").read_text())
    right = metrics["test"]["accuracy"]
    assert right > 0.6
    assert right == np.mean(found["predicted"] == wanted["actual"])
    Image.fromarray(official[2]).save(tmp_path / "2.png")
    assert list(predicted(tmp_path / "2.png")["predicted"]) == [wanted["predicted"][2]]


def predicted(images: Path) -> pd.DataFrame:
    done = run_command("predict", "fashion_mnist/mlp", images, "-o", "new.csv")
    assert done.status == 0, done.err
    return pd.read_csv("new.csv")


def test_fashion_mnist_comes_from_a_folder_named_in_the_environment(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FATHOM_CACHE", str(workspace / "cache"))
    monkeypatch.setenv("FATHOM_MIRROR", os.path.relpath(FASHION, workspace))
    done = run_stage("download", "dataset=fashion_mnist")
    assert "70000 rows" in done.out
    assert not list((workspace / "cache").rglob("*.gz"))
