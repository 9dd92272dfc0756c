"""Images in JSON, as nested lists or as files in Base64, as the model takes them."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.signature import IMAGE, ImageInput
from fathom.base.errors import FathomError
from fathom.download.images import READ_ERRORS, decode_image
from fathom.predict.image_rows import to_shape
from fathom.predict.model_inputs import Inputs
from fathom.serve.errors import RefusedError, kind_of, shown

FILE = "b64"
MAX_PIXELS = 1 << 26  # of all files of a request: small ones may unpack to gigabytes


def image_inputs(given: Sequence[Any], wanted: ImageInput) -> Inputs:
    """Return images as the model takes them.

    Args:
        given: each nested lists of the wanted shape, or {"b64": a PNG or JPEG file}, or one of
            these as {"image": ...}.
        wanted: what the model takes.

    Raises:
        RefusedError: one is not so; the line names its row, from 0.
    """
    images = np.empty((len(given), *wanted.shape), dtype=wanted.type)
    pixels = 0
    for row, value in enumerate(given):
        content = unwrapped(value, row)
        if isinstance(content, bytes):
            pixels += size_of(content)
            if pixels > MAX_PIXELS:
                raise RefusedError(
                    413,
                    f"row {row}: the image files up to it have more than the {MAX_PIXELS} pixels "
                    "of a request: send fewer or smaller ones",
                )
            images[row] = of_file(content, row, wanted)
        else:
            images[row] = of_lists(content, row, wanted)
    return {IMAGE: images}


def unwrapped(value: Any, row: int) -> Any:
    """Return nested lists, or the bytes of a file."""
    if isinstance(value, dict) and value.keys() == {IMAGE}:
        value = value[IMAGE]
    if not isinstance(value, dict):
        return value
    if value.keys() != {FILE}:
        keys = ", ".join(map(shown, value)) or "none"
        raise RefusedError(400, f'row {row}: an image has the key "image" or "b64", not {keys}')
    if not isinstance(value[FILE], str):
        raise RefusedError(400, f"row {row}: b64 must be a text, not {kind_of(value[FILE])}")
    try:
        return base64.b64decode(value[FILE], validate=True)
    except (ValueError, binascii.Error) as error:
        raise RefusedError(400, f"row {row}: b64 is not Base64") from error


def size_of(content: bytes) -> int:
    """Return how many pixels an image file has by its header, 0 if it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels, which are counted here
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                return image.width * image.height
    except Image.DecompressionBombError:
        return MAX_PIXELS + 1
    except READ_ERRORS:
        return 0  # which reading it says better


def of_file(content: bytes, row: int, wanted: ImageInput) -> NDArray[np.uint8]:
    """Return the image in a file."""
    name = f"row {row}: the file"
    try:
        return to_shape(decode_image(io.BytesIO(content), name), name, wanted)
    except FathomError as error:
        raise RefusedError(400, str(error)) from error


def of_lists(value: Any, row: int, wanted: ImageInput) -> NDArray[Any]:
    """Return the image in nested lists; grey ones may have a last dimension of 1."""
    shape = [*wanted.shape]
    if len(shape) == 2 and len(shape_of(value)) == 3:
        shape.append(1)
    flat = [value]
    for length in shape:
        if any(type(part) is not list or len(part) != length for part in flat):
            raise RefusedError(
                400,
                f"row {row}: an image must be nested lists of the shape {tuple(wanted.shape)}, "
                f"{description(value, shape)}",
            )
        flat = list(chain.from_iterable(flat))
    if not set(map(type, flat)) <= {int, float}:
        wrong = next(pixel for pixel in flat if type(pixel) not in (int, float))
        raise RefusedError(400, f"row {row}: a pixel is {shown(wrong)}, which is no number")
    return np.array(checked(flat, row, np.dtype(wanted.type))).reshape(wanted.shape)


def description(value: Any, shape: list[int]) -> str:
    """Say how a value differs from nested lists of a shape."""
    found = shape_of(value)
    if not found:
        return f"not {kind_of(value)}"
    return "but its lists are of several lengths" if list(found) == shape else f"not {found}"


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists, by the first of each."""
    found = []
    while isinstance(value, list):
        found.append(len(value))
        value = value[0] if value else None
    return tuple(found)


def checked(pixels: list[int | float], row: int, kind: np.dtype[Any]) -> list[int | float]:
    """Refuse pixels that a type cannot hold."""
    whole = kind.kind in "iu"
    limits: Any = np.iinfo(kind) if whole else np.finfo(kind)
    low, high = limits.min, limits.max
    for pixel in pixels if min(pixels) < low or max(pixels) > high else []:
        if not low <= pixel <= high:
            why = f"not from {low} to {high}" if whole else f"beyond the numbers of {kind}"
            raise RefusedError(400, f"row {row}: a pixel is {shown(pixel)}, {why}")
    if whole:
        broken = next((p for p in pixels if isinstance(p, float) and not p.is_integer()), None)
        if broken is not None:
            raise RefusedError(400, f"row {row}: a pixel is {broken}, which is no whole number")
    return pixels
