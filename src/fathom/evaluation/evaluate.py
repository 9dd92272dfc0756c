"""The figures of a saved model."""

import zipfile
from typing import Any

import keras
import numpy as np
import pandas as pd

from fathom import paths
from fathom.config.schema import NetworkConfig
from fathom.config.targets import locate
from fathom.data.parts import Part, read_part, read_target_scalers, scaler_of
from fathom.data.scaling import Floats, Scaler
from fathom.data.schema import Problem
from fathom.evaluation.scores import Scores, prediction_table, scores
from fathom.files import reading, replacing, write_json
from fathom.models.interface import input_names, output_names, unwrap

BATCH = 1024  # rows predicted at once; the figures do not depend on it


def evaluate(config: NetworkConfig) -> dict[str, Any]:
    """Score the saved model of `models/<dataset>/<model>/` on every part.

    Writes `metrics/<dataset>/<model>.json`, with figures by part, and under `aux` the same for an
    auxiliary output; the test part's predictions, in `data/predictions/`; and for `dvc plots` the
    test part's truth and prediction, in `plots/confusion/` or `plots/predicted/`.

    Raises:
        FathomError: the model or the scaled data is not there.
    """
    dataset, name = config.dataset.name, config.model.name
    problem = Problem.read(dataset)
    scalers = read_target_scalers(problem)
    model = load_model(config)
    figures: dict[str, dict[str, Scores]] = {}
    for part_name in paths.PARTS:
        part = read_part(problem, part_name)
        predicted = predict(model, part, problem, scalers)
        for output_name, values in predicted.items():
            output, actual = problem.output(output_name), part.target(output_name)
            figures.setdefault(output_name, {})[part_name] = scores(output, actual, values)
    auxiliary = figures.pop("aux_output", None)
    metrics: dict[str, Any] = dict(next(iter(figures.values())))
    if auxiliary is not None:
        metrics["aux"] = auxiliary
    write_predictions(part, predicted, problem, name)  # of the last part, test
    write_json(paths.metrics(dataset, name), metrics)
    return metrics


def load_model(config: NetworkConfig) -> keras.Model:
    """Load the saved model of a data set and a network."""
    dataset, name = config.dataset.name, config.model.name
    file = paths.model(dataset, name) / "model.keras"
    with reading(file, f"train@{dataset}-{name}"), zipfile.ZipFile(file):
        pass  # it is a whole archive
    # A network's own classes are known to Keras once their module is imported.
    locate(config.model, ("model",), config.origins)
    return keras.saving.load_model(file, compile=False)


def predict(
    model: keras.Model, part: Part, problem: Problem, scalers: dict[str, Scaler]
) -> dict[str, Floats]:
    """Return each output's predictions for a part.

    Returns:
        By output: numbers of shape (rows,) in the target's unit, or probabilities of shape
        (rows, classes).
    """
    inputs = part.inputs(input_names(model), problem)
    outputs = model.predict(unwrap(inputs), batch_size=BATCH, verbose=0)
    predictions = {}
    names = output_names(model)
    for name, values in zip(names, [outputs] if len(names) == 1 else outputs, strict=True):
        values = np.asarray(values, dtype=np.float64)
        if problem.output(name).task == "classification":
            predictions[name] = values
        else:
            predictions[name] = scaler_of(name, scalers).inverse(values)[:, 0]
    return predictions


def write_predictions(
    part: Part, predicted: dict[str, Floats], problem: Problem, model: str
) -> None:
    """Write a part's predictions for readers, and what `dvc plots` shows of them."""
    tables = {
        name: prediction_table(problem.output(name), part.rows, part.target(name), values)
        for name, values in predicted.items()
    }
    table = next(iter(tables.values()))
    if "aux_output" in tables:
        auxiliary = tables["aux_output"].drop(columns="row").add_prefix("aux_")
        table = pd.concat([table, auxiliary], axis=1)
    with replacing(paths.predictions(problem.dataset, model)) as beside:
        table.to_parquet(beside, index=False)
    kind = "confusion" if problem.main.task == "classification" else "predicted"
    for folder in ("confusion", "predicted"):
        with replacing(paths.plots(folder, problem.dataset, model)) as beside:
            beside.mkdir()
            if folder == kind:
                table[["actual", "predicted"]].to_csv(beside / "test.csv", index=False)
