"""Compiled models, lent to one trial after another."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import keras
import tensorflow as tf

from fathom.artifacts.scaled_data import ScaledRows
from fathom.models.names import input_names, output_names
from fathom.search.trial_data import TrialData
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.compiled_fit import STEPS_WORTH_XLA, Programs
from fathom.train.feeds import Feed
from fathom.train.predictor import Predictor
from fathom.train.scalars import program_signature
from fathom.train.trainer import Trainer, build_seeded, build_variables, make_feeds
from fathom.train.trainer import make_trainer as compile_anew

KEPT = 64  # models that wait for a trial of their shape


@dataclass(frozen=True)
class Compiled:
    """A model that waits, and its programs: without the rows that it was trained on."""

    model: keras.Model
    programs: Programs
    predictor: Predictor


class TrainerPool:
    """Lends models that stand where the settings have a training begin.

    What takes time is to trace and to compile a program. It is done once for each shape of a
    network and each batch size, and for as many trials of it as train at the same time: later ones
    get the weights and numbers of their own put into a model that another has done with.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self.lock = threading.Lock()
        self.free: list[tuple[str, Compiled]] = []  # the last used one at the end
        self.compiled = 0

    @contextmanager
    def lease(
        self, config: NetworkConfig, data: TrialData, halted: threading.Event
    ) -> Iterator[Trainer]:
        """Lend a trainer that `halted` stops."""

        def built() -> keras.Model:
            model = build(config, data.scaled.problem)
            return build_variables(model, self.rows(model, config, data)[0])

        def begun(seed: int) -> keras.Model:
            with self.strategy.scope():
                model = build_seeded(seed, built)
                compile_model(model, data.scaled.problem, config)
                model.optimizer.build(model.trainable_variables)
            return model

        model = begun(config.seed)
        train, valid = rows = self.rows(model, config, data)
        shape = shape_of(model, config, train)
        kept = self.take(shape)
        if kept is None:
            made = compile_anew(model, config, data.scaled, rows, self.strategy)
            lent = replace(made, halted=halted)
        else:
            begin_as(kept, model)
            lent = Trainer(
                kept.model,
                data.scaled,
                train,
                valid,
                kept.programs,
                lambda seed: begin_as(kept, begun(seed)),
                kept.predictor.over(data.scaled),
                halted,
            )
        try:
            yield lent
        finally:
            self.give_back(shape, lent)

    def rows(self, model: keras.Model, config: NetworkConfig, data: TrialData) -> list[Feed]:
        """Return the rows as such a network takes them, made once."""
        settings = config.train
        key = json.dumps(
            [
                input_names(model), output_names(model), settings.loss, settings.class_weight,
                settings.memory, settings.batch_size,
            ]
        )  # fmt: skip
        with self.lock:
            if key not in data.feeds:
                data.feeds[key] = make_feeds(model, config, data.scaled)
            return data.feeds[key]

    def take(self, shape: str) -> Compiled | None:
        with self.lock:
            for at, (free, kept) in enumerate(self.free):
                if free == shape:
                    del self.free[at]
                    return kept
            self.compiled += 1
            return None

    def give_back(self, shape: str, lent: Trainer) -> None:
        if lent.programs is None:  # Keras' fit has numbers of the model for constants
            return
        no_rows = ScaledRows(lent.data.problem, lent.data.scalers, {})
        kept = Compiled(lent.model, lent.programs, lent.predictor.over(no_rows))
        with self.lock:
            self.free.append((shape, kept))
            del self.free[:-KEPT]


def shape_of(model: keras.Model, config: NetworkConfig, train: Feed) -> str:
    """Return what two trainings have in common that one program can do."""
    settings = config.train
    many = settings.epochs * -(-train.rows // settings.batch_size) >= STEPS_WORTH_XLA
    arrays = [[str(array.dtype), *array.shape[1:]] for array in tf.nest.flatten(train.sample)]
    rest = [
        train.rows, arrays, settings.batch_size, settings.xla, settings.deterministic, many,
    ]  # fmt: skip
    return json.dumps([program_signature(model, config), rest])


def begin_as(kept: Compiled, model: keras.Model) -> None:
    """Bring a model to where another of the same shape stands."""
    for ours, theirs in (
        (kept.model.variables, model.variables),
        (kept.model.optimizer.variables, model.optimizer.variables),
    ):
        for variable, new in zip(ours, theirs, strict=True):
            variable.assign(new)
    kept.programs.scalars.copy_from(model)
