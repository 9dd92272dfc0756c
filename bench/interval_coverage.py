"""Measures how much the coverage of prediction intervals suffers from their rows also selecting:

python bench/interval_coverage.py [--splits 10] [--runs 4] [--dataset california_housing]

Without folds, the rows that intervals are fitted to also select the epoch of each run and the best
run. For each split of the data set's rows, this trains the runs, takes the best on the validation
rows, and fits intervals once to these rows and once to as many rows that selected nothing. It
prints in Markdown which share of all other rows they cover.
"""

import argparse
import sys
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from project_copy import ROOT, markdown_table

sys.path.insert(0, str(ROOT / "src"))

from fathom.evaluate.intervals import fit_interval, measure_coverage
from fathom.settings.compose import compose
from fathom.settings.config import DatasetConfig
from fathom.sklearn.input_table import make_schema
from fathom.sklearn.parameters import compose_settings
from fathom.train.devices import start_tensorflow

Pair = tuple[NDArray[Any], NDArray[Any]]

SETS = {"train": 2000, "valid": 500, "fresh": 500}  # rows; all others measure the coverage
COVERAGE = 0.9
FITTED_TO = {
    "valid": "that selected the epochs and the run",
    "fresh": "that selected nothing",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--dataset", default="california_housing")
    arguments = parser.parse_args()
    target = compose([f"dataset={arguments.dataset}"], DatasetConfig).dataset.target
    raw = pd.read_parquet(ROOT / "data/raw" / arguments.dataset / "data.parquet")
    table = raw.rename(columns={target: "y"})
    shares = [measure_split(table, split, arguments.runs) for split in range(arguments.splits)]
    columns = {
        rows: np.array([share[name] for share in shares]) for name, rows in FITTED_TO.items()
    }
    selected, fresh = columns.values()
    columns["difference"] = selected - fresh
    cells = [[rows, format_percent(covered)] for rows, covered in columns.items()]
    print(markdown_table(["intervals fitted to rows", "rows they cover (standard error)"], cells))


def format_percent(values: NDArray[Any]) -> str:
    error = values.std(ddof=1) / np.sqrt(len(values))
    return f"{100 * values.mean():.1f} ± {100 * error:.1f} %"


def measure_split(table: pd.DataFrame, split: int, runs: int) -> dict[str, float]:
    """Return the share of the other rows that intervals from each of `FITTED_TO` cover."""
    order = np.random.default_rng(split).permutation(len(table))
    *sets, others = np.split(order, np.cumsum(list(SETS.values())))
    rows = dict(zip(SETS, sets, strict=True)) | {"others": others}
    trained = [train(table, rows, seed=100 * split + run) for run in range(runs)]
    best = min(trained, key=lambda run: np.square(run["valid"][0] - run["valid"][1]).mean())
    covered = {}
    for name in FITTED_TO:
        actual, predicted = best[name]
        interval = fit_interval(predicted, actual, COVERAGE)
        assert interval is not None
        covered[name] = measure_coverage(interval, [best["others"]])["coverage"]
    print(f"split {split}: {covered}", file=sys.stderr)
    return covered


def train(table: pd.DataFrame, rows: dict[str, NDArray[np.int64]], seed: int) -> dict[str, Pair]:
    """Return by set the targets and the predictions of a network."""
    declared = {"task": "regression", "target": "y", "categories": []}
    config = compose_settings("bench", "mlp", {}, declared, seed, has_validation=True)
    start_tensorflow(config)
    from fathom.sklearn.trained_network import train_network

    schema = make_schema("regression", len(table), "y", None)
    sets = {name: rows[name] for name in ("train", "valid")}
    network, _ = train_network(config, schema, table, sets)
    predicted = {name: network.predict(table.iloc[numbers]) for name, numbers in rows.items()}
    return {name: (table["y"].to_numpy()[rows[name]], predicted[name]) for name in rows}


if __name__ == "__main__":
    main()
