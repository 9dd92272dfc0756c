"""Images in JSON, as nested lists or as Base64 of a file, as inputs of the model."""

import base64
import binascii
import io
import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.signature import IMAGE, ImageInput
from fathom.base.errors import FathomError
from fathom.predict.image_rows import read_image, read_size
from fathom.predict.model_inputs import Inputs
from fathom.serve.request_error import RequestError, json_text, json_type

FILE = "b64"
FORMATS = ("PNG", "JPEG")  # the decoders that a request can reach
MAX_PIXELS = 1 << 24  # of all files of a request: small files may unpack to gigabytes


def image_inputs(values: Sequence[Any], image: ImageInput) -> Inputs:
    """Return the inputs of the model for images in JSON.

    Each is nested lists of the model's shape, {"b64": a PNG or JPEG file} or {"image": either}.

    Raises:
        RequestError: a value is none of these; the line names its row, from 0.
    """
    images = np.empty((len(values), *image.shape), dtype=image.type)
    pixels = 0
    for row, value in enumerate(values):
        content = unwrap(value, row)
        if isinstance(content, bytes):
            pixels += math.prod(read_size(io.BytesIO(content), FORMATS) or [0])
            if image.resized and pixels > MAX_PIXELS:
                raise RequestError(
                    f"row {row}: the image files up to this row have more than {MAX_PIXELS} "
                    "pixels, the most of a request: send fewer or smaller ones",
                    413,
                )
            images[row] = read_file(content, row, image)
        else:
            images[row] = read_lists(content, row, image)
    return {IMAGE: images}


def unwrap(value: Any, row: int) -> Any:
    """Return nested lists, or the bytes of a file."""
    if isinstance(value, dict) and value.keys() == {IMAGE}:
        value = value[IMAGE]
    if not isinstance(value, dict):
        return value
    if value.keys() != {FILE}:
        keys = ", ".join(map(json_text, value)) or "none"
        raise RequestError(f'row {row}: an image has the key "image" or "b64", not {keys}')
    if not isinstance(value[FILE], str):
        raise RequestError(f"row {row}: b64 must be a string, not {json_type(value[FILE])}")
    try:
        return base64.b64decode(value[FILE], validate=True)
    except (ValueError, binascii.Error) as error:
        raise RequestError(f"row {row}: b64 is not Base64") from error


def read_file(content: bytes, row: int, image: ImageInput) -> NDArray[np.uint8]:
    try:
        return read_image(io.BytesIO(content), f"row {row}: the file", image, FORMATS)
    except FathomError as error:
        raise RequestError(str(error)) from error


def read_lists(value: Any, row: int, image: ImageInput) -> NDArray[Any]:
    """Return the image in nested lists; a grey image may have a last dimension of 1."""
    shape = [*image.shape]
    if len(shape) == 2 and len(nested_shape(value)) == 3:
        shape.append(1)
    flat = [value]
    for length in shape:
        if any(type(entry) is not list or len(entry) != length for entry in flat):
            raise RequestError(
                f"row {row}: an image must be nested lists of shape {tuple(image.shape)}, "
                f"{describe_mismatch(value, shape)}",
            )
        flat = list(chain.from_iterable(flat))
    if not set(map(type, flat)) <= {int, float}:
        wrong = next(pixel for pixel in flat if type(pixel) not in (int, float))
        raise RequestError(f"row {row}: a pixel is {json_text(wrong)}, which is not a number")
    check_pixels(flat, row, np.dtype(image.type))
    return np.array(flat).reshape(image.shape)


def describe_mismatch(value: Any, shape: list[int]) -> str:
    found = nested_shape(value)
    if not found:
        return f"not {json_type(value)}"
    return "but its lists differ in length" if list(found) == shape else f"not {found}"


def nested_shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists, by the first entry of each."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def check_pixels(pixels: list[int | float], row: int, dtype: np.dtype[Any]) -> None:
    """Refuse pixels that the dtype cannot hold."""
    whole = dtype.kind in "iu"
    limits: Any = np.iinfo(dtype) if whole else np.finfo(dtype)
    low, high = limits.min, limits.max
    for pixel in (min(pixels), max(pixels)):
        if not low <= pixel <= high:
            why = f"not from {low} to {high}" if whole else f"out of the range of {dtype}"
            raise RequestError(f"row {row}: a pixel is {json_text(pixel)}, {why}")
    if not whole:
        return
    broken = next((p for p in pixels if isinstance(p, float) and not p.is_integer()), None)
    if broken is not None:
        raise RequestError(f"row {row}: a pixel is {broken}, which is not a whole number")
