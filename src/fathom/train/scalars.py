"""Numbers that a compiled program takes as inputs: learning rates, weight decay, dropout.

Keras takes the numbers of layers, optimisers and schedules for constants, so that another learning
rate is another program, to be traced and compiled once more. While a program is traced, `Scalars`
puts variables in the place of those numbers: afterwards a search sets them, and the same program
goes on.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from fathom.settings.config import NetworkConfig
from fathom.train.optimizers import WideAndDeep

# What may differ between two trainings by one program, by the class that holds it.
ATTRIBUTES: dict[type, tuple[str, ...]] = {
    keras.layers.Dropout: ("rate",),
    keras.layers.AlphaDropout: ("rate",),
    keras.regularizers.L1: ("l1",),
    keras.regularizers.L2: ("l2",),
    keras.optimizers.Optimizer: ("weight_decay", "clipnorm", "global_clipnorm"),
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

    Python code that asks whether it is 0 gets the answer for the number that it was made with:
    what is 0 and what is not are different programs.
    """

    dtype, is_tensor_like = tf.float32, True  # what TensorFlow asks of a rate of dropout

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

    def __add__(self, other: Any) -> tf.Tensor:
        return self.__tf_tensor__() + other

    def __radd__(self, other: Any) -> tf.Tensor:
        return other + self.__tf_tensor__()

    def __sub__(self, other: Any) -> tf.Tensor:
        return self.__tf_tensor__() - other

    def __rsub__(self, other: Any) -> tf.Tensor:
        return other - self.__tf_tensor__()

    def __mul__(self, other: Any) -> tf.Tensor:
        return self.__tf_tensor__() * other

    def __rmul__(self, other: Any) -> tf.Tensor:
        return other * self.__tf_tensor__()

    def __truediv__(self, other: Any) -> tf.Tensor:
        return self.__tf_tensor__() / other

    def __rtruediv__(self, other: Any) -> tf.Tensor:
        return other / self.__tf_tensor__()

    def __pow__(self, other: Any) -> tf.Tensor:
        return self.__tf_tensor__() ** other


class Scalars:
    """The numbers of a compiled model that its programs take as inputs."""

    def __init__(self, model: keras.Model) -> None:
        self.slots = slots(model)
        self.inputs = [Scalar(number(slot)) for slot in self.slots]

    @contextmanager
    def as_inputs(self) -> Iterator[None]:
        """Have what is traced meanwhile read the numbers when it runs."""
        with replaced(self.slots, self.inputs):
            yield

    def copy_from(self, model: keras.Model) -> None:
        """Set the numbers to those of another model of the same signature."""
        for scalar, slot in zip(self.inputs, slots(model), strict=True):
            scalar.assign(number(slot))


def program_signature(model: keras.Model, config: NetworkConfig) -> str:
    """Return what models have in common that can be trained by one program.

    Args:
        model: compiled, its layers and optimiser built.
        config: what it was made by.
    """
    if not getattr(model, "inputs", None):  # a subclassed model does not tell what it does
        return json.dumps([config.model.model_dump(by_alias=True), config.train.model_dump()])
    numbers = slots(model)
    zeros = [float(bool(number(slot))) for slot in numbers]
    with replaced(numbers, zeros):
        optimizers = [
            one.get_config() | {"name": type(one).__name__, "learning_rate": schedule_of(one)}
            for one in optimizers_of(model.optimizer)
            if not isinstance(one, WideAndDeep)
        ]
        tree = [model.get_config(), optimizers, config.train.loss, config.model.loss_weights]
        text = json.dumps(tree, default=keras.saving.serialize_keras_object)
    names = {operation.name: f"{at}." for at, operation in enumerate(model.operations)}
    return json.dumps(normalised(json.loads(text), names))


def schedule_of(optimizer: keras.Optimizer) -> Any:
    """Return a schedule's settings; the learning rate itself is a variable."""
    rate = optimizer._learning_rate
    scheduled = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
    return [type(rate).__name__, rate.get_config()] if scheduled else None


def slots(model: keras.Model) -> list[Slot]:
    """Return where a model, its optimiser and its schedule hold numbers other than None."""
    found = []
    for owner in owners(model):
        for kind, names in ATTRIBUTES.items():
            if isinstance(owner, kind):
                found += [(owner, name) for name in names if is_number(getattr(owner, name))]
    return found


def owners(model: keras.Model) -> Iterator[Any]:
    for layer in model._flatten_layers(include_self=False):
        yield layer
        for name in ("kernel_regularizer", "bias_regularizer", "activity_regularizer"):
            if getattr(layer, name, None) is not None:
                yield getattr(layer, name)
    for optimizer in optimizers_of(model.optimizer):
        yield optimizer
        yield optimizer._learning_rate


def optimizers_of(optimizer: keras.Optimizer) -> list[keras.Optimizer]:
    both = isinstance(optimizer, WideAndDeep)
    return [optimizer, optimizer.wide, optimizer.deep] if both else [optimizer]


def number(slot: Slot) -> float:
    owner, name = slot
    return float(getattr(owner, name))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@contextmanager
def replaced(places: list[Slot], values: list[Any]) -> Iterator[None]:
    """Put values into attributes, and back afterwards what they held."""
    held = [getattr(owner, name) for owner, name in places]
    try:
        for (owner, name), value in zip(places, values, strict=True):
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name), value in zip(places, held, strict=True):
            setattr(owner, name, value)


def normalised(tree: Any, names: dict[str, str]) -> Any:
    """Replace names in a tree, and leave out what weights begin with: no program has it."""
    if isinstance(tree, dict):
        return {
            key: normalised(value, names)
            for key, value in tree.items()
            if not key.endswith("_initializer")
        }
    if isinstance(tree, list):
        return [normalised(value, names) for value in tree]
    return names.get(tree, tree) if isinstance(tree, str) else tree
