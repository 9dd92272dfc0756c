"""Exported networks that tests of several files read, and data sets of their own."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from conftest import LEAN, every_kind, export_network, prepare
from stages import build_once

from fathom.download.sources import RawTable

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


def exported_networks(pipeline: Path, factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the exports of `pipeline`, `ADULTS` and `HOUSES`. Read it alone."""

    def build(folder: Path) -> None:
        shutil.copytree(pipeline, folder, dirs_exist_ok=True)
        source = {"_target_": f"{__name__}.houses", "missing": ["?"]}
        tree = {"dataset": {"source": source, "task": "regression", "target": "price"}}
        text = "# @package _global_\n" + yaml.safe_dump(tree)
        (folder / "conf/dataset/houses.yaml").write_text(text)
        prepare(folder, ["adult_census", "houses"])
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for name in (ADULTS, HOUSES):
                export_network(*name.split("/"), *LEAN)

    return build_once(factory, "exports", build)


@functools.cache
def loaded(folder: Path) -> ExportedModel:
    """Return an export's model and signature: once, since that takes a second or more."""
    from fathom.predict.exported_model import ExportedModel  # imports Keras

    return ExportedModel(folder)
