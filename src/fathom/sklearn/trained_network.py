"""Trains a network on rows in memory, and predicts with it."""

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
from fathom.search.trainer_pool import TrainerPool, TrialData
from fathom.settings.config import NetworkConfig
from fathom.train.build import build
from fathom.train.devices import check_keras
from fathom.train.predictor import Predictor
from fathom.train.runs import train_run
from fathom.train.trainer import build_seeded, build_variables

# Fits of one shape share a compiled program, also those of several estimators.
TRAINERS = TrainerPool(tf.distribute.get_strategy())


class TrainedNetwork:
    """A trained network with its encoder and scalers. Can be pickled."""

    def __init__(
        self, model: keras.Model, problem: Problem, encoder: Encoder, scalers: ScalerFile
    ) -> None:
        check_keras()
        self.model, self.problem, self.encoder, self.scalers = model, problem, encoder, scalers
        # Not compiled: in a cross-validation, that takes longer than to predict a fold.
        self.predictor = Predictor(model, ScaledRows(problem, scalers.targets, {}), compiled=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return TrainedNetwork, (self.model, self.problem, self.encoder, self.scalers)

    def predict(self, table: pd.DataFrame) -> Floats:
        """Return the main output for raw rows: numbers of shape (rows,) in the target's own unit,
        or probabilities of shape (rows, classes).
        """
        features = preprocess(table, self.encoder, self.scalers.features)
        rows = Subset(features, {}, None, np.arange(len(table)))
        return self.predictor.predict_rows(rows)["main_output"].astype(np.float64)


def train_network(
    config: NetworkConfig, schema: Schema, table: pd.DataFrame, rows: dict[str, NDArray[np.int64]]
) -> tuple[TrainedNetwork, dict[str, list[float]]]:
    """Train a network; return it with its history: by metric a list of values, one for each epoch.

    `rows` are row numbers of the training set and the validation set, which may be empty.
    """
    check_keras()
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    fitted, scaled = scale_table(config, schema, table, rows)
    subsets, has_validation = dict(scaled.subsets), len(rows["valid"]) > 0
    if not has_validation:  # every epoch ends with a validation, on which nothing depends then
        subsets["valid"] = subsets["train"]
    counts = {name: len(subset.rows) for name, subset in subsets.items()}
    problem = fitted.problem.model_copy(update={"rows": counts})
    data = TrialData(ScaledRows(problem, fitted.scalers.targets, subsets))
    with TRAINERS.lease(config, data, threading.Event()) as trainer:
        _, history = train_run(trainer, config.seed, None, [])
        feed = trainer.train
        model = build_seeded(config.seed, lambda: build_variables(build(config, problem), feed))
        model.set_weights(trainer.model.get_weights())
    if not has_validation:
        history = history.filter(regex="^(?!val_|loss_ratio)")
    network = TrainedNetwork(model, problem, fitted.encoder, fitted.scalers)
    return network, {str(name): history[name].tolist() for name in history}
