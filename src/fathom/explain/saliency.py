"""Which pixels move the probability of the class that a network sees in an image."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.artifacts.scalers import Floats, Scaler
from fathom.explain.sizes import per_class
from fathom.models.names import input_names, output_names, unwrap
from fathom.settings.config import DatasetConfig

STEPS = 64  # on the way from black to the image; the paper takes 20 to 300
MOST_AT_ONCE = 1024  # images
VALUES = 2**24  # of images that are in memory at once

METHOD = (
    f"Mean absolute integrated gradients in {STEPS} steps from a black image (Sundararajan et al. "
    "2017, arXiv 1703.01365), averaged by true class"
)

# For scaled images of shape (images, ...) and the numbers of classes, of shape (images,): the
# gradient of each image's probability of its class, of the images' shape.
Gradient = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def explain_images(
    model: keras.Model, problem: Problem, config: DatasetConfig, folder: Path
) -> dict[str, Any]:
    """Explain test images, so many of each class, drawn by the seed; write `maps.npy`."""
    part = read_subset(problem, "test")
    classes = problem.main.classes or []
    labels = part.target("main_output")
    count = per_class(config.explain, len(classes), STEPS)
    generator = np.random.default_rng(config.seed)
    black = black_image(read_scalers(problem.dataset).features, problem.shape)
    maps = np.zeros((len(classes), *problem.shape), np.float32)
    rows_by_class = []
    attribute = Attributions(model, problem, black)
    for number in range(len(classes)):
        of_class = np.flatnonzero(labels == number)
        few = generator.choice(of_class, min(count, len(of_class)), replace=False)
        rows_by_class.append(len(few))
        if len(few):
            images = np.asarray(part.features)[np.sort(few)]
            maps[number] = attribute.mean_absolute(images)
    np.save(folder / "maps.npy", maps)
    return {
        "method": METHOD,
        "explained": "probability of the predicted class",
        "rows": sum(rows_by_class),
        "classes": classes,
        "rows_by_class": rows_by_class,
    }


def black_image(scaler: Scaler, shape: list[int]) -> NDArray[np.float32]:
    """Return an image whose raw values are 0, scaled."""
    black = np.zeros((int(np.prod(shape)) // len(scaler.columns), len(scaler.columns)))
    return scaler.transform(black).reshape(shape).astype(np.float32)


class Attributions:
    """Shares out the probability of the predicted class among the values of an image.

    Integrated gradients: the gradient at images on the straight way from `black` to the image,
    averaged (midpoint rule), times the way. Over an image they sum up to its probability less that
    of `black`.
    """

    def __init__(self, model: keras.Model, problem: Problem, black: NDArray[np.float32]) -> None:
        self.black = black
        self.probabilities = tf.function(
            lambda images: probabilities(model, problem, images), autograph=False
        )
        self.gradient: Gradient = tf.function(
            lambda images, classes: gradient(model, problem, images, classes),
            autograph=False,
            reduce_retracing=True,
        )

    def mean_absolute(self, images: NDArray[np.float32]) -> Floats:
        """Return the mean over images of the attributions' absolute values."""
        at_once = int(np.clip(VALUES // self.black.size, 1, MOST_AT_ONCE))
        total = np.zeros(self.black.shape)
        for start in range(0, len(images), at_once):
            few = images[start : start + at_once]
            total += np.abs(self.of(few)).sum(axis=0)
        return total / len(images)

    def of(self, images: NDArray[np.float32]) -> Floats:
        """Return the attributions of images, of their shape."""
        classes = tf.argmax(self.probabilities(tf.constant(images)), axis=-1)
        way = images - self.black
        total = np.zeros(images.shape)
        for step in range(STEPS):
            passed = self.black + np.float32((step + 0.5) / STEPS) * way
            total += self.gradient(tf.constant(passed), classes).numpy()
        attributions: Floats = way * total / STEPS
        return attributions


def probabilities(model: keras.Model, problem: Problem, images: tf.Tensor) -> tf.Tensor:
    """Return what the main output gives, every input being given the images."""
    outputs = tf.nest.flatten(model(unwrap([images] * len(input_names(model))), training=False))
    names = [problem.output_name(name) for name in output_names(model)]
    return outputs[names.index("main_output")]


def gradient(
    model: keras.Model, problem: Problem, images: tf.Tensor, classes: tf.Tensor
) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(images)
        chosen = tf.gather(probabilities(model, problem, images), classes, batch_dims=1)
    return tape.gradient(chosen, images)
