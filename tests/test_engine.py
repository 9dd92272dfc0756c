"""Compiled programs train as Keras' own `fit` does, whatever the network is made of."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from engine_networks import convolutional, dense, linear, many_kinds, recurrent, wide_and_deep
from tensorflow.python.framework.config import disable_op_determinism

from fathom.train import compiled_fit, keras_fit
from fathom.train.feeds import DiskFeed, Feed, MemoryFeed
from fathom.train.programs import Programs, make_programs
from fathom.train.random_numbers import threefry

ROWS, VALID, BATCH, EPOCHS = 140, 70, 32, 2  # 5 steps an epoch, the last of 12 rows
layers = keras.layers

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(ROWS + VALID, 8)).astype(np.float32)
IMAGES = RANDOM.normal(size=(ROWS + VALID, 8, 8, 1)).astype(np.float32)
CODES = RANDOM.integers(0, 20, (ROWS + VALID, 3)).astype(np.int32)
NUMBER = (TABLE[:, :1] + 0.3 * RANDOM.normal(size=(ROWS + VALID, 1))).astype(np.float32)
CLASS = RANDOM.integers(0, 4, ROWS + VALID)
WEIGHT = RANDOM.uniform(0.2, 3, ROWS + VALID).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def not_deterministic() -> None:
    """Undo the setting of an earlier training in this process, with which Keras avoids XLA."""
    disable_op_determinism()


def regression() -> dict[str, Any]:
    return {"loss": "mse", "metrics": ["mae", keras.metrics.RootMeanSquaredError(name="rmse")]}


def classification() -> dict[str, Any]:
    return {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


def two() -> dict[str, Any]:
    metrics = [["mae"], ["mse", "mae"]]
    return {"loss": ["mse", "mae"], "loss_weights": [0.9, 0.1], "metrics": metrics}


CASES: dict[str, Any] = {
    "dense": (dense, regression, (TABLE, NUMBER)),
    "dropout": (lambda: dense(layers.Dropout(0.3)), regression, (TABLE, NUMBER)),
    "alpha dropout": (
        lambda: dense(layers.AlphaDropout(0.2), activation="selu"), regression, (TABLE, NUMBER),
    ),
    "many kinds, weighted": (many_kinds, regression, (TABLE, NUMBER, WEIGHT)),
    "convolution": (convolutional, classification, (IMAGES, CLASS)),
    "recurrence": (recurrent, regression, (TABLE, NUMBER)),
    "weights of two outputs": (
        wide_and_deep, two, ([CODES, TABLE], [NUMBER, NUMBER * 2], [WEIGHT, WEIGHT * 2]),
    ),
}  # fmt: skip


def rows(examples: Any, chosen: slice) -> Any:
    return tf.nest.map_structure(lambda array: array[chosen], examples)


def feeds(examples: Any, last: bool = True) -> tuple[Feed, Feed]:
    """Return rows for training and validation; perhaps a last batch has fewer rows than others."""
    train = rows(examples, slice(ROWS if last else ROWS // BATCH * BATCH))
    return MemoryFeed(train), MemoryFeed(rows(examples, slice(ROWS, None)))


def new(build: Any, settings: Any, optimizer: Any, xla: bool) -> keras.Model:
    keras.utils.set_random_seed(5)
    model = build()
    model.compile(optimizer=optimizer, jit_compile=xla, **settings())
    return model


def settings_of(epochs: int, deterministic: bool) -> Any:
    """Return the settings of `train` that programs depend on."""
    return SimpleNamespace(batch_size=BATCH, epochs=epochs, deterministic=deterministic)


def programs_of(model: keras.Model, train: Feed, xla: bool = False) -> Programs:
    return make_programs(model, train, settings_of(epochs=10, deterministic=False), train.rows, xla)


def fit_compiled(
    model: keras.Model,
    feeds: tuple[Feed, Feed],
    *callbacks: keras.callbacks.Callback,
    epochs: int = 1,
    xla: bool = False,
) -> None:
    programs = programs_of(model, feeds[0], xla)
    compiled_fit.fit(model, programs, *feeds, seed=7, epochs=epochs, callbacks=list(callbacks))


def compare(
    build: Any,
    settings: Any,
    feeds: tuple[Feed, Feed],
    optimizer: Any,
    xla: bool = False,
    eager: bool = True,
) -> None:
    """Train by both engines and compare all that a training leaves in a model, and its history.

    An eager `fit` takes less time than it takes to make a program. But the mean loss of each of
    several outputs counts batches, in a program not rows. In XLA both get the same random numbers.
    """
    train_by_fit = threefry(keras_fit.fit) if xla else keras_fit.fit
    by_fit = new(build, settings, optimizer(), xla and not eager)
    by_fit.run_eagerly = eager
    train_by_fit(by_fit, *feeds, batch_size=BATCH, seed=7, epochs=EPOCHS, callbacks=[])
    ours = new(build, settings, optimizer(), xla)
    start = [variable.numpy() for variable in ours.trainable_variables]
    history = keras.callbacks.History()
    fit_compiled(ours, feeds, history, epochs=EPOCHS, xla=xla)
    for variable, value in zip(ours.trainable_variables, start, strict=True):
        assert not np.array_equal(variable, value)
    for found, expected in zip(
        [*ours.variables, *ours.optimizer.variables],
        [*by_fit.variables, *by_fit.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6, err_msg=found.path)
    assert history.history.keys() == by_fit.history.history.keys()
    for name, values in by_fit.history.history.items():
        np.testing.assert_allclose(history.history[name], values, rtol=2e-5, err_msg=name)


KINDS = ["many kinds, weighted", "convolution", "recurrence"]


@pytest.mark.parametrize(
    ("case", "xla"),
    [("dense", False), ("dense", True), (KINDS[0], False)]
    + [pytest.param(kind, False, marks=pytest.mark.slow) for kind in KINDS[1:]]
    + [
        pytest.param(kind, True, marks=pytest.mark.slow)
        for kind in [*KINDS, "weights of two outputs"]
    ],
)
def test_layers_train_as_by_fit(case: str, xla: bool) -> None:
    build, settings, examples = CASES[case]
    eager = not xla or case in ("dense", "recurrence")
    optimizer = lambda: keras.optimizers.Adam(0.01)  # noqa: E731
    compare(build, settings, feeds(examples, last=not xla), optimizer, xla, eager)


OPTIMIZERS: dict[str, Any] = {
    "SGD": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "RMSprop": lambda: keras.optimizers.RMSprop(0.01, centered=True),
    "Adam, amsgrad": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "AdamW, clipped": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1, clipnorm=0.5),
    "Adam, clipped over all": lambda: keras.optimizers.Adam(0.01, global_clipnorm=0.5),
    "Adam, moving average": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "Adam, accumulating": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "Nadam": lambda: keras.optimizers.Nadam(0.01),
    "Adamax": lambda: keras.optimizers.Adamax(0.01),
    "Adagrad": lambda: keras.optimizers.Adagrad(0.05),
    "Adadelta": lambda: keras.optimizers.Adadelta(1.0),
    "Ftrl": lambda: keras.optimizers.Ftrl(0.05),
    "Lion": lambda: keras.optimizers.Lion(0.001),
    "Adafactor": lambda: keras.optimizers.Adafactor(0.01),
    "Muon": lambda: keras.optimizers.Muon(0.01, exclude_layers=["main_output"]),
    "scheduled": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(0.1, decay_steps=8, warmup_steps=3)
    ),
}  # fmt: skip


COMMON = ("SGD", "AdamW, clipped", "Adam, moving average", "Muon", "scheduled")
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in OPTIMIZERS if name not in COMMON]


@pytest.mark.parametrize("name", [*COMMON, *OTHERS])
def test_optimizers_train_as_by_fit(name: str) -> None:
    settings: Any = lambda: {"loss": "mse"}  # noqa: E731
    compare(linear, settings, feeds((TABLE, NUMBER)), OPTIMIZERS[name])


class Scaled(keras.Model):
    """A subclassed model with a training step of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)

    def train_step(self, data: Any) -> Any:
        inputs, targets = data
        with tf.GradientTape() as tape:
            predicted = self(inputs, training=True)
            loss = 3 * self.compute_loss(inputs, targets, predicted)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.compute_metrics(inputs, targets, predicted)


