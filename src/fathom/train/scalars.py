"""Numbers that are inputs of a compiled program: learning rates, weight decay, dropout.

Keras treats the numbers of layers, optimizers and schedules as constants, so that another learning
rate needs another program, traced and compiled again. `Scalars` replaces those numbers by variables
while a program is traced: a search then sets the variables and uses the same program.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from fathom.settings.config import NetworkConfig

# Attributes that may differ between two trainings by one program, by class.
ATTRIBUTES: dict[type, tuple[str, ...]] = {
    keras.layers.Dropout: ("rate",),
    keras.layers.AlphaDropout: ("rate",),
    keras.regularizers.L1: ("l1",),
    keras.regularizers.L2: ("l2",),
    keras.optimizers.Optimizer: ("weight_decay", "clipnorm", "global_clipnorm"),
    keras.optimizers.Muon: ("adam_weight_decay",),
    keras.optimizers.schedules.CosineDecay: (
        "initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps",
    ),
    keras.optimizers.schedules.ExponentialDecay: (
        "initial_learning_rate", "decay_steps", "decay_rate",
    ),
}  # fmt: skip

Slot = tuple[Any, str]  # an object and the attribute that holds a number


class Scalar:
    """A number of a network, read when the program runs.

    Python code that compares it sees the number that it was made with: zero and other numbers make
    different programs.
    """

    dtype, is_tensor_like = tf.float32, True  # tf.nn.dropout reads them

    def __init__(self, value: float) -> None:
        self.value = value
        self.variable = tf.Variable(value, dtype=tf.float32, trainable=False)

    def assign(self, value: float) -> None:
        self.variable.assign(value)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        return tf.cast(self.variable.read_value(), dtype or tf.float32)

    def get_shape(self) -> tf.TensorShape:
        return tf.TensorShape([])

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return self.value == other

    __hash__ = None  # type: ignore[assignment]

    def __gt__(self, other: float) -> bool:
        return self.value > other


def tensor_operator(name: str) -> Callable[[Scalar, Any], tf.Tensor]:
    """Return the operator of tensors of this name, for scalars."""
    return lambda scalar, other: getattr(scalar.__tf_tensor__(), name)(other)


for name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow"):
    setattr(Scalar, f"__{name}__", tensor_operator(f"__{name}__"))


class Scalars:
    """The numbers of a compiled model that are inputs of its programs."""

    def __init__(self, model: keras.Model) -> None:
        self.slots = slots(model)
        self.inputs = [Scalar(float(getattr(*slot))) for slot in self.slots]

    @contextmanager
    def as_inputs(self) -> Iterator[None]:
        """Replace the numbers by variables while a program is traced."""
        with replace_values(self.slots, self.inputs):
            yield

    def copy_from(self, model: keras.Model) -> None:
        """Set the numbers to those of another model of the same signature."""
        for scalar, slot in zip(self.inputs, slots(model), strict=True):
            scalar.assign(float(getattr(*slot)))


def program_signature(model: keras.Model, config: NetworkConfig) -> str:
    """Return a text that is the same for all models that one program can train.

    Args:
        model: compiled, its layers and optimizer built.
        config: the settings of the model.
    """
    if not getattr(model, "inputs", None):  # the layers of a subclassed model are not known
        return json.dumps([config.model.model_dump(by_alias=True), config.train.model_dump()])
    zeros = [float(bool(getattr(*slot))) for slot in slots(model)]
    with replace_values(slots(model), zeros):
        one = model.optimizer
        rate = {"name": type(one).__name__, "learning_rate": schedule_of(one)}
        optimizer = one.get_config() | rate
        spares_biases = config.train.optimizer.arguments.get("weight_decay") == "auto"
        tree = [
            model.get_config(),
            optimizer,
            spares_biases,
            config.train.model_dump(by_alias=True, include={"loss"}),
            config.model.loss_weights,
        ]
        text = json.dumps(tree, default=keras.saving.serialize_keras_object)
    names = {operation.name: f"{at}." for at, operation in enumerate(model.operations)}
    return json.dumps(normalize(json.loads(text), names))


def schedule_of(optimizer: keras.Optimizer) -> Any:
    """Return a schedule's settings; the learning rate itself is a variable."""
    rate = optimizer._learning_rate
    scheduled = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
    return [type(rate).__name__, rate.get_config()] if scheduled else None


def slots(model: keras.Model) -> list[Slot]:
    """Return the numbers in a model, its optimizer and its schedule."""
    numbers: list[Slot] = []
    for owner in owners(model):
        for kind, names in ATTRIBUTES.items():
            if isinstance(owner, kind):
                numbers += [(owner, name) for name in names if is_number(getattr(owner, name))]
    return numbers


def owners(model: keras.Model) -> Iterator[Any]:
    for layer in model._flatten_layers(include_self=False):
        yield layer
        for name in ("kernel_regularizer", "bias_regularizer", "activity_regularizer"):
            if getattr(layer, name, None) is not None:
                yield getattr(layer, name)
    yield model.optimizer
    yield model.optimizer._learning_rate


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@contextmanager
def replace_values(attributes: list[Slot], values: list[Any]) -> Iterator[None]:
    """Set attributes to other values for a while."""
    before = [getattr(owner, name) for owner, name in attributes]
    try:
        for (owner, name), value in zip(attributes, values, strict=True):
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name), value in zip(attributes, before, strict=True):
            setattr(owner, name, value)


def normalize(tree: Any, names: dict[str, str]) -> Any:
    """Replace names in a tree and drop initializers, which no program contains."""
    if isinstance(tree, dict):
        return {
            key: normalize(value, names)
            for key, value in tree.items()
            if not key.endswith("_initializer")
        }
    if isinstance(tree, list):
        return [normalize(value, names) for value in tree]
    return names.get(tree, tree) if isinstance(tree, str) else tree
