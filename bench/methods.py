"""How good random, evolutionary and Bayesian search are at equal trials, over several seeds:

PYTHONPATH=src python bench/methods.py [--model NAME] [--trials N] [--seeds N] [--epochs N]

All searches are made in one process, one trial at a time, so that they repeat, in a copy of the
project that has California's parts. The seed is that of what is tried: weights and rows begin alike
in all of them. Prints Markdown.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from searches import ALONE, prepare_copy

from fathom.search.search_command import as_overrides
from fathom.settings.compose import compose
from fathom.settings.config import SearchConfig
from fathom.train.devices import start_tensorflow

DATASET = "california_housing"
METHODS = ("random", "evolutionary", "tpe")  # all are compared with the first


@dataclass(frozen=True)
class TimedSearch:
    """What one search came to: the trials' values in the order in which they were begun."""

    method: str
    seed: int
    seconds: float
    values: list[float | None]

    def best(self, trials: int) -> float:
        """Return the best value of the first trials."""
        return min(value for value in self.values[:trials] if value is not None)


def time_search(method: str, seed: int, settings: list[str], pool: Any) -> TimedSearch:
    from fathom.search.base_settings import BaseSettings
    from fathom.search.search import run_search

    began = time.perf_counter()
    overrides = as_overrides([*settings, f"search={method}", f"search.seed={seed}", *ALONE])
    config = compose(overrides, SearchConfig)
    with contextlib.redirect_stdout(io.StringIO()):  # no progress
        result = run_search(config, BaseSettings(overrides), pool)
    seconds = time.perf_counter() - began
    search = TimedSearch(method, seed, seconds, [trial.value for trial in result.trials])
    best = search.best(len(search.values))
    print(f"{method}, seed {seed}: {best:.4f}", file=sys.stderr, flush=True)
    return search


def start(settings: list[str]) -> Any:
    """Start TensorFlow; return the compiled models that all searches share."""
    overrides = as_overrides([*settings, f"search={METHODS[0]}"])
    strategy = start_tensorflow(compose(overrides, SearchConfig))
    from fathom.search.trainer_pool import TrainerPool

    return TrainerPool(strategy)


def table(searches: list[TimedSearch], points: list[int]) -> Iterator[str]:
    """Return each method's mean and standard deviation over seeds."""
    after = " | ".join(f"best RMSE after {count}, $100k" for count in points)
    yield f"| | {after} | s |"
    yield "|---|" + "---|" * (len(points) + 1)
    for method in METHODS:
        of = [each for each in searches if each.method == method]
        cells = [spread([each.best(count) for each in of], 4) for count in points]
        yield f"| {method} | {' | '.join(cells)} | {spread([each.seconds for each in of], 0)} |"


def differences(searches: list[TimedSearch], points: list[int]) -> Iterator[str]:
    """Return by how much each method is below the first with the same seed, and how often."""
    by = {(each.method, each.seed): each for each in searches}
    first, *others = METHODS
    after = " | ".join(f"after {count} | seeds won" for count in points)
    yield f"| minus {first} | {after} |"
    yield "|---|" + "---|---|" * len(points)
    seeds = sorted({each.seed for each in searches})
    for method in others:
        cells = []
        for count in points:
            apart = [by[method, seed].best(count) - by[first, seed].best(count) for seed in seeds]
            won = sum(difference < 0 for difference in apart)
            cells += [spread(apart, 4, "+"), f"{won} of {len(seeds)}"]
        yield f"| {method} | {' | '.join(cells)} |"


def spread(values: list[float], digits: int, sign: str = "") -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{sign},.{digits}f} ± {deviation:,.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares methods of search.")
    parser.add_argument("--model", default="mlp")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--json", type=Path, help="where to write all figures")
    chosen = parser.parse_args()
    settings = [f"dataset={DATASET}", f"model={chosen.model}", f"trials={chosen.trials}"]
    settings += [f"train.epochs={chosen.epochs}", "at_once=1"]
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        folder = Path(temporary)
        prepare_copy(folder, DATASET)
        with contextlib.chdir(folder):
            pool = start(settings)
            searches = [
                time_search(method, seed, settings, pool)
                for seed in range(chosen.seeds)
                for method in METHODS
            ]
    points = sorted({-(-chosen.trials * third // 3) for third in (1, 2, 3)})
    told = f"{chosen.model}, {chosen.epochs} epochs, {chosen.seeds} seeds"
    print(f"{os.cpu_count()} cores; {told}.\n")
    print("\n".join([*table(searches, points), "", *differences(searches, points)]))
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(each) for each in searches], indent=1))


if __name__ == "__main__":
    main()