def test_a_models_own_training_step_is_used() -> None:
    weights = []
    for build in (Scaled, lambda: keras.Sequential([layers.Dense(1)])):
        model = new(build, regression, keras.optimizers.SGD(0.01), xla=False)
        model(TABLE[:1])
        model.set_weights([np.zeros((8, 1)), np.zeros(1)])
        fit_compiled(model, feeds((TABLE, NUMBER)))
        weights.append(model.get_weights()[0])
    assert np.linalg.norm(weights[0]) > 1.5 * np.linalg.norm(weights[1])


def test_fewer_rows_than_a_batch() -> None:
    model = new(dense, regression, "sgd", xla=False)
    before = model.get_weights()[0]
    feed = MemoryFeed((TABLE[:10], NUMBER[:10]))
    fit_compiled(model, (feed, feed))
    assert model.optimizer.iterations == 1
    assert not np.array_equal(model.get_weights()[0], before)


def test_stops_when_a_callback_says_so() -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 1

    history = keras.callbacks.History()
    model = new(dense, regression, "sgd", xla=False)
    fit_compiled(model, feeds((TABLE, NUMBER)), Stop(), history, epochs=9)
    assert history.epoch == [0, 1]


HOOKS = (
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_test_begin",
    "on_test_end",
)  # fmt: skip


