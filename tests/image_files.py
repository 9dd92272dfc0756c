"""Images for tests of image folders."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RNG = np.random.default_rng(42)
GRAY = RNG.integers(0, 256, (5, 4), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (5, 4, 3), dtype=np.uint8)


def save(path: Path, pixels: NDArray[Any], **settings: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **settings)
    return path


def save_gray(folder: Path, *files: str) -> None:
    for file in files:
        save(folder / file, GRAY)


def two_classes(folder: Path, image: Image.Image, name: str = "1.png", **settings: Any) -> None:
    """Save one image in each of two classes."""
    for label in "ab":
        (folder / label).mkdir(parents=True, exist_ok=True)
        image.save(folder / label / name, **settings)
