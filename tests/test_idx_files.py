"""Images in the IDX files of MNIST are read as they are, or refused with one line."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from numpy.typing import NDArray
from own_files import refusal, write

from fathom.download.arrays import read_idx, read_idx_images

FASHION = ROOT.parent / "shared/data/fashion-mnist"
PIXELS = np.random.default_rng(42).integers(0, 256, (6, 4, 3), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 1, 0, 2])


def idx(array: NDArray[Any]) -> bytes:
    header = bytes([0, 0, 8, array.ndim])
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + sizes + array.astype(np.uint8).tobytes()


def idx_files(folder: Path, images: bytes, labels: bytes) -> tuple[Path, Path]:
    return write(folder / "images", images), write(folder / "labels", labels)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files(tmp_path: Path, suffix: str) -> None:
    files = []
    for name, array in (("i", PIXELS), ("l", LABELS)):
        content = gzip.compress(idx(array)) if suffix else idx(array)
        files.append(write(tmp_path / f"{name}{suffix}", content))
    images, labels = read_idx(*files)
    assert (str(images.dtype), str(labels.dtype)) == ("uint8", "int64")
    np.testing.assert_array_equal(images, PIXELS)
    np.testing.assert_array_equal(labels, LABELS)
    images[0] = 0  # the array is writable
    found = read_idx_images(*files, *files)
    np.testing.assert_array_equal(found.images, np.concatenate([PIXELS, PIXELS]))
    np.testing.assert_array_equal(found.labels, np.concatenate([LABELS, LABELS]))
    assert (found.classes, found.files, found.test_rows) == (["0", "1", "2"], [], 6)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (idx(LABELS), idx(PIXELS),
         "images contains labels, not images: in IDX format those begin with 0x00000803"),
        (idx(PIXELS), idx(PIXELS),
         "labels contains images, not labels: in IDX format those begin with 0x00000801"),
        (b"\x89PNG....", idx(LABELS),
         "images begins with 0x89504e47, not images: in IDX format those begin with 0x00000803"),
        (b"", idx(LABELS), "images is empty"),
        (idx(PIXELS)[:10], idx(LABELS), "images is cut after 10 bytes: download it again"),
        (idx(PIXELS)[:-1], idx(LABELS),
         "images has 87 bytes, but its sizes [6, 4, 3] need 88: download it again"),
        (idx(PIXELS), idx(LABELS) + b"\n",
         "labels has 15 bytes, but its sizes [6] need 14: download it again"),
        (b"\0\0\x08\x03" + b"\xff" * 12, idx(LABELS), "images has 16 bytes, but its sizes "
         "[4294967295, 4294967295, 4294967295] need 79228162458924105385300197391: download it "
         "again"),
        (idx(PIXELS[:0]), idx(LABELS), "images contains no images: its sizes are [0, 4, 3]"),
        (idx(PIXELS), idx(LABELS[:5]), "images has 6 images, but labels 5 labels"),
        (gzip.compress(idx(PIXELS), mtime=0), idx(LABELS),
         "images is gzip-compressed, despite its suffix: rename or replace it"),
    ],
)  # fmt: skip
def test_refuses_idx_files(tmp_path: Path, images: bytes, labels: bytes, message: str) -> None:
    assert refusal(read_idx, *idx_files(tmp_path, images, labels)) == message


def test_refuses_idx_files_that_are_no_data_set(tmp_path: Path) -> None:
    images, labels = idx_files(tmp_path, idx(PIXELS), idx(LABELS))
    assert refusal(read_idx, images, tmp_path / "x") == "x is missing; there are: images, labels"
    packed = write(tmp_path / "i.gz", gzip.compress(idx(PIXELS))[:-9])
    assert refusal(read_idx, packed, labels) == (
        "i.gz is damaged gzip (Compressed file ended before the end-of-stream marker was reached): "
        "download or compress it again"
    )
    smaller = write(tmp_path / "smaller", idx(PIXELS[:, :2]))
    assert refusal(read_idx_images, images, labels, smaller, labels) == (
        "images have different shapes, (4, 3) in images and (2, 3) in smaller"
    )
    one = write(tmp_path / "one", idx(LABELS * 0 + 7))
    assert refusal(read_idx_images, images, one, images, one) == (
        "one has only the class '7'; classification needs two or more"
    )
    assert refusal(read_idx_images, images, labels, images, one) == (
        "one: only test images have the class '7'"
    )


@pytest.mark.skipif(not FASHION.is_dir(), reason="the files of Fashion-MNIST are missing")
def test_fashion_mnist() -> None:
    found = read_idx_images(
        *(
            FASHION / f"{subset}-{kind}-ubyte.gz"
            for subset in ("train", "t10k")
            for kind in ("images-idx3", "labels-idx1")
        )
    )
    assert found.images.shape == (70_000, 28, 28)
    assert found.test_rows == 10_000
    assert found.classes == list("0123456789")
    assert np.bincount(found.labels[:60_000]).tolist() == [6000] * 10
    assert np.bincount(found.labels[60_000:]).tolist() == [1000] * 10
    assert found.images[:60_000].mean() == pytest.approx(72.94, abs=0.01)
