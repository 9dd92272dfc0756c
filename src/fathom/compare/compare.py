"""Whether networks are better than the best baseline, or whether the test rows are too few to say.

By the paired bootstrap: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import HIGHER_IS_BETTER, PRIMARY_METRIC, find_best
from fathom.artifacts.scalers import Floats
from fathom.base import paths
from fathom.base.blocks import blocks
from fathom.base.errors import FathomError
from fathom.base.files import count_rows, read_json, read_table, write_json
from fathom.settings.config import DatasetConfig

DRAWN_AT_ONCE = 2**22  # numbers of groups, 32 MiB
GROUPS = 100_000  # that are resampled, at most


def compare(config: DatasetConfig) -> dict[str, Any]:
    """Compare every network with the best baseline, on the rows of the test part.

    The best baseline is that of the validation part, by RMSE or accuracy. Writes
    `metrics/<dataset>/comparison.json`: the `metric`, the `baseline` with its `name` and `figure`,
    and under `networks` by name the `figure`, its `difference` (network minus baseline), the
    bounds of the difference's interval, `low` and `high`, and a `verdict`: see `verdict`. Many rows
    are resampled in groups: see `grouped`.

    Raises:
        FathomError: predictions are missing, or are not of the same rows.
    """
    dataset = config.dataset.name
    metric = PRIMARY_METRIC[Problem.read(dataset).main.task]
    baselines = read_json(paths.metrics(dataset, "baseline"), f"baseline@{dataset}")
    name = find_best(baselines, metric)
    sizes, sums = grouped(files_of(dataset, name, config.models), metric, config.seed)
    figures = figure(sums.sum(axis=1) / sizes.sum(), metric)
    means = resampled_means(np.vstack([sizes, sums]), config.compare.resamples, config.seed)
    of_models = figure(means[1:] / means[0], metric)
    differences = of_models[1:] - of_models[0]
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


def files_of(dataset: str, baseline: str, models: list[str]) -> dict[Path, str]:
    """Return the files of predictions, the baseline's first, each with the stage that makes it."""
    of_baseline = paths.predictions(dataset, "baseline").with_suffix("") / f"{baseline}.parquet"
    networks = {paths.predictions(dataset, m): f"evaluate@{dataset}-{m}" for m in models}
    return {of_baseline: f"baseline@{dataset}"} | networks


def grouped(files: dict[Path, str], metric: str, seed: int) -> tuple[Floats, Floats]:
    """Return how many rows there are in each group, and the sums of their merits by file.

    A group is one row or, of more than GROUPS rows, several drawn without replacement: their sums
    vary as those of so many rows do. Only a block of rows is in memory at a time.

    Returns:
        Of shape (groups,) and (files, groups).
    """
    rows = {path: count_rows(path, made_by) for path, made_by in files.items()}
    group = groups(next(iter(rows.values())), seed)
    for path in files:
        if rows[path] != len(group):
            raise of_other_rows(path, files)
    count = min(len(group), GROUPS)
    sizes, sums = np.zeros(count), np.zeros((len(files), count))
    for block in blocks(len(group)):
        of_rows = group[block.start : block.stop]
        sizes += np.bincount(of_rows, minlength=count)
        for i, table in enumerate(read_predictions(files, block)):
            sums[i] += np.bincount(of_rows, merit(table, metric), count)
    return sizes, sums


def groups(rows: int, seed: int) -> NDArray[np.int32]:
    """Return the group of each row: as many rows in each, or one more."""
    found = np.arange(rows, dtype=np.int32) % GROUPS
    if rows > GROUPS:
        apart = np.random.SeedSequence(seed).spawn(1)[0]  # the seed itself draws groups
        np.random.default_rng(apart).shuffle(found)
    return found


def read_predictions(files: dict[Path, str], rows: range) -> list[pd.DataFrame]:
    """Read rows that follow one another from all files."""
    columns = ["row", "actual", "predicted"]
    tables = [read_table(path, made_by, columns, rows) for path, made_by in files.items()]
    for path, table in zip(files, tables, strict=True):
        if not table["row"].equals(tables[0]["row"]):
            raise of_other_rows(path, files)
    return tables


def of_other_rows(path: Path, files: dict[Path, str]) -> FathomError:
    return FathomError(
        f"{path} and {next(iter(files))} are not of the same rows: make both anew with `dvc repro`"
    )


def merit(table: pd.DataFrame, metric: str) -> Floats:
    """Return what a metric is the mean of (RMSE: the root of it), for each row."""
    if metric == "rmse":
        squares: Floats = np.square((table["predicted"] - table["actual"]).to_numpy(np.float64))
        return squares
    return (table["predicted"] == table["actual"]).to_numpy().astype(np.float64)


def figure(means: Floats, metric: str) -> Floats:
    return np.sqrt(means) if metric == "rmse" else means


def resampled_means(values: Floats, resamples: int, seed: int) -> Floats:
    """Return the means of groups drawn with replacement, as many as there are.

    All models get the same groups: what makes rows hard for all of them cancels out of differences.

    Args:
        values: of shape (models, groups).

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
