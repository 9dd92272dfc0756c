"""What new-dataset finds out about images, each of which it opens once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.signature import MOST_BITS
from fathom.download.image_files import WHITE, load_image

FEW = 8  # values in an image
FEW_IN_ALL = 16
DARK = 64  # of 256 values; fewer are a small part of the range


@dataclass
class ImageFacts:
    """Facts about some images.

    `changes` counts the images that reading changes, `colored` those with a color. `highest` is
    the highest value in 16-bit images, or None without any. `seen` tells which values occur.
    """

    sizes: list[tuple[int, int]] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)
    colored: int = 0
    constant: int = 0
    few: int = 0
    highest: int | None = None
    seen: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(2**MOST_BITS, np.bool_))

    def add_file(self, file: Path) -> None:
        loaded = load_image(file, str(file))
        levels = np.asarray(loaded.picture)
        self.changes.update(loaded.changes)
        if loaded.picture.mode == "I":
            self.highest = max(self.highest or 0, int(levels.max()))
            levels = levels[levels != WHITE]
        self.add(levels, loaded.picture.height, loaded.picture.width)

    def add(self, levels: NDArray[Any], height: int, width: int) -> None:
        """Add an image by its values, of shape (height, width), (height, width, 3) or (values,)."""
        self.sizes.append((height, width))
        pixels = levels.reshape(-1, 3) if levels.ndim == 3 else levels.reshape(-1, 1)
        self.colored += bool((pixels != pixels[:, :1]).any())
        self.constant += bool((pixels == pixels[:1]).all())
        values = np.flatnonzero(np.bincount(pixels.ravel()))
        self.few += len(values) < FEW
        self.seen[values] = True

    @property
    def bits(self) -> int | None:
        """The bits that the values of 16-bit images fill, at least 8; None without such images."""
        return None if self.highest is None else max(8, self.highest.bit_length())

    def list_notes(self) -> Iterator[str]:
        """Yield what reading changes, and what is odd about the values of pixels."""
        total = len(self.sizes)
        for change, count in self.changes.items():
            yield f"{count:,} of {total:,} images {change}"
        if self.constant:
            yield f"{self.constant:,} of {total:,} images have the same value in all pixels"
        values = np.unique(np.flatnonzero(self.seen) >> (self.bits or 8) - 8)
        if 1 < len(values) < FEW_IN_ALL:
            yield f"all images together have only {len(values)} different values of pixels"
        elif self.constant < self.few and 2 * self.few > total and np.ptp(values) < DARK:
            yield (
                f"{self.few:,} of {total:,} images have fewer than {FEW} different values of "
                f"pixels; those of all images are from {values[0]} to {values[-1]} of 255"
            )
