"""The figures of a saved model, and how they spread over its runs."""

import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from fathom import paths
from fathom.config.schema import NetworkConfig
from fathom.config.targets import locate
from fathom.data.parts import read_target_scalers, read_targets, target_of
from fathom.data.scaling import Floats
from fathom.data.schema import Problem
from fathom.evaluation.predict import Predictor
from fathom.evaluation.scores import Scores, prediction_table, scores, spread
from fathom.files import reading, replacing, write_json

MODEL = "model.keras"

Predictions = dict[str, dict[str, Floats]]  # by part and output
Targets = dict[str, pd.DataFrame]  # by part


def evaluate(config: NetworkConfig) -> dict[str, Any]:
    """Score the saved model of `models/<dataset>/<model>/` on every part.

    Writes `metrics/<dataset>/<model>.json`, with figures by part, and under `aux` the same for an
    auxiliary output; of a network trained several times, under `spread` the mean and the standard
    deviation of its runs' figures, and under `ensemble` the figures of their averaged predictions.
    Writes the test part's predictions, in `data/predictions/`; and for `dvc plots` the test part's
    truth and prediction, in `plots/confusion/` or `plots/predicted/`.

    Raises:
        FathomError: the model or the scaled data is not there.
    """
    dataset, name = config.dataset.name, config.model.name
    problem = Problem.read(dataset)
    targets = {part: read_targets(problem, part) for part in paths.PARTS}
    saved = paths.model(dataset, name)
    predicted = predictions([saved / MODEL], config, problem)[0]
    metrics = figures(predicted, targets, problem)
    repeats = sorted((saved / "repeats").glob("*.keras"))
    if len(repeats) > 1:
        runs = predictions(repeats, config, problem)
        metrics |= over_runs(runs, targets, problem)
    write_predictions(predicted["test"], targets["test"], problem, name)
    write_json(paths.metrics(dataset, name), metrics)
    return metrics


def predictions(files: list[Path], config: NetworkConfig, problem: Problem) -> list[Predictions]:
    """Return for each of some files of one network the predictions by part and output."""
    model = load_model(files[0], config)
    predictor = Predictor(model, problem, read_target_scalers(problem))
    found = []
    for file in files:
        model.load_weights(file)
        found.append({part: predictor.predict(part) for part in paths.PARTS})
    return found


def load_model(file: Path, config: NetworkConfig) -> keras.Model:
    """Load a saved model of a data set and a network."""
    with reading(file, f"train@{config.dataset.name}-{config.model.name}"), zipfile.ZipFile(file):
        pass  # it is a whole archive
    # A network's own classes are known to Keras once their module is imported.
    locate(config.model, ("model",), config.origins)
    return keras.saving.load_model(file, compile=False)


def figures(predicted: Predictions, targets: Targets, problem: Problem) -> dict[str, Any]:
    """Score predictions: figures of the main output by part, and under `aux` of an auxiliary."""
    by_output: dict[str, dict[str, Scores]] = {}
    for part, outputs in predicted.items():
        for name, values in outputs.items():
            actual = target_of(name, targets[part])
            scored = scores(problem.output(name), actual, values)
            by_output.setdefault(name, {})[part] = scored
    auxiliary = by_output.pop("aux_output", None)
    main: dict[str, Any] = dict(next(iter(by_output.values())))
    return main if auxiliary is None else main | {"aux": auxiliary}


def over_runs(runs: list[Predictions], targets: Targets, problem: Problem) -> dict[str, Any]:
    """Return how figures spread over runs, and those of the runs' averaged predictions."""
    scored = [figures(run, targets, problem) for run in runs]
    average = {
        part: {name: np.mean([run[part][name] for run in runs], axis=0) for name in outputs}
        for part, outputs in runs[0].items()
    }
    of_average = figures(average, targets, problem)
    return {
        "spread": {part: spread([run[part] for run in scored]) for part in paths.PARTS},
        "ensemble": {part: of_average[part] for part in paths.PARTS},
    }


def write_predictions(
    predicted: dict[str, Floats], targets: pd.DataFrame, problem: Problem, model: str
) -> None:
    """Write predictions of the test part for readers, and what `dvc plots` shows of them."""
    rows = targets["row"].to_numpy()
    tables = {
        name: prediction_table(problem.output(name), rows, target_of(name, targets), values)
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