def recorded(name: str) -> Any:
    """Return a hook of a callback that notes its calls."""

    def hook(callback: Any, *arguments: Any) -> None:
        logs = sorted(arguments[-1]) if name.endswith("end") else []
        params = callback.params["epochs"], callback.params["steps"]
        vars(callback).setdefault("calls", []).append((name, arguments[:-1], logs, params))

    return hook


def test_callbacks_are_called_as_by_fit() -> None:
    kind = type("Calls", (keras.callbacks.Callback,), {name: recorded(name) for name in HOOKS})
    of_keras, ours = kind(), kind()
    train, valid = feeds((TABLE, NUMBER))
    model = new(dense, regression, "sgd", xla=False)
    keras_fit.fit(model, train, valid, batch_size=BATCH, seed=1, epochs=2, callbacks=[of_keras])
    fit_compiled(new(dense, regression, "sgd", xla=False), (train, valid), ours, epochs=2)
    assert len(ours.calls) == 2 + 2 * 4
    assert ours.calls == of_keras.calls


@pytest.mark.parametrize(
    ("case", "epochs", "xla", "reason"),
    [
        ("dense", 300, True, "1,500 steps of operations that XLA is fast at"),
        ("recurrence", 2_000, True, "10,000 steps of operations that XLA is fast at"),
        ("dense", 299, False, "1,495 steps would not gain back what compiling costs"),
        ("convolution", 300, False, "XLA is slow at Conv2D on a CPU"),
        ("dropout", 300, True, "1,500 steps of operations that XLA is fast at"),
        ("alpha dropout", 300, True, "1,500 steps of operations that XLA is fast at"),
    ],
)
def test_rule_for_xla(case: str, epochs: int, xla: bool, reason: str) -> None:
    build, settings, examples = CASES[case]
    model = new(build, settings, "sgd", xla=False)
    train, _ = feeds(examples)
    made = make_programs(model, train, settings_of(epochs, deterministic=True), train.rows, "auto")
    assert (made.xla, made.reason) == (xla, reason)


@pytest.mark.parametrize("xla", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_rows_on_disk_train_as_by_fit(xla: bool) -> None:
    def read(chosen: range | None) -> Any:
        assert chosen is not None
        return rows((TABLE, NUMBER), slice(chosen.start, chosen.stop))

    whole = 192 if xla else ROWS + VALID  # XLA does not train on the last, smaller batch
    train = DiskFeed(read, whole, window_rows=96, alignment=8)
    valid = DiskFeed(read, ROWS, window_rows=64, alignment=8)
    build, settings, _ = CASES["dropout"]
    compare(build, settings, (train, valid), lambda: keras.optimizers.Adam(), xla, not xla)
