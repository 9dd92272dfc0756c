"""Trains a network on rows in memory, and predicts with it."""

from __future__ import annotations

import threading
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledRows, Subset
from fathom.artifacts.scalers import Floats, ScalerFile
from fathom.artifacts.schema import Schema
from fathom.scale.encoder import Encoder, preprocess
from fathom.scale.scale import scale_table
from fathom.search.trainer_pool import TrainerPool
from fathom.search.trial_data import TrialData
from fathom.settings.config import NetworkConfig
from fathom.train.build import build
from fathom.train.predictor import Predictor
from fathom.train.runs import train_run
from fathom.train.trainer import build_seeded, build_variables

# Compiled for one fit, a program serves the next of its shape, of any estimator in this process.
TRAINERS = TrainerPool(tf.distribute.get_strategy())

History = dict[str, list[float]]


class TrainedNetwork:
    """A trained network, with what was learned of the rows that it was trained on.

    Pickled, the model is as Keras saves it.
    """

    def __init__(
        self, model: keras.Model, problem: Problem, encoder: Encoder, scalers: ScalerFile
    ) -> None:
        self.model, self.problem, self.encoder, self.scalers = model, problem, encoder, scalers
        # Not compiled: in a cross-validation that takes longer than to predict a fold.
        self.predictor = Predictor(model, ScaledRows(problem, scalers.targets, {}), compiled=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return TrainedNetwork, (self.model, self.problem, self.encoder, self.scalers)

    def predict(self, table: pd.DataFrame) -> Floats:
        """Return what the main output says of raw rows: numbers of shape (rows,) in the target's
        own unit, or probabilities of shape (rows, classes).

        Raises:
            FathomError: a value is not of its column's kind; the line names column and row.
        """
        features = preprocess(table, self.encoder, self.scalers.features)
        part = Subset(features, {}, None, np.arange(len(table)))
        return self.predictor.predict_rows(part)["main_output"].astype(np.float64)


def train(
    config: NetworkConfig, schema: Schema, table: pd.DataFrame, rows: dict[str, NDArray[np.int64]]
) -> tuple[TrainedNetwork, History]:
    """Train a network on rows in memory.

    Args:
        table: all rows, with the columns that the settings and the schema name.
        rows: the numbers of the training rows and of those that tell the best epoch, perhaps none.

    Returns:
        The network and by figure its value in each epoch.

    Raises:
        FathomError: the settings ask for what Keras or the network cannot do, a column is not what
            they say, or the loss is no longer a number.
    """
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    fitted, scaled = scale_table(config, schema, table, rows)
    held_out = len(rows["valid"]) > 0
    parts = dict(scaled.subsets)
    if not held_out:  # every epoch ends with a validation, on which then nothing depends
        parts["valid"] = parts["train"]
    counts = {name: len(part.rows) for name, part in parts.items()}
    problem = fitted.problem.model_copy(update={"rows": counts})
    data = TrialData(ScaledRows(problem, fitted.scalers.targets, parts))
    with TRAINERS.lease(config, data, threading.Event()) as trainer:
        _, history = train_run(trainer, config.seed, None, [])
        train_rows = trainer.train
        model = build_seeded(
            config.seed, lambda: build_variables(build(config, problem), train_rows)
        )
        model.set_weights(trainer.model.get_weights())
    kept = history if held_out else history.filter(regex="^(?!val_|loss_ratio)")
    figures = {str(name): kept[name].tolist() for name in kept}
    return TrainedNetwork(model, problem, fitted.encoder, fitted.scalers), figures
