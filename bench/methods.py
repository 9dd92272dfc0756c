"""Compares methods of search at equal numbers of trials, or pruners in equal time, over seeds:

PYTHONPATH=src python bench/methods.py [--dataset NAME] [--model NAME] [--trials N] [--seeds N]
    [--epochs N] [--pruners] [--minutes N]

All searches run in one process, one trial at a time, so that those without a limit of time are
reproducible, in a copy of the project with the scaled data. The seeds are those of the samplers:
initial weights and the order of rows are the same in all searches. Prints Markdown.
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

# The others are compared with the first.
METHODS = {name: [f"search={name}"] for name in ("random", "evolutionary", "tpe")}
PRUNERS = {"none": ["search=tpe"]} | {
    name: ["search=tpe", f"search.pruner={{_target_: optuna.pruners.{name}Pruner}}"]
    for name in ("Hyperband", "Median")
}
Methods = dict[str, list[str]]  # overrides by name


def run_searches(
    settings: list[str], methods: Methods, seeds: int, points: list[int]
) -> Iterator[dict[str, Any]]:
    """Search by each method with each seed; yield the best metric after some numbers of trials, or
    at the end.
    """
    strategy = start_tensorflow(compose_search([*settings, *next(iter(methods.values()))], 0)[1])
    from fathom.search.search import run_search
    from fathom.search.trainer_pool import TrainerPool

    pool = TrainerPool(strategy)
    for seed in range(seeds):
        for method, own in methods.items():
            started = time.perf_counter()
            overrides, config = compose_search([*settings, *own], seed)
            with contextlib.redirect_stdout(io.StringIO()):  # no progress
                result = run_search(config, BaseSettings(overrides), pool)
            seconds = time.perf_counter() - started
            values = pd.Series([trial.value for trial in result.trials], dtype=float)
            if result.higher_is_better:
                values = -values
            best = {f"{point} trials": values[:point].min() for point in points}
            best |= {} if points else {"the time": values.min()}
            print(f"{method}, seed {seed}: {values.min():.4f}", file=sys.stderr, flush=True)
            yield {"method": method, "seed": seed, **best, "trials": len(values), "s": seconds}


def compose_search(settings: list[str], seed: int) -> tuple[list[str], SearchConfig]:
    overrides = as_overrides([*settings, f"search.seed={seed}", *ONLY_BEST])
    return overrides, compose(overrides, SearchConfig)


def metrics_table(searches: pd.DataFrame) -> str:
    """Return each method's mean and standard deviation over seeds."""
    *points, _, _ = searches.columns
    head = ["", *(f"best after {point}" for point in points), "trials", "s"]
    rows = []
    for method, of_method in searches.groupby(level="method", sort=False):
        cells = (format_mean(of_method[point], ".4f") for point in points)
        counts = (format_mean(of_method[name], ",.0f") for name in ("trials", "s"))
        rows.append([str(method), *cells, *counts])
    return markdown_table(head, rows)


def difference_table(searches: pd.DataFrame) -> str:
    """Return each method's difference from the first at equal seeds, and how often it is better."""
    *points, _, _ = searches.columns
    first, *others = searches.index.unique("method")
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
    parser.add_argument("--dataset", default="california_housing")
    parser.add_argument("--model", default="mlp")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, help="default: that of the project")
    parser.add_argument("--pruners", action="store_true", help="of tpe, instead of the methods")
    parser.add_argument("--minutes", type=float, help="of each search, instead of --trials")
    options = parser.parse_args()
    settings = [f"dataset={options.dataset}", f"model={options.model}", "at_once=1"]
    points = sorted({-(-options.trials * third // 3) for third in (1, 2, 3)})
    if options.minutes:
        points, options.trials = [], 10_000
        settings.append(f"minutes={options.minutes}")
    settings.append(f"trials={options.trials}")
    if options.epochs:
        settings.append(f"train.epochs={options.epochs}")
    methods = PRUNERS if options.pruners else METHODS
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        copy_scaled_project(Path(temporary), options.dataset)
        with contextlib.chdir(temporary):
            results = list(run_searches(settings, methods, options.seeds, points))
    searches = pd.DataFrame(results).set_index(["method", "seed"])
    print(f"{options.dataset}, {options.model}, {options.seeds} seeds, {os.cpu_count()} cores")
    print(f"\n{metrics_table(searches)}\n\n{difference_table(searches)}")


if __name__ == "__main__":
    main()
