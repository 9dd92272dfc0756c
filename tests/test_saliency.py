"""Explanations of images are complete and reproducible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import SHRUNK, dataset_config, edit, work_in_copy
from explanations import explain_few
from own_modules import forget_modules
from own_networks import OWN, OWN_SETTINGS
from stages import make_stage

from fathom.artifacts.model_file import read_model
from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.base import paths
from fathom.explain.saliency import IntegratedGradients, black_image, images_per_class


@pytest.fixture
def own_pipeline(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project in which every stage has run, made the working folder."""
    return work_in_copy(pipeline, tmp_path, monkeypatch)


def test_integrated_gradients_are_complete(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network has two inputs, both of which get the image."""
    monkeypatch.chdir(pipeline)
    problem = Problem.read("digits")
    model = read_model("digits", "wide_deep")
    black = black_image(read_scalers("digits").features, problem.shape)
    images = np.asarray(read_subset(problem, "test").features)[:50]
    of_images, of_black = (model([x, x])[0].numpy() for x in (images, black[None]))
    classes = of_images.argmax(axis=1)
    difference = of_images[np.arange(50), classes] - of_black[0, classes]
    gradients = IntegratedGradients(model, problem, black)
    attributions = gradients.attribute(images)
    assert attributions.sum(axis=(1, 2)) == pytest.approx(difference, abs=0.01)
    assert gradients.mean_absolute(images) == pytest.approx(np.abs(attributions).mean(axis=0))


def test_a_black_image_has_raw_values_of_0(scaled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scaled)
    raw, scaler = np.load("data/raw/digits/images.npy"), read_scalers("digits").features
    features = read_subset(Problem.read("digits"), "test").features
    first = raw[np.load("data/split/digits/test.npy")[0]]
    black = black_image(scaler, [8, 8])
    assert (np.asarray(features)[0] == black).tolist() == (first == 0).tolist()


def test_maps_of_images(own_pipeline: Path) -> None:
    explanation = explain_few("digits", model="wide_deep")
    maps = np.load("data/explanations/digits/maps.npy")
    assert (maps.shape, maps.dtype) == ((10, 8, 8), np.dtype(np.float32))
    assert (maps >= 0).all()
    assert maps.any(axis=(1, 2)).all()
    assert (maps[:, :, 0] == 0).all()  # no digit has any ink there
    assert explanation["classes"] == [str(digit) for digit in range(10)]
    assert explanation["rows_by_class"] == [12] * 10
    assert explanation["rows"] == 120
    network = [explanation[key] for key in ("dataset", "model", "kind")]
    assert network == ["digits", "wide_deep", "images"]


@pytest.mark.parametrize("dataset", ["california_housing", "digits"])
def test_the_same_seed_gives_the_same_bytes(own_pipeline: Path, dataset: str) -> None:
    def explain_seed(seed: int) -> list[bytes]:
        explain_few(dataset, f"seed={seed}", "explain.rows=2")
        return [file.read_bytes() for file in sorted(paths.explanation(dataset).iterdir())]

    first, again, other = explain_seed(1), explain_seed(1), explain_seed(2)
    assert first == again
    assert first != other


def test_own_classes_are_explained(trainable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subclassed network, whose inputs have no names, loads in a fresh process."""
    folder = trainable / "lib"
    folder.mkdir()
    (folder / "own_net.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    Path("conf/model/own.yaml").write_text(OWN_SETTINGS.format("build"))
    edit(Path("params.yaml"), "models=[own]")
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=digits", "model=own", *SHRUNK)
    forget_modules(folder)  # as in a fresh process
    make_stage("explain", "dataset=digits", "explain.rows=2", "gpus=[]")
    assert np.load("data/explanations/digits/maps.npy").any()


def test_images_of_each_class_stay_within_the_limit(workspace: Path) -> None:
    settings = dataset_config("digits", "explain.rows=50", "explain.evaluations=6400").explain
    assert [images_per_class(settings, classes, 64) for classes in (1, 10, 1000)] == [50, 10, 1]
