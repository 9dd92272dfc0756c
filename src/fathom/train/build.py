"""Builds and compiles a network: optimizer, learning rate, losses, metrics and weights."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.model_file import own_objects
from fathom.artifacts.problem import Output, Problem
from fathom.artifacts.scaled_data import ScaledData
from fathom.base.errors import did_you_mean
from fathom.messages.training import TWO_SCHEDULES
from fathom.models.names import known_name, output_names, unwrap
from fathom.settings.config import NetworkConfig
from fathom.settings.fields import Factory
from fathom.settings.instantiate import make
from fathom.train.steps import number_of_epochs, steps_of_epoch, weight_decay

DEFAULT_LOSS = {"regression": "mse", "classification": "sparse_categorical_crossentropy"}


def build(config: NetworkConfig, problem: Problem) -> keras.Model:
    """Return the network of the model's file, not compiled."""
    model = make(config.model, ("model",), config.origins, problem)
    if not isinstance(model, keras.Model):
        text = f"{config.model.target} returned {type(model).__name__}, not a Keras model"
        raise config.origins.error(("model", "_target_"), text)
    if not config.model.target.startswith("fathom."):
        check_objects(model, config)
    return model


def check_objects(model: keras.Model, config: NetworkConfig) -> None:
    """Refuse a network of the user's own that no later stage could load from its file."""
    text, location = "", ("model", "_target_")
    try:
        objects = own_objects(keras.saving.serialize_keras_object(model))
        unknown = next((own.name for own in objects if not own.is_registered), None)
        if unknown is not None:
            text = f"write @keras.saving.register_keras_serializable() before {unknown}"
    except NotImplementedError as error:
        text = " ".join(str(error).split()).partition(" Please")[0]
    if text:
        raise config.origins.error(location, f"the network could not be loaded later: {text}")


def compile_model(model: keras.Model, problem: Problem, config: NetworkConfig) -> None:
    """Compile a network as the section `train` and the model's file say."""
    names = output_names(model)
    outputs = [problem.output(name) for name in names]
    model.compile(
        optimizer=make_optimizer(config, problem),
        loss=unwrap([make_loss(output, problem, config) for output in outputs]),
        loss_weights=loss_weights(names, problem, config),
        metrics=unwrap([make_metrics(output) for output in outputs]),
        jit_compile=config.train.xla,
    )


def make_optimizer(config: NetworkConfig, problem: Problem) -> keras.Optimizer:
    """Return the optimizer with its learning rate, a number or a schedule.

    The learning rate is that of `train.optimizer`, or else that of the model.
    """
    settings, rows = config.train, problem.rows["train"]
    arguments = dict(settings.optimizer.arguments)
    rate = arguments.pop("learning_rate", config.model.learning_rate)
    is_auto = arguments.get("weight_decay") == "auto"
    if is_auto:
        highest = config.model.learning_rate if isinstance(rate, dict) else rate
        arguments["weight_decay"] = weight_decay(settings, problem, highest)
    if settings.schedule is not None:
        if isinstance(rate, dict):
            raise config.origins.error(("train", "schedule"), TWO_SCHEDULES)
        rate = make_schedule(config, settings.schedule, rate, rows)
    factory = Factory.model_validate({"_target_": settings.optimizer.target, **arguments})
    optimizer = make(factory, ("train", "optimizer"), config.origins, learning_rate=rate)
    if is_auto:  # on tables of few rows it is large, and would pull predictions to the mean
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def make_schedule(config: NetworkConfig, schedule: Factory, rate: float, rows: int) -> Any:
    """Return a learning-rate schedule.

    Arguments `<name>_epochs` become `<name>_steps`. `boundaries` are the epochs after which Keras'
    PiecewiseConstantDecay goes on to the next value; it wants the last steps before.
    """
    steps = steps_of_epoch(config.train, rows)
    arguments: dict[str, Any] = {"_target_": schedule.target}
    for name, value in schedule.arguments.items():
        if name.endswith("_epochs") and isinstance(value, (int, float)):
            name, value = name.removesuffix("epochs") + "steps", round(value * steps)
        elif name == "boundaries" and schedule.target.endswith(".PiecewiseConstantDecay"):
            value = [round(epochs * steps) - 1 for epochs in numbers(value)] or value
        elif name == "values":
            value = [float(rate) for rate in numbers(value)] or value
        arguments[name] = value
    epochs = number_of_epochs(config.train, rows)
    defaults = {"initial_learning_rate": rate, "decay_steps": steps * epochs}
    warmup = arguments.get("warmup_steps", 0)
    if warmup:  # from 0 up to the rate; Keras counts the decay from there
        defaults["initial_learning_rate"], defaults["warmup_target"] = 0.0, rate
        defaults["decay_steps"] -= warmup
    factory = Factory.model_validate(arguments)
    made = make(factory, ("train", "schedule"), config.origins, **defaults)
    try:
        float(made(0))
    except Exception as error:  # Keras checks few arguments before a step
        text = f"{schedule.target} gives no rate: {' '.join(str(error).split())}"
        raise config.origins.error(("train", "schedule"), text) from error
    return made


