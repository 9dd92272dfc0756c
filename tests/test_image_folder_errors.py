"""A folder that is not a data set of images is refused with one line that says where and what."""

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from image_files import COLOR, GRAY, save, two_classes
from numpy.typing import NDArray
from own_files import damaged_copies
from own_files import refusal as refusal_of
from PIL import Image

from fathom.base.errors import FathomError
from fathom.download.images import read_image_folder


def refusal(folder: Path, **settings: Any) -> str:
    """Return the message for a folder, which is called FOLDER in it."""
    message = refusal_of(read_image_folder, folder, **settings)
    return message.replace(f"{folder.name}/", "").replace(folder.name, "FOLDER")


BAD_FOLDERS = yaml.safe_load(Path(__file__).with_name("bad_image_folders.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_refuses_a_folder(tmp_path: Path, case: dict[str, Any]) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for file in case["files"]:
        if file.endswith("/"):
            (folder / file).mkdir()
        elif file.endswith((".svg", ".txt")):
            (folder / file).write_bytes(b"x")
        else:
            save(folder / file, GRAY)
    assert refusal(folder) == case["message"]


def test_refuses_what_is_no_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == "FOLDER cannot be read: No such file or directory"
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file") == "FOLDER cannot be read: Not a directory"


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        (17, "dataset.source.bits must be from 8 to 16, not 17"),
        (12, "a/1.png has the value 5000, but images of 12 bits have at most 4095: "
             "set dataset.source.bits to 13"),
    ],
)  # fmt: skip
def test_refuses_values_of_more_bits(tmp_path: Path, bits: int, message: str) -> None:
    two_classes(tmp_path, Image.fromarray(np.full((5, 4), 5000, np.uint16)))
    assert refusal(tmp_path, bits=bits) == message


def test_refuses_images_of_two_sizes(tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", COLOR)
    save(tmp_path / "a/2.png", COLOR)
    save(tmp_path / "b/1.png", COLOR[:, :3])
    assert refusal(tmp_path) == (
        "a/1.png is 5 x 4 pixels (height x width), but b/1.png 5 x 3: set dataset.source.size: "
        "[height, width]"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        *(({"size": size}, f"dataset.source.size must be [height, width], not {size}")
          for size in ([28], [28, 28, 3], [0, 28], [28, -1], [28.0, 28], [True, 28], [])),
        ({"channels": 2}, "dataset.source.channels must be 1, 3 or null, not 2"),
        ({"size": [10**9, 10**9]}, "2 images of 1000000000 x 1000000000 pixels do not fit into "
         "memory: make dataset.source.size smaller"),
    ],
)  # fmt: skip
def test_refuses_settings(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    two_classes(tmp_path, Image.fromarray(GRAY))
    assert refusal(tmp_path, **settings) == message


def encode(pixels: NDArray[Any], kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


PNG = encode(COLOR, "PNG")
JPEG = encode(np.tile(COLOR, (20, 20, 1)), "JPEG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *((content, "is not a PNG, JPEG, BMP, GIF, PPM, TIFF or WEBP image: convert or remove it")
          for content in [b"", b"not an image", encode(COLOR, "ICO"), PNG[:10]]),
        (encode(COLOR[..., 0].astype(np.float32), "TIFF"), "has floating-point values: convert it "
         "to 8 or 16 bits, or save all images as an .npz file"),
        (PNG[:20], "is damaged (Truncated File Read): repair or remove it"),
        (PNG[:60], "is damaged (image file is truncated): repair or remove it"),
        (JPEG[:-1000], "is damaged (image file is truncated (N bytes not processed)): repair or "
         "remove it"),
    ],
)  # fmt: skip
def test_refuses_a_damaged_image(tmp_path: Path, content: bytes, message: str) -> None:
    two_classes(tmp_path, Image.fromarray(COLOR))
    (tmp_path / "b/2.png").write_bytes(content)
    assert re.sub(r"\d+ bytes", "N bytes", refusal(tmp_path)) == f"b/2.png {message}"


def test_refuses_a_decompression_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_classes(tmp_path, Image.fromarray(COLOR))
    for limit, shown in ((15, 15), (5, 10)):  # Pillow warns of the one and refuses the other
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert refusal(tmp_path) == (
            f"a/1.png: Image size (20 pixels) exceeds limit of {shown} pixels, could be "
            "decompression bomb DOS attack."
        )


def test_damaged_images_never_end_in_a_traceback(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    palette = Image.fromarray(np.tile(COLOR, (4, 4, 1))).quantize(16)
    two_classes(tmp_path, palette, transparency=3, exif=exif)
    two_classes(tmp_path, palette.convert("RGB"), "2.jpg", exif=exif)
    refused = 0
    for path in (tmp_path / "b/1.png", tmp_path / "b/2.jpg"):
        content = path.read_bytes()
        for damaged in damaged_copies(content):
            path.write_bytes(damaged)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    read_image_folder(tmp_path)
                except FathomError as error:
                    refused += "\n" not in str(error)
        path.write_bytes(content)
    assert refused > 100
