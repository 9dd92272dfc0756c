"""Builds and compiles a network."""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.problem import Output, Problem
from fathom.base.errors import FathomError, did_you_mean
from fathom.models.names import known_name, output_names, unwrap
from fathom.settings.config import NetworkConfig
from fathom.settings.fields import Factory
from fathom.settings.instantiate import make
from fathom.train.optimizers import WideAndDeep, is_wide


def build(config: NetworkConfig, problem: Problem) -> keras.Model:
    """Return the network that the model's file names, not compiled."""
    model = make(config.model, ("model",), config.origins, problem)
    if not isinstance(model, keras.Model):
        file, key = config.origins.of(("model", "_target_"))
        raise FathomError(
            f"{file}: {key}: {config.model.target} returned {type(model).__name__}, not a Keras "
            "model"
        )
    return model


DEFAULT_LOSS = {"regression": "mse", "classification": "sparse_categorical_crossentropy"}


METRICS = {"regression": ("rmse", "mae"), "classification": ("accuracy",)}


def compile_model(model: keras.Model, problem: Problem, config: NetworkConfig) -> None:
    """Compile a network for its problem, by the section `train` and the model's file."""
    names = output_names(model)
    outputs = [problem.output(name) for name in names]
    model.compile(
        optimizer=with_wide(model, optimizer(config, problem.rows["train"]), problem, config),
        loss=unwrap([loss(output, problem, config) for output in outputs]),
        loss_weights=loss_weights(names, problem, config),
        metrics=unwrap([metrics(output) for output in outputs]),
        jit_compile=config.train.xla,
    )


def optimizer(config: NetworkConfig, rows: int) -> keras.Optimizer:
    """Return the optimiser, its learning rate a number or a schedule.

    Args:
        config: the optimiser is `train.optimizer`; its learning rate is the model's if it names
            none itself.
        rows: of the training part, from which steps are counted.
    """
    chosen, settings = config.train.optimizer, config.train
    rate = chosen.arguments.get("learning_rate", config.model.learning_rate)
    arguments = {name: value for name, value in chosen.arguments.items() if name != "learning_rate"}
    if settings.schedule is not None:
        if isinstance(rate, dict):
            file, key = config.origins.of(("train", "schedule"))
            raise FathomError(
                f"{file}: {key}: train.optimizer.learning_rate is a schedule already; "
                "set one of the two to null"
            )
        rate = schedule(config, settings.schedule, rate, rows)
    arguments = {"_target_": chosen.target, **arguments}
    return make(
        Factory.model_validate(arguments),
        ("train", "optimizer"),
        config.origins,
        learning_rate=rate,
    )


def with_wide(
    model: keras.Model, deep: keras.Optimizer, problem: Problem, config: NetworkConfig
) -> keras.Optimizer:
    """Give a network's wide path the optimiser that the model's file names for it, if any, and if
    there are codes to look up: FTRL is for those, and slow at pixels or numbers alone.
    """
    if config.model.wide_optimizer is None or not problem.sparse:
        return deep
    wide = make(config.model.wide_optimizer, ("model", "wide_optimizer"), config.origins)
    of_wide = [is_wide(variable) for variable in model.trainable_variables]
    if not any(of_wide):
        return deep
    return wide if all(of_wide) else WideAndDeep(wide, deep)


def schedule(config: NetworkConfig, chosen: Factory, rate: float, rows: int) -> Any:
    """Return a learning-rate schedule, what is counted in epochs turned into steps."""
    steps = math.ceil(rows / config.train.batch_size)
    arguments: dict[str, Any] = {"_target_": chosen.target}
    for name, value in chosen.arguments.items():
        if name.endswith("_epochs") and isinstance(value, (int, float)):
            name, value = name.removesuffix("epochs") + "steps", round(value * steps)
        arguments[name] = value
    place = ("train", "schedule")
    defaults = {"initial_learning_rate": rate, "decay_steps": steps * config.train.epochs}
    warmup = arguments.get("warmup_steps", 0)
    if warmup:  # from 0 up to the rate; Keras counts the decay from there
        defaults["initial_learning_rate"], defaults["warmup_target"] = 0.0, rate
        defaults["decay_steps"] -= warmup
    return make(Factory.model_validate(arguments), place, config.origins, **defaults)


def loss(output: Output, problem: Problem, config: NetworkConfig) -> str:
    """Return the loss of an output: `train.loss` goes for the main target's task."""
    name = config.train.loss
    if name == "auto" or output.task != problem.main.task:
        return DEFAULT_LOSS[output.task]
    try:
        return known_name(keras.losses, "loss", name)
    except ValueError as error:
        file, key = config.origins.of(("train", "loss"))
        raise FathomError(f"{file}: {key}: {error}") from error


def loss_weights(names: list[str], problem: Problem, config: NetworkConfig) -> list[float] | None:
    """Return the weight of each output's loss, 1 where the model's file gives none."""
    weights = config.model.loss_weights or {}
    for name in weights:
        if name not in names and name not in problem.outputs:
            file, key = config.origins.of(("model", "loss_weights", name))
            near = did_you_mean(name, names)
            raise FathomError(f"{file}: {key}: the network has no such output{near}")
    return [weights.get(name, 1.0) for name in names] if len(names) > 1 else None


def metrics(output: Output) -> list[Any]:
    if output.task == "classification":
        return ["accuracy"]
    return [
        keras.metrics.RootMeanSquaredError(name="rmse"),
        keras.metrics.MeanAbsoluteError(name="mae"),
    ]


def class_weights(
    labels: NDArray[Any], problem: Problem, config: NetworkConfig
) -> dict[str, float]:
    """Return the weight of each class; `balanced` is rows / (classes * rows of the class).

    Args:
        labels: the main target of all training rows.
    """
    chosen = config.train.class_weight
    assert chosen is not None
    file, key = config.origins.of(("train", "class_weight"))
    classes = problem.main.classes
    if classes is None:
        raise FathomError(f"{file}: {key}: {problem.dataset} is a regression and has no classes")
    if chosen == "balanced":
        counts: NDArray[np.int64] = np.bincount(labels, minlength=len(classes))
        balanced = len(labels) / (len(classes) * np.maximum(counts, 1))
        return dict(zip(classes, balanced.tolist(), strict=True))
    for name in chosen:
        if name not in classes:
            near = did_you_mean(name, classes)
            raise FathomError(f"{file}: {key}: {problem.dataset} has no class {name!r}{near}")
    return chosen
