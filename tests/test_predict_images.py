"""`fathom predict` on images."""

import io
import os
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from numpy.lib.format import write_array_header_1_0
from PIL import Image
from predictions import by_pipeline, by_predict, refusal
from predictions import in_project as in_project

from fathom.base.files import read_array
from fathom.predict.predict import Counts


def digit_images() -> tuple[np.ndarray, pd.DataFrame]:
    wanted = by_pipeline("digits")
    return np.asarray(read_array(Path("data/raw/digits/images.npy"), "")[wanted["row"]]), wanted


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_images_of_an_array(tmp_path: Path, suffix: str) -> None:
    images, wanted = digit_images()
    file = tmp_path / f"new.{suffix}"
    if suffix == "npz":
        np.savez_compressed(file, x_test=images, notes=np.arange(3))
    else:
        np.save(file, images[..., None])
    found, done = by_predict("digits", file, tmp_path / "out.csv")
    assert done == Counts(len(images), 0)
    assert list(found["row"]) == list(range(len(images)))
    assert list(found["predicted"].astype(str)) == list(wanted["predicted"])
    np.testing.assert_allclose(found["probability_3"], wanted["probability_3"], atol=1e-5)


def test_images_of_a_folder(tmp_path: Path) -> None:
    images, wanted = digit_images()
    folder = tmp_path / "new"
    for number, image in enumerate(images[:20]):
        file = folder / f"page {number // 7}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    found, _ = by_predict("digits", folder, tmp_path / "out.csv", flag=True)
    assert list(found["file"]) == [f"page {n // 7}/{n}.png" for n in range(20)]
    assert list(found["predicted"].astype(str)) == list(wanted["predicted"][:20])
    one, _ = by_predict("digits", folder / "page 0/3.png", tmp_path / "out.csv")
    assert list(one["file"]) == ["3.png"]
    assert str(one["predicted"][0]) == wanted["predicted"][3]


def test_images_brighter_than_those_trained_on_are_flagged(tmp_path: Path) -> None:
    images, _ = digit_images()
    images[1] = images[1] * 15
    np.save(tmp_path / "new.npy", images[:3])
    found, done = by_predict("digits", tmp_path / "new.npy", tmp_path / "out.csv", flag=True)
    assert list(found["unusual"].fillna("")) == ["", "pixels above 16", ""]
    assert done == Counts(3, 1)


def test_images_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    out, zeros = tmp_path / "out.csv", np.zeros((2, 8, 8), np.uint8)
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(tmp_path / "a.png")
    np.savez(tmp_path / "two.npz", a=zeros, b=np.zeros(2))
    np.save(tmp_path / "colour.npy", np.zeros((2, 8, 8, 3), np.uint8))
    np.save(tmp_path / "empty.npy", zeros[:0])
    (tmp_path / "none").mkdir()
    refusals = yaml.safe_load((ROOT / "tests/refusals.yaml").read_text())
    for name, message in refusals["predict images"].items():
        assert refusal("digits", tmp_path / name, out) == f"{tmp_path / name}{message}"
    assert refusal("digits", tmp_path / "two.npz", out, array="c") == (
        f"--array: {tmp_path / 'two.npz'} has no array 'c'; there are: a, b"
    )
    found, _ = by_predict("digits", tmp_path / "two.npz", out, array="a")
    assert len(found) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / os.fsdecode(b"a\xff.png"))
    wanted = f"{folder}: the name b'a\\xff.png' is not UTF-8: rename it"
    assert refusal("digits", folder, tmp_path / "out.csv") == wanted
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    table = (tmp_path / "a.parquet").rename(tmp_path / os.fsdecode(b"\xff.parquet"))
    wanted = f"{tmp_path}: the name b'\\xff.parquet' is not UTF-8: rename it"
    assert refusal("california_housing", table, tmp_path / "out.csv") == wanted


def test_an_array_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Zeros compress a thousandfold, and a header may claim anything."""
    file, out, header = tmp_path / "large.npz", tmp_path / "out.csv", io.BytesIO()
    claim = {"descr": "|u1", "fortran_order": False, "shape": (1 << 40, 8, 8)}
    write_array_header_1_0(header, claim)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("images.npy", header.getvalue())
    start, end = refusal("digits", file, out).split(", but ")
    assert start == f"{file}: images takes 67,108,864 MiB of memory"
    assert re.sub("^[0-9,]+", "N", end) == (
        "N MiB are free: save it with numpy.save as an .npy file, which is read in parts"
    )
