"""What new-dataset tells of images, and the same reading by predict and serve."""

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import RNG, save
from numpy.typing import NDArray
from own_tables import make_project, new_dataset
from PIL import Image

from fathom.artifacts.signature import IMAGE, ImageInput
from fathom.download.image_files import load_image
from fathom.download.images import read_image_folder
from fathom.new_dataset.image_facts import ImageFacts
from fathom.predict.image_rows import read_images
from fathom.serve.json_images import image_inputs

NOISE = RNG.integers(0, 256, (5, 4), dtype=np.uint8)
RGB = RNG.integers(0, 2**16, (5, 4, 3))
TALL = Image.fromarray(NOISE)
EXIF = Image.Exif()
EXIF[0x0112] = 6
CLEAR = Image.merge("LA", [TALL, Image.fromarray(np.where(NOISE > 99, 255, 9).astype(np.uint8))])
CASES: list[tuple[str, Image.Image, dict[str, Any], list[str]]] = [
    ("plain.png", TALL, {}, []),
    ("plain.jpg", TALL.convert("RGB"), {}, []),
    ("turned.jpg", TALL, {"exif": EXIF}, ["are turned upright, as their EXIF data says"]),
    ("turned.png", TALL, {"exif": EXIF}, ["are turned upright, as their EXIF data says"]),
    ("clear.png", CLEAR, {}, ["have transparent pixels, which become white"]),
    ("opaque.png", TALL.convert("RGBA"), {}, []),
    ("palette.png", TALL.convert("P"), {"transparency": int(NOISE[0, 0])},
     ["have transparent pixels, which become white"]),
    ("both.png", CLEAR, {"exif": EXIF}, ["are turned upright, as their EXIF data says",
                                         "have transparent pixels, which become white"]),
    ("deep.png", Image.fromarray(np.array([[5, 256], [7, 9]], np.uint16)), {"transparency": 5},
     ["have transparent pixels, which become white"]),
    ("press.jpg", Image.merge("CMYK", [TALL] * 4), {}, ["are CMYK, which becomes RGB"]),
    ("moves.png", TALL, {"save_all": True, "append_images": [TALL.rotate(180)]},
     ["have several frames or pages: the first is read"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "image", "settings", "changes"), CASES, ids=[c[0] for c in CASES])
def test_files_are_read_alike_everywhere(
    tmp_path: Path, name: str, image: Image.Image, settings: dict[str, Any], changes: list[str]
) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        image.save(tmp_path / label / name, **settings)
    file, facts = tmp_path / "a" / name, ImageFacts()
    facts.add_file(file)
    assert [*facts.changes] == changes
    trained = read_image_folder(tmp_path).images
    assert trained.shape[1:3] == facts.sizes[0]
    signature = ImageInput(
        shape=list(trained.shape[1:]), type="uint8", low=0, high=255, resized=False
    )
    [(_, predicted)] = read_images(file, signature, None)
    served = image_inputs([{"b64": base64.b64encode(file.read_bytes()).decode()}], signature)
    np.testing.assert_array_equal(predicted[IMAGE], trained[:1])
    np.testing.assert_array_equal(served[IMAGE], trained[:1])


def test_colors_of_16_bits(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in RGB)
    header = struct.pack(">IIBBBBB", 4, 5, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(kind + data))
        content += struct.pack(">I", len(data)) + kind + data + check
    (tmp_path / "1.png").write_bytes(content)
    loaded = load_image(tmp_path / "1.png", "1.png")
    assert loaded.changes == ["have 16 bits for each color, of which the highest 8 are read"]
    np.testing.assert_array_equal(np.asarray(loaded.picture), RGB >> 8)


ODD: list[tuple[list[NDArray[Any]], list[str]]] = [
    ([NOISE] * 4, []),
    ([NOISE] * 3 + [NOISE * 0], ["1 of 4 images have the same value in all pixels"]),
    ([np.full((2, 2, 3), (255, 0, 9), np.uint8)] + [NOISE] * 3,
     ["1 of 4 images have the same value in all pixels"]),
    ([NOISE // 128 * 255] * 4, ["all images together have only 2 different values of pixels"]),
    ([NOISE % 5 + 5 * n for n in range(4)],
     ["4 of 4 images have fewer than 8 different values of pixels; those of all images are from "
      "0 to 19 of 255"]),
    ([NOISE % 5 + 50 * n for n in range(4)], []),  # a part of the range each
    ([NOISE.astype(np.uint16) * 16] * 4, []),
    ([NOISE.astype(np.uint16) % 5 + 5 * n for n in range(4)],
     ["4 of 4 images have fewer than 8 different values of pixels; those of all images are from "
      "0 to 19 of 255"]),
]  # fmt: skip


@pytest.mark.parametrize(("images", "notes"), ODD)
def test_images_of_few_values(tmp_path: Path, images: list[NDArray[Any]], notes: list[str]) -> None:
    facts = ImageFacts()
    for pixels in images:
        facts.add_file(save(tmp_path / "1.png", pixels))
    assert list(facts.list_notes()) == notes


def test_changes_are_said_in_the_settings(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(workspace, monkeypatch)
    for n in range(24):
        label = project / f"pets/{'cat' if n % 2 else 'dog'}"
        label.mkdir(parents=True, exist_ok=True)
        TALL.save(label / f"{n}.jpg", exif=EXIF)
        CLEAR.rotate(-90, expand=True).save(label / f"{n}.png")
    printed = new_dataset("pets")
    text = Path("conf/dataset/pets.yaml").read_text()
    assert "# pets: 48 images of 4 x 5 pixels in grey in 2 classes, from pets.\n" in text
    for note in (
        "24 of 48 images are turned upright, as their EXIF data says",
        "24 of 48 images have transparent pixels, which become white",
    ):
        assert f"  {note}\n" in printed
        assert f"# {note}\n" in text
    assert "size" not in text
