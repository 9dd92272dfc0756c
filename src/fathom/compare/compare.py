"""Paired bootstrap of the differences between networks and the best baseline.

Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import HIGHER_IS_BETTER, PRIMARY_METRIC, find_best
from fathom.artifacts.scalers import Floats
from fathom.base import paths
from fathom.base.blocks import blocks
from fathom.base.errors import FathomError
from fathom.base.files import read_json, write_json
from fathom.base.tables import count_rows, read_table
from fathom.settings.config import DatasetConfig

DRAWS_AT_ONCE = 2**22  # 32 MiB of group numbers
MAX_GROUPS = 100_000
COLUMNS = ["row", "actual", "predicted"]

Files = dict[Path, str]  # predictions, the baseline's first, with the stages that write them


def compare(config: DatasetConfig) -> dict[str, Any]:
    """Compare every network with the best baseline on the test set.

    The best baseline is the one with the lowest RMSE or highest accuracy on the validation set.
    Writes `metrics/<dataset>/comparison.json`: the `metric`; the `name` and the metric (`figure`)
    of the `baseline`; and under `networks` by name the `figure`, its `difference` (network minus
    baseline) with the bounds `low` and `high` of the confidence interval, and the `verdict`.

    Raises:
        FathomError: predictions are missing, or belong to different rows.
    """
    dataset = config.dataset.name
    metric = PRIMARY_METRIC[Problem.read(dataset).main.task]
    baselines = read_json(paths.metrics(dataset, "baseline"), f"baseline@{dataset}")
    baseline = find_best(baselines, metric)
    folder = paths.predictions(dataset, "baseline").with_suffix("")
    files = {folder / f"{baseline}.parquet": f"baseline@{dataset}"}
    files |= {paths.predictions(dataset, m): f"evaluate@{dataset}-{m}" for m in config.models}
    sizes, sums = sum_by_group(files, metric, config.seed)
    values = metric_of(sums.sum(axis=1) / sizes.sum(), metric)
    means = resample_means(np.vstack([sizes, sums]), config.compare.resamples, config.seed)
    resampled = metric_of(means[1:] / means[0], metric)
    tail = (1 - config.compare.confidence) / 2
    low, high = np.quantile(resampled[1:] - resampled[0], [tail, 1 - tail], axis=1)
    comparison = {
        "metric": metric,
        "baseline": {"name": baseline, "figure": float(values[0])},
        "networks": {
            model: {
                "figure": float(values[1 + i]),
                "difference": float(values[1 + i] - values[0]),
                "low": float(low[i]),
                "high": float(high[i]),
                "verdict": verdict(low[i], high[i], metric),
            }
            for i, model in enumerate(config.models)
        },
    }
    write_json(paths.metrics(dataset, "comparison"), comparison)
    return comparison


def sum_by_group(files: Files, metric: str, seed: int) -> tuple[Floats, Floats]:
    """Return the number of rows in each group, and the sums of their squared errors (RMSE) or
    correct predictions (accuracy), of shapes (groups,) and (files, groups).

    A group is one row, or several random ones if there are more than MAX_GROUPS rows: resampled
    sums of groups vary as those of rows.
    """
    rows = {path: count_rows(path, made_by) for path, made_by in files.items()}
    group_of_row = draw_groups(next(iter(rows.values())), seed)
    for path in files:
        if rows[path] != len(group_of_row):
            raise different_rows(path, files)
    count = min(len(group_of_row), MAX_GROUPS)
    sizes, sums = np.zeros(count), np.zeros((len(files), count))
    for block in blocks(len(group_of_row)):
        group = group_of_row[block.start : block.stop]
        sizes += np.bincount(group, minlength=count)
        tables = [read_table(path, made_by, COLUMNS, block) for path, made_by in files.items()]
        for i, (path, table) in enumerate(zip(files, tables, strict=True)):
            if not table["row"].equals(tables[0]["row"]):
                raise different_rows(path, files)
            if metric == "rmse":
                values = np.square((table["predicted"] - table["actual"]).to_numpy(np.float64))
            else:
                values = (table["predicted"] == table["actual"]).to_numpy().astype(np.float64)
            sums[i] += np.bincount(group, values, count)
    return sizes, sums


def metric_of(means: Floats, metric: str) -> Floats:
    return np.sqrt(means) if metric == "rmse" else means


def draw_groups(rows: int, seed: int) -> NDArray[np.int32]:
    """Return the random group of each row."""
    groups = np.arange(rows, dtype=np.int32) % MAX_GROUPS
    if rows > MAX_GROUPS:
        own_seed = np.random.SeedSequence(seed).spawn(1)[0]  # `seed` itself draws the resamples
        np.random.default_rng(own_seed).shuffle(groups)
    return groups


def different_rows(path: Path, files: Files) -> FathomError:
    return FathomError(
        f"{path} and {next(iter(files))} have different rows: make both again with `dvc repro`"
    )


def resample_means(values: Floats, resamples: int, seed: int) -> Floats:
    """Return means of groups drawn with replacement, of shape (models, resamples).

    All models get the same groups: differences between models then vary less.
    """
    models, groups = values.shape
    generator = np.random.default_rng(seed)
    means = np.empty((models, resamples))
    block = max(1, DRAWS_AT_ONCE // groups)
    for start in range(0, resamples, block):
        draws = generator.integers(groups, size=(min(block, resamples - start), groups))
        for model in range(models):
            means[model, start : start + len(draws)] = values[model][draws].mean(axis=1)
    return means


def verdict(low: float, high: float, metric: str) -> str:
    if low <= 0 <= high:
        return "can't be told apart"
    return "better" if (low > 0) == (metric in HIGHER_IS_BETTER) else "worse"
