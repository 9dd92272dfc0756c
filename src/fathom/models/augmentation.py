"""Random changes of training images that keep their class."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from fathom.settings.fields import Section


class Augmentation(Section):
    """Settings of `AugmentImages`."""

    shift: Annotated[float, Field(ge=0, lt=1)]
    flip: bool
    cutout: Annotated[float, Field(ge=0, lt=1)]


@keras.saving.register_keras_serializable("fathom")
class AugmentImages(keras.layers.Layer):
    """Shifts, flips and cuts out scaled images of shape (rows, height, width[, channels]), each by
    random numbers of its own; only in training.

    Whole pixels move, so nothing is interpolated: one lookup of all pixels takes a fraction of the
    step of a small network.

    Args:
        shift: up to this share of height and width, rounded to pixels, in both directions. Pixels
            of the edge fill what becomes free, as a background goes on.
        flip: whether to flip every second image horizontally, on average.
        cutout: side of a square that becomes 0, as a share of height and width; at any place, also
            partly outside (DeVries & Taylor 2017, arXiv 1708.04552).
        seed: None: drawn from Keras' generator.
    """

    def __init__(
        self, shift: float, flip: bool, cutout: float, seed: int | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.shift, self.flip, self.cutout = shift, flip, cutout
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return images
        rows, height, width, *_ = shape = ops.shape(images)
        sizes = [height, width]
        numbers = keras.random.uniform((5, rows, 1), seed=self.seed_generator)
        y, x = map(self.shifted_places, sizes, (numbers[0], numbers[1]))
        if self.flip:
            x = ops.where(numbers[2] < 0.5, width - 1 - x, x)
        places = (ops.arange(rows)[:, None, None] * height + y[:, :, None]) * width + x[:, None, :]
        moved = ops.take(ops.reshape(images, (rows * height * width, -1)), places, axis=0)
        if self.cutout:
            y, x = map(self.within_square, sizes, (numbers[3], numbers[4]))
            hole = ops.logical_and(y[:, :, None], x[:, None, :])
            moved = ops.where(hole[..., None], 0.0, moved)
        return ops.reshape(moved, shape)

    def shifted_places(self, size: int, number: Any) -> Any:
        """Return where each of `size` pixels comes from, by numbers from 0 to 1, (rows, 1)."""
        most = round(self.shift * size)
        by = ops.cast(ops.floor(number * (2 * most + 1)), "int32") - most
        return ops.clip(ops.arange(size) + by, 0, size - 1)

    def within_square(self, size: int, number: Any) -> Any:
        """Tell which of `size` pixels are within the square, by numbers from 0 to 1, (rows, 1)."""
        centers = ops.arange(size, dtype="float32") + 0.5  # of pixels
        return ops.abs(centers - number * size) < self.cutout * size / 2

    def get_config(self) -> dict[str, Any]:
        settings = {"shift": self.shift, "flip": self.flip, "cutout": self.cutout}
        return {**super().get_config(), **settings}


def augment(images: keras.KerasTensor, settings: Augmentation | None) -> keras.KerasTensor:
    """Return images that change at random in training, or the same if no change is set."""
    if settings is None or not (settings.shift or settings.flip or settings.cutout):
        return images
    return AugmentImages(settings.shift, settings.flip, settings.cutout)(images)


def without_augmentation(model: keras.Model) -> keras.Model:
    """Return a model of the same layers, but for augmentation, which does nothing in prediction."""
    if not any(isinstance(layer, AugmentImages) for layer in model.layers):
        return model

    def call(layer: Any, *arguments: Any, **named: Any) -> Any:
        return arguments[0] if isinstance(layer, AugmentImages) else layer(*arguments, **named)

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
