"""`fathom serve`: images that it refuses, by their header if that is enough."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from services import Served, error_of

from fathom.artifacts.signature import ImageInput
from fathom.serve.json_images import image_inputs
from fathom.serve.request_error import RequestError

pytestmark = pytest.mark.usefixtures("in_exports")
pytest_plugins = ["services"]

IMAGE = np.zeros((8, 8), np.uint8).tolist()
SHAPE = "row 0: an image must be nested lists of shape (8, 8), "


def with_pixel(value: Any) -> list[Any]:
    return [IMAGE, [*IMAGE[:7], [*IMAGE[0][:7], value]]]


def encode_file(image: Image.Image) -> dict[str, str]:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return {"b64": base64.b64encode(stream.getvalue()).decode()}


@pytest.mark.parametrize(
    ("images", "error"),
    [
        ([[[0] * 7] * 8], SHAPE + "not (8, 7)"),
        ([[0] * 64], SHAPE + "not (64,)"),
        ([5], SHAPE + "not a number"),
        ([[[[0] * 3] * 8] * 8], SHAPE + "not (8, 8, 3)"),
        ([[[0] * 8] * 7 + [[0] * 9]], SHAPE + "but its lists differ in length"),
        (with_pixel(256), "row 1: a pixel is 256, not from 0 to 255"),
        (with_pixel(-1), "row 1: a pixel is -1, not from 0 to 255"),
        (with_pixel(0.5), "row 1: a pixel is 0.5, which is not a whole number"),
        (with_pixel(None), "row 1: a pixel is null, which is not a number"),
        (with_pixel(True), "row 1: a pixel is true, which is not a number"),
        (with_pixel([1]), "row 1: a pixel is a list, which is not a number"),
        ([{"b64": "%"}], "row 0: b64 is not Base64"),
        ([{"b64": 1}], "row 0: b64 must be a string, not a number"),
        ([{"pixels": IMAGE}], 'row 0: an image has the key "image" or "b64", not "pixels"'),
    ],
)
def test_bad_images(digits: Served, images: list[Any], error: str) -> None:
    response = digits.post({"instances": images})
    assert (error_of(response), response.status_code) == (error, 400)


@pytest.mark.parametrize(
    ("side", "found"),
    [
        (8_200, "is 8200 x 8200 pixels (height x width)"),
        (20_000, "has more than 178956970 pixels"),  # Pillow refuses to open it
    ],
)
def test_images_of_another_size_are_not_decoded(
    digits: Served, monkeypatch: pytest.MonkeyPatch, side: int, found: str
) -> None:
    monkeypatch.setattr("fathom.predict.image_rows.decode_image", None)
    response = digits.post({"inputs": [encode_file(Image.new("1", (side, side)))]})
    assert (error_of(response), response.status_code) == (
        f"row 0: the file {found}, but the model takes 8 x 8: resize it",
        400,
    )


@pytest.mark.parametrize("side", [4_000, 20_000])
def test_images_of_a_request_have_a_number_of_pixels(
    monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    small, large = (encode_file(Image.new("1", (size, size))) for size in (1_000, side))
    monkeypatch.setattr("fathom.predict.image_rows.decode_image", lambda *_: Image.new("L", (9, 9)))
    image = ImageInput(shape=[8, 8], type="uint8", low=0, high=16, resized=True)
    with pytest.raises(RequestError) as raised:
        image_inputs([small, large], image)
    assert (raised.value.reason, raised.value.status) == (
        "row 1: the image files up to this row have more than 16777216 pixels, the most of a "
        "request: send fewer or smaller ones",
        413,
    )


def test_files_have_the_errors_of_fathom_predict(digits: Served) -> None:
    gif = {"b64": base64.b64encode(b"GIF89a").decode()}
    wide = encode_file(Image.new("L", (9, 8)))
    for images, error in (
        ([IMAGE, gif], "row 1: the file is not a PNG or JPEG image: convert or remove it"),
        (
            [wide],
            "row 0: the file is 8 x 9 pixels (height x width), but the model takes 8 x 8: "
            "resize it",
        ),
    ):
        response = digits.post({"instances": images})
        assert (error_of(response), response.status_code) == (error, 400)
