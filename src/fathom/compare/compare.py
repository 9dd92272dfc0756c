"""Paired bootstrap of the differences between networks, and between them and the best baseline.

Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13. Verdicts have Holm's
correction for several comparisons (1979, Scandinavian Journal of Statistics 6).
"""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, find_best, is_better, read_baselines
from fathom.artifacts.scalers import Floats
from fathom.base import paths
from fathom.base.blocks import blocks
from fathom.base.errors import FathomError
from fathom.base.files import write_json
from fathom.base.tables import count_rows, read_table, read_types
from fathom.settings.config import DatasetConfig

DRAWS_AT_ONCE = 2**22  # 32 MiB of group numbers
MAX_GROUPS = 100_000
COLUMNS = ["row", "actual", "predicted"]

Files = dict[Path, str]  # predictions, the baseline's first, with the stages that write them


def compare(config: DatasetConfig) -> dict[str, Any]:
    """Compare every network with the best baseline, and networks with each other, on the test set.

    The best baseline is the one with the lowest RMSE or highest accuracy on the validation set.
    Writes `metrics/<dataset>/comparison.json`: the `metric`; the `name` and the metric (`figure`)
    of the `baseline`; under `networks` by name the `figure` and the comparison with the baseline;
    in `pairs` the names of two `networks` and their comparison, first minus second (see
    `compare_pairs`); and under `intervals` the `low` and `high` bounds of the metric of each model,
    baselines included.

    Raises:
        FathomError: predictions are missing, or belong to different rows.
    """
    dataset = config.dataset.name
    metric = PRIMARY_METRIC[Problem.read(dataset).main.task]
    baselines = read_baselines(dataset)
    baseline = find_best(baselines, metric)
    folder = paths.predictions(dataset, "baseline").with_suffix("")
    names = [baseline, *config.models, *(name for name in baselines if name != baseline)]
    files = {folder / f"{baseline}.parquet": f"baseline@{dataset}"}
    files |= {paths.predictions(dataset, m): f"evaluate@{dataset}-{m}" for m in config.models}
    files |= {folder / f"{name}.parquet": f"baseline@{dataset}" for name in names[len(files) :]}
    group_of_row = draw_groups(units_of_rows(files, dataset), config.seed)
    sizes, sums = sum_by_group(files, metric, group_of_row)
    values = metric_of(sums.sum(axis=1) / sizes.sum(), metric)
    means = resample_means(np.vstack([sizes, sums]), config.compare.resamples, config.seed)
    resampled = metric_of(means[1:] / means[0], metric)
    networks = range(1, len(config.models) + 1)
    pairs = [*((network, 0) for network in networks), *combinations(networks, 2)]
    compared = compare_pairs(values, resampled, pairs, config.compare.confidence, metric)
    comparison = {
        "metric": metric,
        "baseline": {"name": baseline, "figure": float(values[0])},
        "networks": {
            model: {"figure": float(values[place]), **compared[place, 0]}
            for place, model in enumerate(config.models, start=1)
        },
        "pairs": [
            {"networks": [config.models[first - 1], config.models[second - 1]], **of_pair}
            for (first, second), of_pair in compared.items()
            if second != 0
        ],
        "intervals": metric_intervals(names, resampled, config.compare.confidence),
    }
    write_json(paths.metrics(dataset, "comparison"), comparison)
    return comparison


