"""The same network from several seeds, and all of them as one."""

import random
import threading
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from fathom.artifacts.schema import Problem
from fathom.base.errors import FathomError
from fathom.models.names import output_names
from fathom.settings.config import NetworkConfig
from fathom.train.devices import cores

MANY_VALUES = 10_000_000
REPEATS = 3
SEEDING = threading.Lock()  # Keras draws seeds from generators that all threads share


def repeats(config: NetworkConfig, problem: Problem) -> int:
    """Return how often a network is trained: fewer times where it takes long."""
    if config.train.repeats != "auto":
        return config.train.repeats
    widths = [problem.shape_of(name) for name in ("features", "categories")]
    values = problem.rows["train"] * sum(int(np.prod(width)) for width in widths)
    return REPEATS if values <= MANY_VALUES else 1


def at_once(config: NetworkConfig, runs: int, alone: str | None) -> int:
    """Return how many runs train at the same time, each in a thread with a model of its own.

    Small networks leave most of a processor idle: a run does not take all cores.

    Args:
        alone: why only one can; None if several can.

    Raises:
        FathomError: several are asked for, but only one can.
    """
    asked = config.train.at_once
    if asked != "auto":
        if asked > 1 and alone is not None:
            file, key = config.origins.of(("train", "at_once"))
            raise FathomError(
                f"{file}: {key}: {asked} runs cannot train at once {alone}; set it to 1"
            )
        return min(asked, runs)
    if alone or config.train.callbacks or tf.config.get_visible_devices("GPU"):
        return 1
    return min(cores(), runs)


def seeded(seed: int, build: Callable[[], keras.Model]) -> keras.Model:
    """Return what `build` returns, with the weights and random states that `seed` gives; the
    generators that it is drawn from go on as if nothing had been.

    keras.utils.set_random_seed does more: it seeds TensorFlow's own generator, too, which has
    TensorFlow prepare all programs once more.
    """
    with SEEDING:
        states = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            return build()
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002


class Beginnings:
    """Brings one compiled model to where a newly built one begins, without compiling it again.

    Args:
        build: returns a new network, not compiled, whose weights depend on Keras' seed.
        model: such a network, compiled, its optimiser built, not trained yet.
    """

    def __init__(self, build: Callable[[], keras.Model], model: keras.Model) -> None:
        self.build, self.model = build, model
        self.optimizer = [variable.numpy() for variable in model.optimizer.variables]

    def begin(self, seed: int) -> None:
        """Give the model the weights and random states that `seed` gives a new one."""
        new = seeded(seed, self.build)
        for variable, value in zip(self.model.variables, new.variables, strict=True):
            variable.assign(value)
        for variable, first in zip(self.model.optimizer.variables, self.optimizer, strict=True):
            variable.assign(first)


def ensemble(models: list[keras.Model]) -> keras.Model:
    """Return a model that averages the outputs of models with the same inputs and outputs.

    Targets are scaled by a straight line and classes are probabilities, so that the average is
    that of the predictions (deep ensembles, Lakshminarayanan et al. 2017, arXiv 1612.01474).
    """
    first = models[0]
    inputs = [
        keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        for tensor in first.inputs
    ]
    predicted = []
    for number, model in enumerate(models):
        named = model.get_config() | {"name": f"member_{number}"}
        member = type(model).from_config(named)
        member.set_weights(model.get_weights())
        outputs = member(inputs if len(inputs) > 1 else inputs[0])
        predicted.append(outputs if isinstance(outputs, list | tuple) else [outputs])
    averages = [
        keras.layers.Average(name=name)(list(of_output))
        for name, of_output in zip(output_names(first), zip(*predicted, strict=True), strict=True)
    ]
    return keras.Model(inputs, averages if len(averages) > 1 else averages[0], name="ensemble")
