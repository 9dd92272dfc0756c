"""Images and heat maps as PNG inside the page."""

import base64
import io
from typing import Any

import numpy as np
from markupsafe import escape
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.raw_images import read_images, read_labels
from fathom.artifacts.schema import Schema
from fathom.artifacts.split_rows import read_split_rows
from fathom.report.drawing import Drawing

MAX_CLASSES, SAMPLES = 12, 6  # classes with samples, and samples of each
SEED = 42
MIN_SIDE = 40  # smaller images are drawn with squares for pixels
SAMPLE_SIDES = (64, 48, 32, 24, 16)  # the largest one whose samples fit in MAX_BYTES is taken
MAX_BYTES = 300_000
GAP = 2  # pixels between samples
BRIGHTNESS_IMAGES = 1_000  # that the brightest pixel is searched in
# Every 15th of the 256 colors of matplotlib's magma, from black to light yellow. It is perceptually
# uniform, and colors on straight lines between these differ little from its own.
MAGMA = (
    "000004 090720 1a1042 311165 4a1079 621980 "
    "792282 912b81 aa337d c23b75 d9466b ec5860 "
    "f7725c fc8e64 feaa74 fec68a fde2a3 fcfdbf"
)


def draw_samples(dataset: str) -> Drawing:
    """Return HTML with a row of training images for each of the first classes."""
    images, labels = read_images(dataset), read_labels(dataset)
    train = read_split_rows(dataset, "train")
    white = brightest(images)
    generator = np.random.default_rng(SEED)
    names = Schema.read(dataset).classes or []
    chosen: dict[str, list[NDArray[np.uint8]]] = {}
    for number, name in enumerate(names[:MAX_CLASSES]):
        rows = train[labels[train] == number]
        rows = np.sort(generator.choice(rows, min(SAMPLES, len(rows)), replace=False))
        if len(rows):
            chosen[name] = [to_bytes(images[row], white) for row in rows]
    for side in SAMPLE_SIDES:
        items = [draw_class(name, row, side) for name, row in chosen.items()]
        if sum(map(len, items)) <= MAX_BYTES:
            break
    left_out = len(names[MAX_CLASSES:])
    note = f"<p>{left_out:,} more classes are left out.</p>" if left_out else ""
    return Drawing(f'<div class="samples">{"".join(items)}</div>{note}')


def draw_class(name: str, images: list[NDArray[np.uint8]], side: int) -> str:
    """Return HTML with images of a class beside one another."""
    pictures = [Image.fromarray(enlarge(image)) for image in images]
    for picture in pictures:
        picture.thumbnail((side, side))  # shrinks only
    width, height = pictures[0].size
    sheet = Image.new("RGBA", (len(pictures) * (width + GAP) - GAP, height))
    for place, picture in enumerate(pictures):
        sheet.paste(picture, (place * (width + GAP), 0))
    return (
        f'<div class="sample"><div>{escape(name)}</div><img src="{to_uri(sheet)}" '
        f'width="{sheet.width}" height="{height}" '
        f'alt="{len(images)} training images of class {escape(name)}"></div>'
    )


def draw_image(image: NDArray[Any], white: float) -> Drawing:
    """Return an image as a data URI; `white` is the value of the brightest pixels."""
    return to_uri(Image.fromarray(enlarge(to_bytes(image, white))))


def draw_heat_map(values: NDArray[Any], limit: float) -> Drawing:
    """Return a heat map as a data URI, from black (0) to light yellow (`limit` or more)."""
    shares = np.clip(values / limit, 0, 1) if limit else np.zeros(values.shape)
    image = Image.fromarray(enlarge(np.rint(shares * 255).astype(np.uint8)))
    image.putpalette(palette().tobytes())
    return to_uri(image)


def palette() -> NDArray[np.uint8]:
    """Return the colors of a heat map, of shape (256, 3)."""
    known = np.array([list(bytes.fromhex(color)) for color in MAGMA.split()])
    places = np.linspace(0, 255, len(known))
    channels = [np.interp(np.arange(256), places, channel) for channel in known.T]
    colors: NDArray[np.uint8] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return colors


def brightest(images: NDArray[Any]) -> float:
    """Return the value of the brightest pixels: 255, or the maximum where that is below half of
    it, as in digits of 16 shades.
    """
    highest = float(images[:BRIGHTNESS_IMAGES].max())
    return 255.0 if highest > 127 else max(highest, 1.0)


def to_bytes(image: NDArray[Any], white: float) -> NDArray[np.uint8]:
    """Return an image in 256 shades, of shape (height, width), or with 3 or 4 channels."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    shades: NDArray[np.uint8] = np.rint(np.clip(image / white, 0, 1) * 255).astype(np.uint8)
    return shades


def enlarge(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a very small image with squares for pixels."""
    times = max(1, -(-MIN_SIDE // max(image.shape[:2])))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def to_uri(image: Image.Image) -> Drawing:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return Drawing(f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}")