def metric_intervals(
    names: list[str], resampled: Floats, confidence: float
) -> dict[str, dict[str, float]]:
    """Return by model the bounds of its metric's percentile interval.

    `resampled` has the shape (models, resamples).
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=1)
    return {
        name: {"low": float(low[place]), "high": float(high[place])}
        for place, name in enumerate(names)
    }


def compare_pairs(
    values: Floats,
    resampled: Floats,
    pairs: list[tuple[int, int]],
    confidence: float,
    metric: str,
) -> dict[tuple[int, int], dict[str, Any]]:
    """Return by pair the `difference` of its metrics (first minus second), with the bounds `low`
    and `high` of its confidence interval; and `p`, corrected for the number of pairs, with the
    `verdict` on the first model.

    Args:
        values: the metric of each model.
        resampled: the same in each resample, of shape (models, resamples).
    """
    differences = np.array([resampled[first] - resampled[second] for first, second in pairs])
    tail = (1 - confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail], axis=1)
    sides = np.mean(differences <= 0, axis=1), np.mean(differences >= 0, axis=1)
    p = correct_by_holm(np.minimum(2 * np.minimum(*sides), 1))
    compared = {}
    for place, (first, second) in enumerate(pairs):
        difference = float(values[first] - values[second])
        compared[first, second] = {
            "difference": difference,
            "low": float(low[place]),
            "high": float(high[place]),
            "p": float(p[place]),
            "verdict": verdict(difference, p[place], confidence, metric),
        }
    return compared


def correct_by_holm(p: Floats) -> Floats:
    """Return p-values whose smallest one is below a level by chance no more often than that."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(np.minimum(p[order] * np.arange(len(p), 0, -1), 1))
    return corrected


def units_of_rows(files: Files, dataset: str) -> NDArray[np.integer[Any]]:
    """Return the unit of each test row: rows with the same `split.key` are one, as they may be
    alike; without a key, each row is.
    """
    targets, made_by = paths.scaled(dataset) / "test_targets.parquet", f"scale@{dataset}"
    if "group" not in read_types(targets, made_by):
        return np.arange(count_rows(*next(iter(files.items()))), dtype=np.int32)
    groups = read_table(targets, made_by, ["group"])["group"]
    return np.unique(groups, return_inverse=True)[1]


def sum_by_group(
    files: Files, metric: str, group_of_row: NDArray[np.int32]
) -> tuple[Floats, Floats]:
    """Return the number of rows in each group, and the sums of their squared errors (RMSE) or
    correct predictions (accuracy), of shapes (groups,) and (files, groups).
    """
    for path, made_by in files.items():
        if count_rows(path, made_by) != len(group_of_row):
            raise different_rows(path, files)
    count = int(group_of_row.max()) + 1
    sizes, sums = np.zeros(count), np.zeros((len(files), count))
    for block in blocks(len(group_of_row)):
        group = group_of_row[block.start : block.stop]
        sizes += np.bincount(group, minlength=count)
        tables = [read_table(path, made_by, COLUMNS, block) for path, made_by in files.items()]
        for i, (path, table) in enumerate(zip(files, tables, strict=True)):
            if not table["row"].equals(tables[0]["row"]):
                raise different_rows(path, files)
            values = row_errors(table["actual"].to_numpy(), table["predicted"].to_numpy(), metric)
            sums[i] += np.bincount(group, values, count)
    return sizes, sums


def row_errors(actual: NDArray[Any], predicted: NDArray[Any], metric: str) -> Floats:
    """Return the squared error of each row (RMSE), or 1 for a correct prediction (accuracy)."""
    if metric == "rmse":
        return np.square(np.asarray(predicted - actual, np.float64))
    return np.asarray(predicted == actual, np.float64)


def metric_of(means: Floats, metric: str) -> Floats:
    return np.sqrt(means) if metric == "rmse" else means


def draw_groups(units: NDArray[np.integer[Any]], seed: int) -> NDArray[np.int32]:
    """Return the group of each row, whose unit is known.

    A group is one unit, or several random ones if there are more than MAX_GROUPS units: resampled
    sums of groups vary as those of units.
    """
    count = int(units.max()) + 1
    groups = np.arange(count, dtype=np.int32) % MAX_GROUPS
    if count > MAX_GROUPS:
        own_seed = np.random.SeedSequence(seed).spawn(1)[0]  # `seed` itself draws the resamples
        np.random.default_rng(own_seed).shuffle(groups)
    group_of_row: NDArray[np.int32] = groups[units]
    return group_of_row


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


def verdict(difference: float, p: float, confidence: float, metric: str) -> str:
    if p > 1 - confidence:
        return "can't be told apart"
    return "better" if is_better(metric, difference, 0) else "worse"
