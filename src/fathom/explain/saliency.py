"""Importance of an image's pixels for the probability of the predicted class."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.artifacts.scalers import Floats, Scaler
from fathom.base.files import write_array
from fathom.models.names import input_names, output_names, unwrap
from fathom.settings.config import DatasetConfig, ExplainSettings

STEPS = 64  # between black and the image; the paper takes 20 to 300
MAX_IMAGES = 1024  # at once
MAX_VALUES = 2**24  # of images in memory at once

METHOD = (
    f"Mean absolute integrated gradients in {STEPS} steps from a black image (Sundararajan et al. "
    "2017, arXiv 1703.01365), averaged by true class"
)


def explain_images(
    model: keras.Model, problem: Problem, config: DatasetConfig, folder: Path
) -> dict[str, Any]:
    test = read_subset(problem, "test")
    classes = problem.main.classes or []
    labels = test.target("main_output")
    count = images_per_class(config.explain, len(classes), STEPS)
    generator = np.random.default_rng(config.seed)
    black = black_image(read_scalers(problem.dataset).features, problem.shape)
    maps = np.zeros((len(classes), *problem.shape), np.float32)
    rows_by_class = []
    gradients = IntegratedGradients(model, problem, black)
    for number in range(len(classes)):
        of_class = np.flatnonzero(labels == number)
        rows = generator.choice(of_class, min(count, len(of_class)), replace=False)
        rows_by_class.append(len(rows))
        if len(rows):
            maps[number] = gradients.mean_absolute(np.asarray(test.features)[np.sort(rows)])
    write_array(folder / "maps.npy", maps)
    return {
        "method": METHOD,
        "explained": "probability of the predicted class",
        "rows": sum(rows_by_class),
        "classes": classes,
        "rows_by_class": rows_by_class,
    }


def images_per_class(settings: ExplainSettings, classes: int, steps: int) -> int:
    return max(1, min(settings.rows, settings.evaluations // (steps * classes)))


def black_image(scaler: Scaler, shape: list[int]) -> NDArray[np.float32]:
    """Return the scaled image whose raw values are 0."""
    black = np.zeros((int(np.prod(shape)) // len(scaler.columns), len(scaler.columns)))
    return scaler.transform(black).reshape(shape).astype(np.float32)


class IntegratedGradients:
    """Attributes the probability of the predicted class to the values of an image.

    The gradient, averaged over the straight line from `black` to the image (midpoint rule), times
    their difference. Its sum is the probability of the image minus that of `black`.
    """

    def __init__(self, model: keras.Model, problem: Problem, black: NDArray[np.float32]) -> None:
        self.model, self.problem, self.black = model, problem, black
        self.predict = tf.function(self.probabilities, autograph=False)
        self.differentiate = tf.function(self.gradient, autograph=False, reduce_retracing=True)

    def mean_absolute(self, images: NDArray[np.float32]) -> Floats:
        at_once = int(np.clip(MAX_VALUES // self.black.size, 1, MAX_IMAGES))
        total = np.zeros(self.black.shape)
        for start in range(0, len(images), at_once):
            total += np.abs(self.attribute(images[start : start + at_once])).sum(axis=0)
        return total / len(images)

    def attribute(self, images: NDArray[np.float32]) -> Floats:
        classes = tf.argmax(self.predict(tf.constant(images)), axis=-1)
        difference = images - self.black
        total = np.zeros(images.shape)
        for step in range(STEPS):
            between = self.black + np.float32((step + 0.5) / STEPS) * difference
            total += self.differentiate(tf.constant(between), classes).numpy()
        return np.asarray(difference * total / STEPS)

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        inputs = unwrap([images] * len(input_names(self.model)))
        outputs = tf.nest.flatten(self.model(inputs, training=False))
        names = [self.problem.output_name(name) for name in output_names(self.model)]
        return outputs[names.index("main_output")]

    def gradient(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            chosen = tf.gather(self.probabilities(images), classes, batch_dims=1)
        return tape.gradient(chosen, images)
