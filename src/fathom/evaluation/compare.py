"""Whether networks are better than the best baseline, or whether the test rows are too few to say.

By the paired bootstrap: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
"""

from typing import Any

import numpy as np
import pandas as pd

from fathom import paths
from fathom.config.schema import DatasetConfig
from fathom.data.scaling import Floats
from fathom.data.schema import Problem
from fathom.errors import FathomError
from fathom.evaluation.ranking import HIGHER_IS_BETTER, LEADING, best
from fathom.files import read_json, read_table, write_json

DRAWN_AT_ONCE = 2**22  # row numbers, 32 MiB


def compare(config: DatasetConfig) -> dict[str, Any]:
    """Compare every network with the best baseline, on the rows of the test part.

    The best baseline is that of the validation part, by RMSE or accuracy. Writes
    `metrics/<dataset>/comparison.json`: the `metric`, the `baseline` with its `name` and `figure`,
    and under `networks` by name the `figure`, its `difference` (network minus baseline), the
    bounds of the difference's interval, `low` and `high`, and a `verdict`: see `verdict`.

    Raises:
        FathomError: predictions are missing, or are not of the same rows.
    """
    dataset = config.dataset.name
    metric = LEADING[Problem.read(dataset).main.task]
    baselines = read_json(paths.metrics(dataset, "baseline"), f"baseline@{dataset}")
    name = best(baselines, metric)
    tables = read_predictions(dataset, name, config.models)
    merits = np.stack([merit(table, metric) for table in tables])
    figures = figure(merits.mean(axis=1), metric)
    means = resampled_means(merits, config.compare.resamples, config.seed)
    differences = figure(means[1:], metric) - figure(means[0], metric)
    tail = (1 - config.compare.confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail], axis=1)
    comparison = {
        "metric": metric,
        "baseline": {"name": name, "figure": float(figures[0])},
        "networks": {
            model: {
                "figure": float(figures[1 + i]),
                "difference": float(figures[1 + i] - figures[0]),
                "low": float(low[i]),
                "high": float(high[i]),
                "verdict": verdict(low[i], high[i], metric),
            }
            for i, model in enumerate(config.models)
        },
    }
    write_json(paths.metrics(dataset, "comparison"), comparison)
    return comparison


def read_predictions(dataset: str, baseline: str, models: list[str]) -> list[pd.DataFrame]:
    """Return the test part's predictions: those of the baseline first, then the networks'."""
    columns = ["row", "actual", "predicted"]
    folder = paths.predictions(dataset, "baseline").with_suffix("")
    file = folder / f"{baseline}.parquet"
    tables = [read_table(file, f"baseline@{dataset}", columns)]
    for model in models:
        made_by = f"evaluate@{dataset}-{model}"
        table = read_table(paths.predictions(dataset, model), made_by, columns)
        if not table["row"].equals(tables[0]["row"]):
            raise FathomError(
                f"{paths.predictions(dataset, model)} and {file} are not of the same rows: "
                "make both anew with `dvc repro`"
            )
        tables.append(table)
    return tables


def merit(table: pd.DataFrame, metric: str) -> Floats:
    """Return what a metric is the mean of (RMSE: the root of it), for each row."""
    if metric == "rmse":
        squares: Floats = np.square((table["predicted"] - table["actual"]).to_numpy(np.float64))
        return squares
    return (table["predicted"] == table["actual"]).to_numpy().astype(np.float64)


def figure(means: Floats, metric: str) -> Floats:
    return np.sqrt(means) if metric == "rmse" else means


def resampled_means(values: Floats, resamples: int, seed: int) -> Floats:
    """Return the means of rows drawn with replacement, as many as there are.

    All models get the same rows: what makes rows hard for all of them cancels out of differences.

    Args:
        values: of shape (models, rows).

    Returns:
        Of shape (models, resamples).
    """
    models, rows = values.shape
    generator = np.random.default_rng(seed)
    means = np.empty((models, resamples))
    block = max(1, DRAWN_AT_ONCE // rows)
    for start in range(0, resamples, block):
        drawn = generator.integers(rows, size=(min(block, resamples - start), rows))
        for model in range(models):
            means[model, start : start + len(drawn)] = values[model][drawn].mean(axis=1)
    return means


def verdict(low: float, high: float, metric: str) -> str:
    """Return "better", "worse" or, of an interval that contains 0, "can't be told apart"."""
    if low <= 0 <= high:
        return "can't be told apart"
    return "better" if (low > 0) == (metric in HIGHER_IS_BETTER) else "worse"
