"""Compares random, evolutionary and Bayesian search at equal numbers of trials, over several seeds:

PYTHONPATH=src python bench/methods.py [--model NAME] [--trials N] [--seeds N] [--epochs N]

All searches run in one process, one trial at a time, so that they are reproducible, in a copy of
the project with California's scaled data. The seeds are those of the samplers: initial weights and
the order of rows are the same in all searches. Prints Markdown.
"""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from project_copy import copy_scaled_project, markdown_table
from search import ONLY_BEST

from fathom.search.base_settings import BaseSettings
from fathom.search.search_command import as_overrides
from fathom.settings.compose import compose
from fathom.settings.config import SearchConfig
from fathom.train.devices import start_tensorflow

DATASET = "california_housing"
METHODS = ["random", "evolutionary", "tpe"]  # the others are compared with the first


def run_searches(settings: list[str], seeds: int, points: list[int]) -> Iterator[dict[str, Any]]:
    """Search by each method with each seed; yield the best metric after some numbers of trials."""
    strategy = start_tensorflow(compose_search(settings, METHODS[0], 0)[1])
    from fathom.search.search import run_search
    from fathom.search.trainer_pool import TrainerPool

    pool = TrainerPool(strategy)
    for seed in range(seeds):
        for method in METHODS:
            started = time.perf_counter()
            overrides, config = compose_search(settings, method, seed)
            with contextlib.redirect_stdout(io.StringIO()):  # no progress
                result = run_search(config, BaseSettings(overrides), pool)
            seconds = time.perf_counter() - started
            values = pd.Series([trial.value for trial in result.trials], dtype=float)
            best = {f"{point}": values[:point].min() for point in points}
            print(f"{method}, seed {seed}: {values.min():.4f}", file=sys.stderr, flush=True)
            yield {"method": method, "seed": seed, **best, "s": seconds}


def compose_search(settings: list[str], method: str, seed: int) -> tuple[list[str], SearchConfig]:
    overrides = as_overrides([*settings, f"search={method}", f"search.seed={seed}", *ONLY_BEST])
    return overrides, compose(overrides, SearchConfig)


def metrics_table(searches: pd.DataFrame) -> str:
    """Return each method's mean and standard deviation over seeds."""
    *points, _ = searches.columns
    head = ["", *(f"best RMSE after {point}, $100k" for point in points), "s"]
    rows = []
    for method in METHODS:
        columns = searches.loc[method]
        cells = (format_mean(columns[point], ".4f") for point in points)
        rows.append([method, *cells, format_mean(columns["s"], ",.0f")])
    return markdown_table(head, rows)


def difference_table(searches: pd.DataFrame) -> str:
    """Return each method's difference from the first at equal seeds, and how often it is better."""
    *points, _ = searches.columns
    first, *others = METHODS
    head = [f"minus {first}", *(h for p in points for h in (f"after {p}", "better seeds"))]
    rows = []
    for method in others:
        row = [method]
        for point in points:
            values = searches.loc[method][point] - searches.loc[first][point]
            better = (values < 0).sum()
            row += [format_mean(values, "+.4f"), f"{better} of {len(values)}"]
        rows.append(row)
    return markdown_table(head, rows)


def format_mean(values: Any, form: str) -> str:
    sd = values.std() if len(values) > 1 else 0.0
    return f"{values.mean():{form}} ± {sd:{form.lstrip('+')}}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares methods of search.")
    parser.add_argument("--model", default="mlp")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()
    settings = [f"dataset={DATASET}", f"model={options.model}", f"trials={options.trials}"]
    settings += [f"train.epochs={options.epochs}", "at_once=1"]
    points = sorted({-(-options.trials * third // 3) for third in (1, 2, 3)})
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        copy_scaled_project(Path(temporary), DATASET)
        with contextlib.chdir(temporary):
            results = list(run_searches(settings, options.seeds, points))
    searches = pd.DataFrame(results).set_index(["method", "seed"])
    print(
        f"{os.cpu_count()} cores; {options.model}, {options.epochs} epochs, {options.seeds} seeds."
    )
    print(f"\n{metrics_table(searches)}\n\n{difference_table(searches)}")


if __name__ == "__main__":
    main()
