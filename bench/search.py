"""Times a search by `fathom search`, by scikit-learn and by Keras Tuner:

python bench/search.py [--trials N] [--epochs N] [--sample M] [--experiment NAME] [--space NAME] ...

In a copy of the project, with its uncommitted changes, `fathom search` draws settings of Wide &
Deep for California, by default those of Géron's book, and trains them. Then the others train the
same settings by Keras' `fit`, with the same epochs, batches, early stopping and rows. Each is a
process of its own, and its time includes its start. Prints Markdown.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from project_copy import copy_scaled_project, markdown_table, run

DATASET, MODEL = "california_housing", "wide_deep"
ONLY_BEST = ("ensemble=1", "experiments=0")  # nothing follows the search
PACKAGES = ("tensorflow", "keras", "optuna", "scikit-learn", "keras-tuner")
CONTENDERS = {
    "sklearn": ("RandomizedSearchCV, n_jobs=1", ("sklearn_search.py", "1")),
    "sklearn2": ("RandomizedSearchCV, n_jobs=2", ("sklearn_search.py", "2")),
    "tuner": ("Keras Tuner", ("keras_tuner_search.py",)),
}
HEAD = ("", "trials", "s", "s a trial", "ratio", "best RMSE, $100k", "median RMSE, $100k")


@dataclass(frozen=True)
class SearchTime:
    """The seconds of a search, those before its first trial, and the metric of each trial."""

    name: str
    seconds: float
    start: float
    values: list[float]

    def extrapolate(self, trials: int) -> float:
        """Return the seconds of this number of trials."""
        return self.start + (self.seconds - self.start) * trials / len(self.values)


def time_fathom(folder: Path, *settings: str) -> tuple[SearchTime, list[Any]]:
    """Return also the settings of each trial."""
    command = (sys.executable, "-m", "fathom", "search", *settings, *ONLY_BEST)
    seconds, _ = run(folder, *command, PYTHONPATH="src")
    file = folder / "searches" / DATASET / f"{MODEL}-random.json"
    trials = json.loads(file.read_text())["trials"]
    values = [trial["value"] for trial in trials]
    return SearchTime("fathom search", seconds, 0.0, values), [each["settings"] for each in trials]


def time_contender(folder: Path, name: str, overrides: list[str], trials: list[Any]) -> SearchTime:
    title, (script, *arguments) = CONTENDERS[name]
    (folder / "task.json").write_text(json.dumps({"overrides": overrides, "trials": trials}))
    path = os.pathsep.join(["src", "bench", *filter(None, [os.environ.get("PYTHONPATH")])])
    command = (sys.executable, f"bench/{script}", *arguments)
    seconds, printed = run(folder, *command, PYTHONPATH=path)
    result = json.loads(printed.splitlines()[-1])
    return SearchTime(title, seconds, result["start"], result["values"])


def rows(fathom: SearchTime, others: list[SearchTime]) -> Iterator[list[str]]:
    trials = len(fathom.values)
    for search in (fathom, *others):
        count = len(search.values)
        seconds = [f"{search.seconds:,.1f}", f"{search.seconds / count:.2f}"]
        ratio = f"{search.extrapolate(trials) / fathom.seconds:.2f}"
        ratio += "" if count == trials else ", extrapolated"
        rmse = (f"{metric(search.values):.4f}" for metric in (min, statistics.median))
        yield [search.name, str(count), *seconds, ratio, *rmse]


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times searches.")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, help="default: those of params.yaml")
    parser.add_argument("--sample", type=int, help="trials of the others; default: all")
    parser.add_argument("--contenders", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    # Keras' default, auto, is slower: it compiles in each trial, and XLA is slow with dropout.
    parser.add_argument("--jit", choices=("auto", "true", "false"), default="false")
    parser.add_argument("--experiment", default="book_wide_deep", help="none: Fathom's Wide & Deep")
    parser.add_argument("--space", default="book", help="a file of conf/search/space/")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {packages}.")
    print(f"jit_compile of the others: {options.jit}.\n", flush=True)
    common = [f"dataset={DATASET}", f"model={MODEL}", f"experiment={options.experiment}"]
    common.append("train.keep=best")  # the epoch that Keras Tuner and early stopping choose
    if options.epochs:
        common.append(f"train.epochs={options.epochs}")
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        folder = Path(temporary)
        copy_scaled_project(folder, DATASET, options.experiment)
        settings = ("search=random", f"space={options.space}", f"trials={options.trials}")
        fathom, trials = time_fathom(folder, *common, *settings)
        overrides, sample = [*common, f"train.xla={options.jit}"], trials[: options.sample]
        others = [time_contender(folder, name, overrides, sample) for name in options.contenders]
    print(markdown_table(HEAD, rows(fathom, others)))
    if len(sample) < len(trials):
        first = fathom.values[: len(sample)]
        print(
            f"\nfathom search's first {len(sample)} trials, which the others train: best RMSE "
            f"{min(first):.4f}, median {statistics.median(first):.4f}."
        )


if __name__ == "__main__":
    main()
