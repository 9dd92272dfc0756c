"""Networks and boosting on one table of `tables.py`, in the folder of a project that has it:

python bench/table_runs.py FOLDER TABLE --seeds 42 --models mlp --cache CACHE

Writes `FOLDER/TABLE/SEED.json`, the metrics of each competitor, and `SEED.parquet`: for each test
row the squared error of a number, or 1 for a class that is predicted correctly.
"""

import argparse
import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from boosting import BOOSTING, run_boosting

from fathom.artifacts.ranking import PRIMARY_METRIC
from fathom.artifacts.scaled_data import read_targets, target_of
from fathom.artifacts.scalers import Floats
from fathom.artifacts.training_log import TrainingLog
from fathom.base import paths
from fathom.base.environment import set_environment
from fathom.base.files import write_json
from fathom.base.machine import cores
from fathom.base.tables import read_table, write_table
from fathom.compare.compare import row_errors
from fathom.download.download import download
from fathom.evaluate.evaluate import evaluate
from fathom.evaluate.metrics import compute_metrics
from fathom.scale.scale import scale
from fathom.settings.compose import compose
from fathom.settings.config import DatasetConfig, NetworkConfig
from fathom.split.split import split
from fathom.train.devices import start_tensorflow

SETS = ("valid", "test")
# Trees depend little on the scale; with a fixed one, no change of the networks' fits them again.
BOOSTING_SCALE = ["scale.features=zscore", "scale.clip=5.0", "scale.min_frequency=5"]


def run_split(
    table: str, seed: int, models: list[str], settings: list[str], cache: Path | None
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return metrics by competitor, and the errors on each test row."""
    overrides = [f"dataset={table}", f"split.seed={seed}"]
    config = compose([*overrides, *BOOSTING_SCALE], DatasetConfig)
    split(config)
    problem = scale(config)
    metric = PRIMARY_METRIC[problem.main.task]
    rows = {subset: read_targets(problem, subset) for subset in SETS}
    actual = {subset: target_of("main_output", rows[subset]) for subset in SETS}
    errors: dict[str, Any] = {"row": rows["test"]["row"].to_numpy()}
    competitors: dict[str, Any] = {}
    for name in BOOSTING if cache else ():
        assert cache
        result = run_boosting(name, problem, config.seed, cache)
        values = {
            subset: compute_metrics(problem.main, actual[subset], predicted)[metric]
            for subset, predicted in result.predictions.items()
        }
        competitors[name] = values | {"seconds": result.seconds, "cached": result.cached}
        predicted = result.predictions["test"]
        predicted = predicted if metric == "rmse" else predicted.argmax(1)
        errors[name] = row_errors(actual["test"], predicted, metric)
    scale(compose([*overrides, *settings], DatasetConfig))
    for model in models:
        competitors[model] = run_network([*overrides, f"model={model}", *settings], metric)
        errors[model] = read_errors(table, model, metric)
    description = {
        "metric": metric,
        "rows": problem.rows,
        "cores": cores(),
        "competitors": competitors,
    }
    return description, pd.DataFrame(errors)


def run_network(overrides: list[str], metric: str) -> dict[str, Any]:
    """Train and evaluate a network; return its metrics, those of a single run, and seconds."""
    config = compose(overrides, NetworkConfig)
    strategy = start_tensorflow(config)
    from fathom.train.train import train  # imports Keras, which starts TensorFlow

    train(config, strategy)
    metrics = evaluate(config)
    log = TrainingLog.read_file(paths.training_log(config.dataset.name, config.model.name), "train")
    values = {subset: metrics[subset][metric] for subset in SETS}
    single = values
    if "spread" in metrics:
        single = {subset: metrics["spread"][subset][metric]["mean"] for subset in SETS}
    seconds = float(np.mean([run.seconds for run in log.runs]))
    return values | {"seconds": log.seconds, "single": single | {"seconds": seconds}}


def read_errors(table: str, model: str, metric: str) -> Floats:
    """Return the errors on test rows of what the pipeline takes for the network's predictions."""
    file = paths.predictions(table, model)
    predictions = read_table(file, f"evaluate@{table}-{model}", ["actual", "predicted"])
    actual, predicted = (predictions[name].to_numpy() for name in ("actual", "predicted"))
    return row_errors(actual, predicted, metric)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    set_environment()
    with contextlib.redirect_stdout(io.StringIO()):
        download(compose([f"dataset={options.table}"], DatasetConfig))
    for seed in options.seeds:
        with contextlib.redirect_stdout(io.StringIO()):
            description, errors = run_split(
                options.table, seed, options.models, options.set, options.cache
            )
        folder = options.folder / options.table
        folder.mkdir(parents=True, exist_ok=True)
        write_table(folder / f"{seed}.parquet", errors)
        write_json(folder / f"{seed}.json", description)
        values = {name: c["valid"] for name, c in description["competitors"].items()}
        listed = ", ".join(f"{name} {value:.5g}" for name, value in values.items())
        print(
            f"{options.table}, split {seed}: validation {description['metric']}: {listed}",
            flush=True,
        )


if __name__ == "__main__":
    main()
