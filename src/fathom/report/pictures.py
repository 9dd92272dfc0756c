"""Images and maps of them as PNG inside the page."""

import base64
import io
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.files import read_array

CLASSES, EACH = 12, 6  # that samples are shown of, and how many of each
SEED = 42
READABLE = 40  # pixels; smaller images are drawn with larger pixels
SIDES = (64, 48, 32, 24, 16)  # of a sample, at most: as large as the page's share of bytes allows
BYTES = 300_000
GAP = 2  # pixels between samples
LOOKED_AT = 1_000  # images in which the brightest pixel is looked for
# matplotlib's magma, every 15th of its 256 colours: from nothing (black) to much (light yellow). It
# is perceptually uniform, and so very nearly is what lies straight between these.
MAGMA = (
    "000004 090720 1a1042 311165 4a1079 621980 "
    "792282 912b81 aa337d c23b75 d9466b ec5860 "
    "f7725c fc8e64 feaa74 fec68a fde2a3 fcfdbf"
)


def samples(dataset: str) -> str:
    """Return HTML with a row of training images for each class, perhaps only of the first classes.

    Raises:
        FathomError: the data is not there.
    """
    schema = Schema.read(dataset)
    made_by = f"download@{dataset}"
    images = read_array(paths.raw(dataset) / "images.npy", made_by)
    labels = read_array(paths.raw(dataset) / "labels.npy", made_by)
    train = read_array(paths.split(dataset) / "train.npy", f"split@{dataset}")
    white = brightest(images)
    generator = np.random.default_rng(SEED)
    classes = (schema.classes or [])[:CLASSES]
    chosen: dict[str, list[NDArray[np.uint8]]] = {}
    for number, name in enumerate(classes):
        rows = train[labels[train] == number]
        rows = np.sort(generator.choice(rows, min(EACH, len(rows)), replace=False))
        chosen[name] = [pixels(images[row], white) for row in rows]
    for side in SIDES:
        shown = [sample(name, row, side) for name, row in chosen.items() if row]
        if sum(map(len, shown)) <= BYTES:
            break
    left_out = len(schema.classes or []) - len(classes)
    note = f"<p>{left_out:,} more classes are left out.</p>" if left_out else ""
    style = "display:flex;flex-wrap:wrap;gap:.5rem 1.5rem"
    return f'<div class="samples" style="{style}">{"".join(shown)}</div>{note}'


def sample(name: str, images: list[NDArray[np.uint8]], side: int) -> str:
    """Return images of a class side by side, as HTML with its name."""
    fitted = [fit(image, side) for image in images]
    height, width = fitted[0].shape[:2]
    sheet = np.zeros((height, len(fitted) * (width + GAP) - GAP, 4), np.uint8)
    for place, image in enumerate(fitted):
        left = place * (width + GAP)
        sheet[:, left : left + width] = opaque(image)
    alt = f"{len(images)} training images of class {name}"
    return (
        f'<div class="sample"><div>{escape(name)}</div>'
        f'<img src="{uri(Image.fromarray(sheet))}" width="{sheet.shape[1]}" height="{height}" '
        f'alt="{escape(alt)}" style="max-width:100%;height:auto"></div>'
    )


def picture(image: NDArray[Any], white: float | None = None) -> str:
    """Return an image as a data URI, its pixels enlarged to squares if it is very small.

    Args:
        image: of shape (height, width) or (height, width, channels), with 1, 3 or 4 channels.
        white: the value of the lightest pixels; None: 255 for integers, 1 for fractions.
    """
    return uri(Image.fromarray(enlarged(pixels(image, white))))


def heat_map(values: NDArray[Any], limit: float) -> str:
    """Return a map of numbers as a data URI, from black (0) to light yellow (`limit` or more).

    Args:
        values: of shape (height, width), none below 0.
    """
    shares = np.clip(values / limit, 0, 1) if limit else np.zeros(values.shape)
    drawn = Image.fromarray(enlarged(np.rint(shares * 255).astype(np.uint8)))
    drawn.putpalette(palette().tobytes())
    return uri(drawn)


def palette() -> NDArray[np.uint8]:
    """Return the colours of a heat map, of shape (256, 3)."""
    known = np.array([list(bytes.fromhex(colour)) for colour in MAGMA.split()])
    places = np.linspace(0, 255, len(known))
    between = [np.interp(np.arange(256), places, known[:, channel]) for channel in range(3)]
    colours: NDArray[np.uint8] = np.rint(np.stack(between, axis=1)).astype(np.uint8)
    return colours


def brightest(images: NDArray[Any]) -> float:
    """Return the value of the lightest pixels: 255, or the highest where all are below half of it,
    as in digits of 16 shades.
    """
    highest = float(images[:LOOKED_AT].max())
    return 255.0 if highest > 127 else max(highest, 1.0)


def pixels(image: NDArray[Any], white: float | None = None) -> NDArray[np.uint8]:
    """Return an image in 256 shades, of shape (height, width), or with 3 or 4 channels."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if white is None:
        white = 255.0 if np.issubdtype(image.dtype, np.integer) else 1.0
    shades: NDArray[np.uint8] = np.rint(np.clip(image / white, 0, 1) * 255).astype(np.uint8)
    return shades


def enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a very small image with squares for pixels."""
    times = max(1, -(-READABLE // max(image.shape[:2])))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def fit(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return an image no larger than a square of this side."""
    image = enlarged(image)
    if max(image.shape[:2]) <= side:
        return image
    drawn = Image.fromarray(image)
    drawn.thumbnail((side, side))
    return np.asarray(drawn)


def opaque(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image of shape (height, width, 4): red, green, blue and how opaque it is."""
    return np.asarray(Image.fromarray(image).convert("RGBA"))


def uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
