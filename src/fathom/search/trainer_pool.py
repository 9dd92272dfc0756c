"""Compiled models that one trial after another leases, and the rows that they train on."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import keras
import tensorflow as tf

from fathom.artifacts.scaled_data import ScaledRows, Subset
from fathom.models.names import input_names, output_names
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.feeds import Feed, MemoryFeed, make_feeds
from fathom.train.predictor import Predictor
from fathom.train.programs import STEPS_WORTH_XLA, Programs
from fathom.train.scalars import program_signature
from fathom.train.steps import number_of_epochs, steps_of_epoch
from fathom.train.trainer import Trainer, build_seeded, build_variables, make_trainer

CAPACITY = 64  # idle models
MOST_FEEDS = 4  # in memory, of one set of rows: for several inputs, losses or class weights


@dataclass
class TrialData:
    """The rows of one training; `feeds` has them as networks read them."""

    scaled: ScaledRows
    feeds: dict[str, list[Feed]] = field(default_factory=dict)

    def test(self) -> Subset:
        """Return the test set, which no trial reads."""
        return self.scaled.subset("test")


@dataclass(frozen=True)
class CompiledModel:
    """An idle model and its programs, without rows."""

    model: keras.Model
    programs: Programs
    predictor: Predictor

    def reset(self, model: keras.Model) -> None:
        """Copy weights, optimizer state and scalars of a new model of the same shape."""
        for old, new in ((self.model, model), (self.model.optimizer, model.optimizer)):
            for variable, value in zip(old.variables, new.variables, strict=True):
                variable.assign(value)
        self.programs.scalars.copy_from(model)


class TrainerPool:
    """Leases compiled models, initialized from the seed of their settings.

    To trace and compile a program takes longer than many trials. The pool compiles one for each
    shape of a network and batch size, and for each trial of it that trains at the same time. Later
    trials copy their initial weights and scalars into an idle model.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self.lock = threading.Lock()
        self.idle: list[tuple[str, CompiledModel]] = []  # least recently used first
        self.compiled = 0

    @contextmanager
    def lease(
        self, config: NetworkConfig, data: TrialData, halted: threading.Event
    ) -> Iterator[Trainer]:
        """Lease a trainer, which ends its training when `halted` is set."""

        def initialize(seed: int) -> keras.Model:
            problem = data.scaled.problem

            def build_model() -> keras.Model:
                model = build(config, problem)
                return build_variables(model, self.feeds(model, config, data)[0])

            with self.strategy.scope():
                model = build_seeded(seed, build_model)
                compile_model(model, problem, config)
                model.optimizer.build(model.trainable_variables)
            return model

        model = initialize(config.seed)
        train, valid = feeds = self.feeds(model, config, data)
        shape = shape_of(model, config, train)
        compiled = self.take(shape)
        if compiled is None:
            trainer = make_trainer(model, config, data.scaled, feeds, self.strategy)
            trainer = replace(trainer, halted=halted)
        else:
            compiled.reset(model)
            trainer = Trainer(
                config=config,
                model=compiled.model,
                data=data.scaled,
                train=train,
                valid=valid,
                programs=compiled.programs,
                reset=lambda seed: compiled.reset(initialize(seed)),
                predictor=compiled.predictor.over(data.scaled),
                halted=halted,
            )
        try:
            yield trainer
        finally:
            self.give_back(shape, trainer)

    def feeds(self, model: keras.Model, config: NetworkConfig, data: TrialData) -> list[Feed]:
        """Return the rows as this network reads them; those in memory are made once."""
        settings = config.train.model_dump(mode="json", include={"loss", "class_weight", "memory"})
        key = json.dumps([input_names(model), output_names(model), settings])
        with self.lock:
            feeds = data.feeds.pop(key, None) or make_feeds(model, config, data.scaled)
            if all(isinstance(feed, MemoryFeed) for feed in feeds):
                data.feeds[key] = feeds
                for oldest in list(data.feeds)[:-MOST_FEEDS]:
                    del data.feeds[oldest]
            return feeds

    def take(self, shape: str) -> CompiledModel | None:
        with self.lock:
            index = next((i for i, (key, _) in enumerate(self.idle) if key == shape), None)
            if index is not None:
                return self.idle.pop(index)[1]
            self.compiled += 1
            return None

    def give_back(self, shape: str, trainer: Trainer) -> None:
        if trainer.programs is None:  # Keras' fit compiles the model's numbers as constants
            return
        no_rows = ScaledRows(trainer.data.problem, trainer.data.scalers, {})
        compiled = CompiledModel(trainer.model, trainer.programs, trainer.predictor.over(no_rows))
        with self.lock:
            self.idle.append((shape, compiled))
            del self.idle[:-CAPACITY]


def shape_of(model: keras.Model, config: NetworkConfig, train: Feed) -> str:
    """Return a key that is equal for trainings which one compiled program can run."""
    options = {"batch_size", "xla", "deterministic"}
    settings = config.train.model_dump(mode="json", include=options)
    epochs = number_of_epochs(config.train, train.rows)
    steps = epochs * steps_of_epoch(config.train, train.rows)
    arrays = [[str(array.dtype), *array.shape[1:]] for array in tf.nest.flatten(train.sample)]
    rest = [train.rows, arrays, steps >= STEPS_WORTH_XLA, settings]
    return json.dumps([program_signature(model, config), rest])