def numbers(value: Any) -> list[float]:
    """Return a list of numbers, an empty one instead of anything else."""
    are_numbers = isinstance(value, list) and all(isinstance(n, (int, float)) for n in value)
    return list(value) if are_numbers else []


def make_loss(output: Output, problem: Problem, config: NetworkConfig) -> Any:
    """Return the loss of an output, or Keras' name of it; `train.loss` applies to the main target's
    task.
    """
    setting, location = config.train.loss, ("train", "loss")
    if setting == "auto" or output.task != problem.main.task:
        return DEFAULT_LOSS[output.task]
    if isinstance(setting, Factory):
        loss = make(setting, location, config.origins)
        if not callable(loss):
            text = f"{setting.target} returned {type(loss).__name__}, not a loss"
            raise config.origins.error((*location, "_target_"), text)
        return loss
    try:
        return known_name(keras.losses, "loss", setting)
    except ValueError as error:
        raise config.origins.error(location, str(error)) from error


def is_sparse(loss: Any) -> bool:
    """Tell by the name of a loss whether it takes class numbers, not one-hot labels."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return name.lower().startswith("sparse")


def loss_weights(names: list[str], problem: Problem, config: NetworkConfig) -> list[float] | None:
    """Return the weight of each output's loss, by default 1."""
    weights = config.model.loss_weights or {}
    for name in weights:
        if name not in names and name not in problem.outputs:
            text = f"the network has no such output{did_you_mean(name, names)}"
            raise config.origins.error(("model", "loss_weights", name), text)
    return [weights.get(name, 1.0) for name in names] if len(names) > 1 else None


def make_metrics(output: Output) -> list[Any]:
    if output.task == "classification":
        return ["accuracy"]
    return [
        keras.metrics.RootMeanSquaredError(name="rmse"),
        keras.metrics.MeanAbsoluteError(name="mae"),
    ]


def class_weights(config: NetworkConfig, data: ScaledData) -> dict[str, float] | None:
    """Return the weight of each class; `balanced` is rows / (classes * rows of the class)."""
    setting, location = config.train.class_weight, ("train", "class_weight")
    if setting is None:
        return None
    dataset, classes = data.problem.dataset, data.problem.main.classes
    if classes is None:
        raise config.origins.error(location, f"{dataset} is a regression and has no classes")
    if setting == "balanced":
        labels = data.main_targets("train")
        counts: NDArray[np.int64] = np.bincount(labels, minlength=len(classes))
        balanced = len(labels) / (len(classes) * np.maximum(counts, 1))
        return dict(zip(classes, balanced.tolist(), strict=True))
    for name in setting:
        if name not in classes:
            text = f"{dataset} has no class {name!r}{did_you_mean(name, classes)}"
            raise config.origins.error(location, text)
    return setting
