"""Exported networks that tests of several files read, and data sets of their own."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from conftest import LEAN, edit, export_network, prepare
from export_formats import Arrays
from own_tables import every_kind
from stages import build_once, plant_few_trees, write_dataset

from fathom.artifacts.signature import IMAGE, Signature
from fathom.base import paths
from fathom.download.sources import RawTable, package_csv
from fathom.predict.model_inputs import model_inputs

if TYPE_CHECKING:
    from fathom.predict.exported_model import ExportedModel

CALIFORNIA, DIGITS = "california_housing/wide_deep", "digits/mlp"  # of the fixture `pipeline`
ADULTS, HOUSES = "adult_census/mlp", "houses/mlp"


def houses(missing: list[str]) -> RawTable:
    """Return a table of every kind of column."""
    rng = np.random.default_rng(3)
    table = every_kind(rng, 300, missing=0.1, rooms=5)
    table["with pool"] = rng.random(len(table)) < 0.3
    price = table["rent"] + table["rooms"] + 3 * table["with pool"]
    return RawTable(table.assign(price=price), "the test", "0" * 64)


def adults() -> RawTable:
    """Return a tenth of the adult census, the last 1,628 rows of which are of its test set."""
    file = "datasets/data/adult_census.csv"
    census = package_csv("shapiq", file, first_test_rows=16_281).table
    assert isinstance(census, pd.DataFrame)
    return RawTable(census[::10].reset_index(drop=True), "the test", "0" * 64, 1_628)


def take_few_adults(folder: Path) -> None:
    few = f"dataset.source={{_target_: {__name__}.adults}}"
    edit(folder / "conf/dataset/adult_census.yaml", few, "split.valid=300")


def exported_networks(pipeline: Path, factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the exports of `pipeline`, `ADULTS` and `HOUSES`. Read it alone."""

    def build(folder: Path) -> None:
        shutil.copytree(pipeline, folder, dirs_exist_ok=True)
        source = {"_target_": f"{__name__}.houses", "missing": ["?"]}
        settings = {"source": source, "task": "regression", "target": "price"}
        write_dataset(folder, "houses", settings, model={"dropout": 0.1})
        take_few_adults(folder)
        prepare(folder, ["adult_census", "houses"])
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            plant_few_trees(patch)
            export_network(*ADULTS.split("/"), *LEAN)
            export_network(*HOUSES.split("/"), *LEAN, "export.onnx=true")

    return build_once(factory, "exports", build)


@functools.cache
def loaded(folder: Path) -> ExportedModel:
    """Return an export's model and signature: once, since that takes a second or more."""
    from fathom.predict.exported_model import ExportedModel  # imports Keras

    return ExportedModel(folder)


def raw_inputs(dataset: str, model: str) -> tuple[Arrays, Arrays]:
    """Return the raw test rows as an export takes them, and what the network predicts for them."""
    folder = paths.export(dataset, model)
    signature = Signature.read(folder)
    predictions = pd.read_parquet(paths.predictions(dataset, model))
    rows, classes = predictions["row"].to_numpy(), signature.main.classes
    if signature.kind == "images":
        inputs = {IMAGE: np.load(paths.raw(dataset) / "images.npy")[rows]}
    else:
        raw = pd.read_parquet(paths.raw(dataset) / "data.parquet").iloc[rows]
        inputs = model_inputs({str(name): raw[name] for name in raw}, signature)
    names = ["predicted"] if classes is None else [f"probability_{name}" for name in classes]
    return inputs, {"main_output": predictions[names].to_numpy().squeeze()}
